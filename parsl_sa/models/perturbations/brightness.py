"""The perturbation `brightness`: the same amount added everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.models.perturbations.protocol import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from parsl_sa.models.inputs.bases import Bases


@dataclass(frozen=True)
class Brightness:
    """Adds an offset.

    Parameters
    ----------
    offset : Column
        In the unit of the input.
    """

    offset: Column

    @classmethod
    def of(cls, plain: Mapping[str, Any], columns: Sequence[str], bases: Bases, place: str) -> Brightness:  # noqa: ARG003
        """See `Perturbation.of`."""
        return cls(Column.of(plain["offset"], columns))

    def __call__(self, inputs: torch.Tensor, rows: torch.Tensor, cases: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """See `Perturbation.__call__`."""
        return inputs + self.offset.over(inputs, rows)
