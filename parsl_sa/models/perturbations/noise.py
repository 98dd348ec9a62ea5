"""The perturbation `noise`: normal noise by seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.models.perturbations.protocol import Column
from parsl_sa.models.perturbations.seeded import normals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from parsl_sa.models.inputs.bases import Bases


@dataclass(frozen=True)
class Noise:
    """Adds ``sd`` times standard normal noise that is a function of ``seed``.

    Parameters
    ----------
    sd, seed : Column
        Standard deviation in the unit of the input; a seed, rounded to a whole number.
    """

    sd: Column
    seed: Column

    @classmethod
    def of(cls, plain: Mapping[str, Any], columns: Sequence[str], bases: Bases, place: str) -> Noise:  # noqa: ARG003
        """See `Perturbation.of`."""
        return cls(Column.of(plain["sd"], columns), Column.of(plain["seed"], columns))

    def __call__(self, inputs: torch.Tensor, rows: torch.Tensor, cases: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """See `Perturbation.__call__`; all cases get the same noise of a seed."""
        seeds = self.seed.read(rows).round().long()
        noise = normals(seeds, inputs[0].numel()).to(inputs.dtype).reshape(inputs.shape)
        return inputs + self.sd.over(inputs, rows) * noise
