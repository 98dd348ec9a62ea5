"""The perturbation `contrast`: differences from the mean of an input, stretched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.models.perturbations.protocol import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from parsl_sa.models.inputs.bases import Bases


@dataclass(frozen=True)
class Contrast:
    """Stretches the differences from the mean over all axes of an input.

    Parameters
    ----------
    factor : Column
        1 changes nothing.
    """

    factor: Column

    @classmethod
    def of(cls, plain: Mapping[str, Any], columns: Sequence[str], bases: Bases, place: str) -> Contrast:  # noqa: ARG003
        """See `Perturbation.of`."""
        return cls(Column.of(plain["factor"], columns))

    def __call__(self, inputs: torch.Tensor, rows: torch.Tensor, cases: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """See `Perturbation.__call__`."""
        mean = inputs.mean(dim=tuple(range(1, inputs.ndim)), keepdim=True)
        return mean + self.factor.over(inputs, rows) * (inputs - mean)
