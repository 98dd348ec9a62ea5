"""Tensors with parameters at some of their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from parsl_sa.errors import ModelError
from parsl_sa.spec.template import indicator, leaves, shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

_DTYPES = {"float": torch.float64, "int64": torch.int64, "bool": torch.bool}


@dataclass(frozen=True)
class Tensor:
    """One tensor of the template, ready to be filled.

    Parameters
    ----------
    fixed : Tensor of float64, shape of one input
        What stands where no parameter does.
    places, columns : Tensor of int64, shape (n_places,)
        Flat places and the columns that go there.
    levels : Tensor of float64, shape (n_places,)
        The value that a column is compared with; NaN where it goes there itself.
    dtype : torch.dtype
        float64 where the model's own is meant.
    """

    fixed: torch.Tensor
    places: torch.Tensor
    columns: torch.Tensor
    levels: torch.Tensor
    dtype: torch.dtype

    @classmethod
    def of(cls, plain: Mapping[str, Any], columns: Sequence[str], place: str) -> Tensor:
        """Build it from an entry of the spec's ``inputs.template``.

        Parameters
        ----------
        plain : mapping
            With ``values`` or ``file``, and ``set`` and ``dtype``.
        columns : sequence of str
            Names of the parameters in the order of the design.
        place : str
            Where it stands in the spec.

        Raises
        ------
        ModelError
            If its file cannot be read.

        Examples
        --------
        >>> plain = {"values": ["Re", 1.5, "kind == 2"], "file": None, "set": {}, "dtype": "float"}
        >>> Tensor.of(plain, ["kind", "Re"], "")(torch.tensor([[2.0, 7.0], [1.0, 8.0]]))
        tensor([[7.0000, 1.5000, 1.0000],
                [8.0000, 1.5000, 0.0000]], dtype=torch.float64)
        """
        fixed, used = _written(plain["values"]) if plain["file"] is None else _filed(plain, place)
        names = [indicator(entry) for _, entry in used]
        return cls(
            torch.as_tensor(fixed),
            torch.tensor([flat for flat, _ in used], dtype=torch.int64),
            torch.tensor([columns.index(name) for name, _ in names], dtype=torch.int64),
            torch.tensor([np.nan if level is None else level for _, level in names], dtype=torch.float64),
            _DTYPES[plain["dtype"]],
        )

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Fill it for a batch.

        Parameters
        ----------
        rows : Tensor of float64, shape (batch, n_columns)
            The parameters.

        Returns
        -------
        Tensor, shape (batch, ...)
        """
        device = rows.device
        filled = self.fixed.to(device).expand(len(rows), *self.fixed.shape).clone()
        levels, values = self.levels.to(device), rows[:, self.columns].to(torch.float64)
        values = torch.where(levels.isnan(), values, (values == levels).to(torch.float64))
        filled.view(len(rows), -1)[:, self.places] = values
        return filled.round().to(self.dtype) if self.dtype is torch.int64 else filled.to(self.dtype)


def _written(values: Any) -> tuple[npt.NDArray[np.float64], list[tuple[int, str]]]:
    """Return nested values as an array, 0 where a name stands, and the names by their flat places."""
    entries = list(leaves(values))
    numbers = [0.0 if isinstance(entry, str) else float(entry) for entry in entries]
    fixed = np.array(numbers, np.float64).reshape(shape_of(values) or ())
    return fixed, [(flat, entry) for flat, entry in enumerate(entries) if isinstance(entry, str)]


def _filed(plain: Mapping[str, Any], place: str) -> tuple[npt.NDArray[np.float64], list[tuple[int, str]]]:
    try:
        fixed = np.load(plain["file"], allow_pickle=False).astype(np.float64)
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise ModelError(f"{place}.file", f"{plain['file']} is not a .npy file of numbers: {error}") from None
    used = [
        (int(np.ravel_multi_index(np.mod(position, fixed.shape), fixed.shape)), name)
        for name, positions in plain["set"].items()
        for position in positions
    ]
    return fixed, used
