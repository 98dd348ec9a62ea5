"""The hardware class of this process: what must agree for results to be bit-identical."""

from __future__ import annotations

import platform
from typing import Any

import torch

from parsl_sa.errors import ModelError


def hardware(device: str) -> dict[str, str]:
    """Name the machine's architecture, the vector instructions torch uses, and the device.

    Parameters
    ----------
    device : str
        A device as `Model.device` names it.

    Returns
    -------
    dict
        ``machine``, ``cpu_capability`` and ``device``; on a GPU its product name.

    Examples
    --------
    >>> sorted(hardware("cpu"))
    ['cpu_capability', 'device', 'machine']
    """
    kind = torch.device(device).type
    name = torch.cuda.get_device_name(device) if kind == "cuda" else kind
    return {
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": name,
    }


def choose_device(asked: str, home: str = "cpu") -> str:
    """Turn what the spec says of the device into one that this machine has.

    Parameters
    ----------
    asked : str
        A torch device, or ``"auto"``.
    home : str
        Where the model is already: what ``"auto"`` means.

    Returns
    -------
    str
        torch's name of the device.

    Raises
    ------
    ModelError
        At ``model.device``, if torch does not know the device or the machine lacks it.

    Examples
    --------
    >>> choose_device("cpu")
    'cpu'
    """
    asked = home if asked == "auto" else asked
    try:
        device = torch.device(asked)
    except RuntimeError:
        raise ModelError(
            "model.device", f"'{asked}' is not a device of torch; use 'cpu', 'cuda', 'cuda:1', ... or 'auto'"
        ) from None
    if device.type == "cpu":
        return "cpu"
    backend: Any = getattr(torch, device.type, None)
    present = getattr(backend, "is_available", lambda: False)()
    if not present:
        raise ModelError(
            "model.device",
            f"'{asked}' is asked for, but torch {torch.__version__} sees no {device.type} device here; "
            "set model.device to 'cpu', or run where there is one with a torch built for it",
        )
    n_devices = backend.device_count() if hasattr(backend, "device_count") else 1
    if (device.index or 0) >= n_devices:
        raise ModelError(
            "model.device", f"'{asked}' is asked for, but there are {n_devices} here, counted from 0"
        )
    return f"{device.type}:{device.index or 0}" if device.type in {"cuda", "xpu"} else str(device)
