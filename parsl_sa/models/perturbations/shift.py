"""The perturbation `shift`: an input moved along its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from parsl_sa.models.perturbations.protocol import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from parsl_sa.models.inputs.bases import Bases


@dataclass(frozen=True)
class Shift:
    """Moves inputs by parts of a pixel, linear between neighbours; edges are repeated.

    Parameters
    ----------
    moves : tuple of (int, Column)
        Axis of the batch, and pixels along it.
    """

    moves: tuple[tuple[int, Column], ...]

    @classmethod
    def of(cls, plain: Mapping[str, Any], columns: Sequence[str], bases: Bases, place: str) -> Shift:  # noqa: ARG003
        """See `Perturbation.of`."""
        along = {"H": plain["y"], "W": plain["x"]}
        return cls(
            tuple(
                (bases.axes.index(axis) + 1, Column.of(argument, columns))
                for axis, argument in along.items()
                if argument != 0 and axis in bases.axes
            )
        )

    def __call__(self, inputs: torch.Tensor, rows: torch.Tensor, cases: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """See `Perturbation.__call__`."""
        for dim, pixels in self.moves:
            inputs = _moved(inputs, dim, pixels.read(rows))
        return inputs


def _moved(inputs: torch.Tensor, dim: int, pixels: torch.Tensor) -> torch.Tensor:
    """Move each input along one axis.

    Examples
    --------
    >>> _moved(torch.tensor([[0.0, 10.0, 20.0]]), 1, torch.tensor([0.5]))
    tensor([[ 0.,  5., 15.]])
    """
    length = inputs.shape[dim]
    came_from = (torch.arange(length, device=inputs.device) - pixels[:, None]).clamp(0, length - 1)
    left = came_from.floor().long()
    shape = [len(inputs), *(1,) * (inputs.ndim - 1)]
    shape[dim] = length
    share = (came_from - left).to(inputs.dtype).reshape(shape)
    here = torch.take_along_dim(inputs, left.reshape(shape), dim)
    beside = torch.take_along_dim(inputs, (left + 1).clamp(max=length - 1).reshape(shape), dim)
    return here + share * (beside - here)
