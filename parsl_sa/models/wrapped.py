"""The two kinds of loaded model: one fed with torch tensors, one fed with NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.dropout import seeded

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy.typing as npt

    from parsl_sa.models.protocol import Array, Feed, InputTensor

TORCH_DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class TorchModel:
    """A callable on tensors; see `parsl_sa.models.protocol.Model` for the fields.

    Named inputs are passed as keywords, those of `positional` in that order. `layered` is False for a module
    whose layers do not run by themselves, as those of a scripted or exported one.

    Examples
    --------
    >>> double = TorchModel(lambda x: 2 * x, dtype="float32")
    >>> double(np.ones((1, 2)))
    tensor([[2., 2.]])
    >>> shifted = TorchModel(lambda x, shift: x + shift, dtype="float32")
    >>> shifted({"x": np.ones((1, 2)), "shift": np.ones((1, 1))})
    tensor([[2., 2.]])
    """

    function: Callable[..., Any]
    dtype: str
    device: str = "cpu"
    files: tuple[Path, ...] = ()
    fixed_batch: int | None = None
    smallest_batch: int = 1
    largest_batch: int | None = None
    inputs: tuple[InputTensor, ...] = ()
    remarks: tuple[str, ...] = ()
    mode: str = "eval"
    positional: tuple[str, ...] = ()
    layered: bool = True
    plain: bool = False
    arrays: str = "torch"

    @property
    def module(self) -> nn.Module | None:
        """The function, where it is a module of layers."""
        return self.function if self.layered and isinstance(self.function, nn.Module) else None

    def __call__(self, inputs: Feed) -> Any:
        """Convert once, copying always (a model may write into its input), and call."""
        with torch.inference_mode():
            if isinstance(inputs, Mapping):
                named = {name: self._tensor(array) for name, array in inputs.items()}
                with self._chance(*named.values()):
                    return self.function(*self._in_order(named), **named)
            tensor = self._tensor(inputs)
            with self._chance(tensor):
                return self.function(tensor)

    def _in_order(self, named: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """Take the inputs that have a place out of those that are named."""
        if self.positional and set(named) != set(self.positional):
            takes, given = ", ".join(self.positional), ", ".join(named)
            raise ModelError("inputs.template", f"the model takes the inputs {takes}; it was given {given}")
        return [named.pop(name) for name in self.positional]

    def _chance(self, *tensors: torch.Tensor) -> AbstractContextManager[None]:
        return seeded(tensors) if self.mode == "dropout" else nullcontext()

    def _tensor(self, array: Array) -> torch.Tensor:
        floating = array.is_floating_point() if isinstance(array, torch.Tensor) else array.dtype.kind == "f"
        dtype = TORCH_DTYPES[self.dtype] if floating else None
        if isinstance(array, torch.Tensor):
            return array.to(self.device, dtype, copy=True)
        return torch.tensor(array, dtype=dtype, device=self.device)


@dataclass(frozen=True)
class NumpyModel:
    """A callable on arrays; see `parsl_sa.models.protocol.Model` for the fields.

    Named inputs are passed as keywords.

    Examples
    --------
    >>> total = NumpyModel(lambda x: x.sum(axis=1), dtype="float64")
    >>> total(np.ones((2, 3)))
    array([3., 3.])
    """

    function: Callable[..., Any]
    dtype: str
    device: str = "cpu"
    files: tuple[Path, ...] = ()
    fixed_batch: int | None = None
    smallest_batch: int = 1
    largest_batch: int | None = None
    inputs: tuple[InputTensor, ...] = ()
    remarks: tuple[str, ...] = ()
    mode: str = "eval"
    plain: bool = False
    arrays: str = "numpy"
    module: nn.Module | None = None

    def __call__(self, inputs: Feed) -> Any:
        """Convert once, copying always (a model may write into its input), and call."""
        with torch.inference_mode():  # the function may wrap a torch module
            if isinstance(inputs, Mapping):
                return self.function(**{name: self._array(array) for name, array in inputs.items()})
            return self.function(self._array(inputs))

    def _array(self, array: Array) -> npt.NDArray[Any]:
        plain = array.numpy(force=True) if isinstance(array, torch.Tensor) else array
        return np.array(plain, dtype=self.dtype if plain.dtype.kind == "f" else None, order="C")
