"""The two kinds of loaded model: one fed with torch tensors, one fed with NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

TORCH_DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class TorchModel:
    """A callable on tensors; see `parsl_sa.models.protocol.Model` for the fields.

    Examples
    --------
    >>> double = TorchModel(lambda x: 2 * x, dtype="float32")
    >>> double(np.ones((1, 2)))
    tensor([[2., 2.]])
    """

    function: Callable[[torch.Tensor], Any]
    dtype: str
    device: str = "cpu"
    files: tuple[Path, ...] = ()
    fixed_batch: int | None = None
    smallest_batch: int = 1
    largest_batch: int | None = None
    n_columns: int | None = None
    plain: bool = False
    arrays: str = "torch"

    def __call__(self, inputs: npt.NDArray[np.float64]) -> Any:
        """Convert once, copying always (a model may write into its input), and call."""
        with torch.inference_mode():
            tensor = torch.tensor(inputs, dtype=TORCH_DTYPES[self.dtype], device=self.device)
            return self.function(tensor)


@dataclass(frozen=True)
class NumpyModel:
    """A callable on arrays; see `parsl_sa.models.protocol.Model` for the fields.

    Examples
    --------
    >>> total = NumpyModel(lambda x: x.sum(axis=1), dtype="float64")
    >>> total(np.ones((2, 3)))
    array([3., 3.])
    """

    function: Callable[[npt.NDArray[Any]], Any]
    dtype: str
    device: str = "cpu"
    files: tuple[Path, ...] = ()
    fixed_batch: int | None = None
    smallest_batch: int = 1
    largest_batch: int | None = None
    n_columns: int | None = None
    plain: bool = False
    arrays: str = "numpy"

    def __call__(self, inputs: npt.NDArray[np.float64]) -> Any:
        """Convert once, copying always (a model may write into its input), and call."""
        with torch.inference_mode():  # the function may wrap a torch module
            return self.function(np.array(inputs, dtype=self.dtype, order="C"))
