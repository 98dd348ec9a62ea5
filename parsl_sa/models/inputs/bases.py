"""Base inputs as tensors, each row of a batch by the index of its case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

_HELD_BYTES = 256 << 20


class Bases:
    """The base inputs of a study, on the device of its model.

    Parameters
    ----------
    arrays : ndarray of numbers, shape (n_cases, ...)
        One input each; read piece by piece where they take much memory.
    axes : str
        One letter an axis of an input: C channels, H rows, W columns or steps, F features.
    device : str
        In torch's words.
    dtype : torch.dtype
        Of the tensors.

    Examples
    --------
    >>> bases = Bases(np.arange(6).reshape(3, 2), "F", "cpu", torch.float32)
    >>> bases.of(torch.tensor([2, 0]))
    tensor([[4., 5.],
            [0., 1.]])
    """

    def __init__(self, arrays: npt.NDArray[Any], axes: str, device: str, dtype: torch.dtype) -> None:
        self.axes, self.shape = axes, arrays.shape[1:]
        self.device, self.dtype = device, dtype
        self._arrays = arrays
        size_bytes = arrays.size * torch.empty((), dtype=dtype).element_size()
        self._held = self._tensor(arrays) if size_bytes <= _HELD_BYTES else None
        self._derived: dict[str, torch.Tensor] = {}

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def spatial(self) -> tuple[int, ...]:
        """Lengths of the axes but the channels."""
        return tuple(n for axis, n in zip(self.axes, self.shape, strict=True) if axis != "C")

    @property
    def spatial_dims(self) -> tuple[int, ...]:
        """Where the axes but the channels stand in a batch."""
        return tuple(i + 1 for i, axis in enumerate(self.axes) if axis != "C")

    def of(self, cases: torch.Tensor) -> torch.Tensor:
        """Return the base input of each row.

        Parameters
        ----------
        cases : Tensor of int64, shape (batch,)
            Index of the case of each row.

        Returns
        -------
        Tensor, shape (batch, ...)
        """
        if self._held is not None:
            return self._held[cases.to(self._held.device)]
        return self._tensor(self._arrays[cases.numpy(force=True)])

    def derived(
        self, key: str, function: Callable[[torch.Tensor], torch.Tensor], cases: torch.Tensor
    ) -> torch.Tensor:
        """Return what a function makes of the base input of each row, computed once a case where that fits.

        Parameters
        ----------
        key : str
            Name of the function, by which its values are kept.
        function : callable
            Takes inputs of shape (n, ...), one by one, and returns as many.
        cases : Tensor of int64, shape (batch,)
            Index of the case of each row.
        """
        if self._held is None:
            distinct, places = torch.unique(cases, return_inverse=True)
            return function(self.of(distinct))[places.to(self.device)]
        if key not in self._derived:
            self._derived[key] = function(self._held)
        return self._derived[key][cases.to(self._held.device)]

    def _tensor(self, arrays: npt.NDArray[Any]) -> torch.Tensor:
        return torch.as_tensor(np.array(arrays)).to(self.device, self.dtype)
