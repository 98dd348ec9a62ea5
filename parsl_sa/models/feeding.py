"""Decide what a user's callable is fed with: tensors or arrays, in which dtype; and set eval mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.callables import arrays_of, modules_of
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
    modules = modules_of(function)
    for module in modules:
        module.eval()
    fed = arrays_of(function) if arrays == "auto" else arrays
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
