"""What a perturbation is, and how it reads its arguments from the columns of a design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from parsl_sa.models.inputs.bases import Bases


class Perturbation(Protocol):
    """Changes a batch of inputs; made by ``of(plain, columns, bases, place)``."""

    @classmethod
    def of(cls, plain: Mapping[str, Any], columns: Sequence[str], bases: Bases, place: str) -> Perturbation:
        """Build it from its part of the spec.

        Parameters
        ----------
        plain : mapping
            An entry of the spec's ``inputs.perturbations``.
        columns : sequence of str
            Names of the parameters in the order of the design.
        bases : Bases
            The base inputs.
        place : str
            Where it stands in the spec.

        Raises
        ------
        ModelError
            If it does not fit the base inputs.
        """
        ...

    def __call__(self, inputs: torch.Tensor, rows: torch.Tensor, cases: torch.Tensor) -> torch.Tensor:
        """Perturb a batch.

        Parameters
        ----------
        inputs : Tensor, shape (batch, ...)
            Base inputs as earlier perturbations left them; may be written into.
        rows : Tensor of float64, shape (batch, n_columns)
            The parameters.
        cases : Tensor of int64, shape (batch,)
            Index of the case of each row.

        Returns
        -------
        Tensor, shape (batch, ...)
        """
        ...


@dataclass(frozen=True)
class Column:
    """An argument: the column of a parameter, or a number for all rows.

    Parameters
    ----------
    index : int or None
        Column of the design.
    value : float
        The number, where there is no column.
    """

    index: int | None
    value: float = 0.0

    @classmethod
    def of(cls, argument: float | str, columns: Sequence[str]) -> Column:
        """Find the parameter that an argument names; a number stands for itself.

        Examples
        --------
        >>> Column.of("sd", ["seed", "sd"]), Column.of(2, ["seed"])
        (Column(index=1, value=0.0), Column(index=None, value=2.0))
        """
        if isinstance(argument, str):
            return cls(columns.index(argument))
        return cls(None, float(argument))

    def read(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the argument of each row, float64, shape (batch,)."""
        if self.index is None:
            return torch.full((len(rows),), self.value, dtype=torch.float64, device=rows.device)
        return rows[:, self.index]

    def over(self, inputs: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the argument of each row in the dtype of the inputs, shaped to be broadcast over them."""
        values: torch.Tensor = self.read(rows).to(inputs.dtype)
        return values.reshape(-1, *(1,) * (inputs.ndim - 1))


def columns_of(names: Sequence[str], columns: Sequence[str]) -> torch.Tensor:
    """Return the columns of several parameters, int64."""
    return torch.tensor([columns.index(name) for name in names], dtype=torch.int64)
