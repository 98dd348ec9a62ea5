"""Decide what a user's callable is fed with: tensors or arrays, in which dtype; and set its mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.callables import arrays_of, modules_of
from parsl_sa.models.dropout import activate
from parsl_sa.models.estimators import EstimatorCall, is_estimator
from parsl_sa.models.hardware import choose_device
from parsl_sa.models.wrapped import TORCH_DTYPES, NumpyModel, TorchModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from parsl_sa.models.protocol import InputTensor

_CHOICES = {
    "dtype": ("auto", *TORCH_DTYPES),
    "arrays": ("auto", "torch", "numpy"),
    "mode": ("eval", "dropout"),
}
_HALVES = (torch.float16, torch.bfloat16)


def feed(
    made: Any,
    model: Mapping[str, Any],
    files: tuple[Path, ...] = (),
    inputs: tuple[InputTensor, ...] = (),
    remarks: Iterable[str] = (),
) -> TorchModel | NumpyModel:
    """Set mode, dtype and device of what a loader made, and choose what it is fed.

    Parameters
    ----------
    made : Module, estimator, or callable on one batch
        What is evaluated.
    model : mapping
        The spec's ``model``; of it are read ``dtype``, ``device``, ``arrays``, ``mode`` and ``method``.
    files : tuple of Path
        What it was made from.
    inputs : tuple of InputTensor
        The inputs that its file describes.
    remarks : iterable of str
        What the user should know of how it was loaded.

    Returns
    -------
    TorchModel or NumpyModel
        A module is fed with tensors in the dtype of its first floating parameter or buffer (float32 for
        halves, which are converted) where it lies; an estimator with arrays of float64; another callable in
        float32 where it takes tensors, in float64 where it takes arrays.

    Raises
    ------
    ModelError
        At ``model.dtype``, ``model.arrays``, ``model.mode``, ``model.method`` or ``model.device``.
    """
    asked = {key: _choice(model, key) for key in _CHOICES}
    asked["device"] = str(model.get("device") or "auto")
    kept = {"files": files, "inputs": inputs}
    method = str(model.get("method") or "")
    if isinstance(made, nn.Module):
        if asked["arrays"] == "numpy":
            raise ModelError(
                "model.arrays", "the model is a torch.nn.Module, which takes tensors; use 'torch'"
            )
        return _module(made, asked, kept, [*remarks])
    if is_estimator(made) or method:
        call = EstimatorCall(made, method)
        kept["inputs"] = inputs or call.inputs
        return _numpy(call, asked, {**kept, "remarks": (*remarks, call.remark)})
    return _callable(made, asked, {**kept, "plain": True, "remarks": tuple(remarks)})


def _choice(model: Mapping[str, Any], key: str) -> str:
    known = _CHOICES[key]
    value = str(model.get(key) or known[0])
    if value not in known:
        raise ModelError(f"model.{key}", f"'{value}' is not one of {', '.join(known)}")
    return value


def _module(
    module: nn.Module, asked: Mapping[str, str], kept: Mapping[str, Any], remarks: list[str]
) -> TorchModel:
    module.eval()
    if asked["mode"] == "dropout":
        activate([module])
    own = _floating(module)
    found = own.dtype if own is not None else torch.float32
    dtype = asked["dtype"] if asked["dtype"] != "auto" else _dtype_of(found, remarks)
    if own is not None and (asked["dtype"] != "auto" or TORCH_DTYPES[dtype] != found):
        module = module.to(TORCH_DTYPES[dtype])
    device = choose_device(asked["device"], _home(module))
    layered = not isinstance(module, torch.jit.ScriptModule)  # whose layers are inlined
    return TorchModel(
        module.to(device), dtype=dtype, device=device, mode=asked["mode"], layered=layered,
        remarks=tuple(remarks), **kept,
    )  # fmt: skip


def _callable(
    function: Callable[..., Any], asked: Mapping[str, str], kept: Mapping[str, Any]
) -> TorchModel | NumpyModel:
    modules = modules_of(function)
    for module in modules:
        module.eval()
    fed = arrays_of(function) if asked["arrays"] == "auto" else asked["arrays"]
    if fed == "numpy":
        return _numpy(function, asked, kept)
    if asked["mode"] == "dropout":
        activate(modules)
    own = _floating(modules[0]) if modules else None
    dtype = asked["dtype"] if asked["dtype"] != "auto" else _own_dtype(own)
    device = choose_device(asked["device"], _home(modules[0]) if modules else "cpu")
    return TorchModel(function, dtype=dtype, device=device, mode=asked["mode"], **kept)


def _numpy(function: Callable[..., Any], asked: Mapping[str, str], kept: Mapping[str, Any]) -> NumpyModel:
    if choose_device(asked["device"]) != "cpu":
        raise ModelError("model.device", "a function of NumPy arrays runs on the CPU: use 'cpu'")
    if asked["mode"] == "dropout":
        raise ModelError("model.mode", "a function of NumPy arrays has no layers of dropout; use 'eval'")
    return NumpyModel(function, dtype="float64" if asked["dtype"] == "auto" else asked["dtype"], **kept)


def _floating(module: nn.Module) -> torch.Tensor | None:
    """Return the first floating parameter, else buffer, else None."""
    tensors = (*module.parameters(), *module.buffers())
    return next((tensor for tensor in tensors if tensor.is_floating_point()), None)


def _home(module: nn.Module) -> str:
    """Return the device that a module lies on."""
    first = next(iter((*module.parameters(), *module.buffers())), None)
    return "cpu" if first is None else str(first.device)


def _dtype_of(found: torch.dtype, remarks: list[str]) -> str:
    """Name the dtype that weights of another one are fed in."""
    name = str(found).removeprefix("torch.")
    if name in TORCH_DTYPES:
        return name
    if found in _HALVES:
        remarks.append(
            f"model.dtype: the weights are {name} and are evaluated in float32, which holds them exactly: "
            "the "
            f"rounding of {name} would pass for interactions. To study it too, cast in a function of the "
            "loader "
            "'python'"
        )
        return "float32"
    raise ModelError(
        "model.dtype", f"the weights are {name}; set model.dtype to 'float32', which converts them"
    )


def _own_dtype(own: torch.Tensor | None) -> str:
    """Return the dtype of what a plain function calls, which is not converted behind its back."""
    name = "float32" if own is None else str(own.dtype).removeprefix("torch.")
    if name not in TORCH_DTYPES:
        raise ModelError(
            "model.dtype",
            f"the weights behind the function are {name}; convert them in it, or set model.dtype to "
            "'float32' "
            "where it casts its input itself",
        )
    return name
