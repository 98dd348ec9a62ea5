"""Decide what a user's callable is fed with: tensors or arrays, in which dtype; and set eval mode."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.wrapped import TORCH_DTYPES, NumpyModel, TorchModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def feed(
    function: Callable[..., Any], dtype: str, arrays: str, device: str, files: tuple[Path, ...]
) -> TorchModel | NumpyModel:
    """Set eval mode, dtype and device, and choose what the model is fed.

    Parameters
    ----------
    function : callable
        A torch module, or any callable on one batch.
    dtype, arrays : str
        As the spec has them, ``"auto"`` included.
    device : str
        A device that is there.
    files : tuple of Path
        What the model was made from.

    Returns
    -------
    TorchModel or NumpyModel
        A module is fed with tensors in the dtype of its first floating parameter or buffer; another
        callable in float32 where it takes tensors, in float64 where it takes arrays.

    Raises
    ------
    ModelError
        At ``model.dtype``, ``model.arrays`` or ``model.device``.
    """
    if dtype not in {"auto", *TORCH_DTYPES}:
        raise ModelError("model.dtype", f"'{dtype}' is not one of auto, float32, float64")
    if isinstance(function, nn.Module):
        if arrays == "numpy":
            raise ModelError(
                "model.arrays", "the model is a torch.nn.Module, which takes tensors; use 'torch'"
            )
        module = function.eval()
        if dtype == "auto":
            dtype = _module_dtype(module)
        else:
            module = module.to(TORCH_DTYPES[dtype])
        return TorchModel(module.to(device), dtype=dtype, device=device, files=files)
    modules = _modules_of(function)
    for module in modules:
        module.eval()
    fed = _fed_with(function) if arrays == "auto" else arrays
    if fed == "torch":
        chosen = dtype if dtype != "auto" else _first_dtype(modules)
        return TorchModel(function, dtype=chosen, device=device, files=files, plain=True)
    if fed != "numpy":
        raise ModelError("model.arrays", f"'{arrays}' is not one of auto, torch, numpy")
    if device != "cpu":
        raise ModelError("model.device", "a function of NumPy arrays runs on the CPU: use 'cpu'")
    chosen = dtype if dtype != "auto" else "float64"
    return NumpyModel(function, dtype=chosen, files=files, plain=True)


def _module_dtype(module: nn.Module) -> str:
    """Return the dtype of the first floating parameter, else buffer, else float32."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            name = str(tensor.dtype).removeprefix("torch.")
            if name not in TORCH_DTYPES:
                raise ModelError(
                    "model.dtype",
                    f"the weights are {name}; set model.dtype to 'float32', which converts them",
                )
            return name
    return "float32"


def _first_dtype(modules: list[nn.Module]) -> str:
    return _module_dtype(modules[0]) if modules else "float32"


def _modules_of(function: Callable[..., Any]) -> list[nn.Module]:
    """Find the torch modules behind a plain callable: bound to it, in its closure or its globals."""
    owner = getattr(function, "__self__", None)
    plain = inspect.unwrap(function)
    if not inspect.isfunction(plain):
        return [owner] if isinstance(owner, nn.Module) else []
    try:
        seen = inspect.getclosurevars(plain)
    except ValueError:  # a cell that is still empty
        return []
    held = [owner, *seen.nonlocals.values(), *seen.globals.values()]
    return [one for one in held if isinstance(one, nn.Module)]


def _fed_with(function: Callable[..., Any]) -> str:
    """Guess from annotation, module or globals whether a callable takes tensors or arrays."""
    signature = signature_of(function)
    for parameter in list(signature.parameters.values())[:1] if signature else ():
        hint = parameter.annotation
        text = hint if isinstance(hint, str) else getattr(hint, "__module__", "") + "." + str(hint)
        if "Tensor" in text:
            return "torch"
        if hint is np.ndarray or "ndarray" in text or "NDArray" in text:
            return "numpy"
    plain = inspect.unwrap(getattr(function, "__func__", function))
    if not inspect.isfunction(plain) and not inspect.isbuiltin(plain):
        plain = getattr(type(function), "__call__", plain)  # noqa: B004 - its globals are asked for
    if _modules_of(function) or getattr(plain, "__module__", "").startswith("torch"):
        return "torch"
    held = getattr(plain, "__globals__", {}).values()
    return "torch" if any(value is torch or value is nn for value in held) else "numpy"


def signature_of(target: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature, None for a compiled function that has none."""
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):
        return None
