"""A thing that is there or taken away, such as a patch of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from parsl_sa.design.refusal import require, require_finite
from parsl_sa.design.sequences import BITS

if TYPE_CHECKING:
    from parsl_sa.design.protocol import Floats


@dataclass(frozen=True)
class Switch:
    """Two numbers: of what is there, and of what has been taken away.

    Parameters
    ----------
    on, off : float
        The parameter where the thing is there, and where it is not; they differ.

    Notes
    -----
    A two-point distribution of masses 1/2, exact on the lattice of a sequence. A one-at-a-time design does
    not draw it: there the base point has everything on, and every other row one factor off.

    Examples
    --------
    >>> switch = Switch()
    >>> switch.from_unit(np.array([0.2, 0.7, Switch.unit_on, Switch.unit_off])).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    on: float = 1.0
    off: float = 0.0
    uncertain: ClassVar[bool] = True

    unit_on: ClassVar[float] = 1.0 - 2.0 ** -(BITS + 1)
    """The unit sample that stands for on where it is not drawn: the last point of the lattice."""
    unit_off: ClassVar[float] = 2.0 ** -(BITS + 1)
    """That of off: the first point."""

    def __post_init__(self) -> None:
        require_finite(self, "on", "off")
        require(self.on != self.off, f"off: must differ from on, {self.on}")

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles: `off` below 1/2, `on` above."""
        quantiles: Floats = np.where(unit < 0.5, np.float64(self.off), np.float64(self.on))
        return quantiles
