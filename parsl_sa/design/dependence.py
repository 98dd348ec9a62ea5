"""What a dependence between parameters owes, and where the points come from that it joins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from parsl_sa.design.marginals import Marginals
    from parsl_sa.design.protocol import Floats


@dataclass(frozen=True)
class Origin:
    """Which points some points are: what replaces a rejected one is a function of it.

    Parameters
    ----------
    seed, case : int
        Of the design.
    first : int
        Bundle of the first point; the others follow one by one.
    side : int, optional
        Which base point of its bundle: 0 for A, 1 for B.
    """

    seed: int
    case: int
    first: int
    side: int = 0


class Dependence(Protocol):
    """How some parameters depend on each other.

    Its class is called with the fields of the spec by keyword, without `kind`, and raises `DesignError`
    on fields that make no dependence. Parameters either have distributions of their own, which `join`
    ties together, or none ("joint"), and then `physical` says what they are.
    """

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the columns below."""
        ...

    @property
    def carriers(self) -> int:
        """Coordinates of the unit cube that they take; the first so many parameters carry one each."""
        ...

    @property
    def joint(self) -> bool:
        """Whether the parameters have no distributions of their own."""
        ...

    @property
    def linked(self) -> tuple[tuple[str, ...], ...]:
        """The parameters that depend on each other, set by set; sets are independent."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know of it, each with its place in the spec."""
        ...

    def tie(self, marginals: Marginals) -> None:
        """Take the distributions of the parameters, in their order; none where they are joint.

        Raises
        ------
        DesignError
            If they cannot be tied.
        """
        ...

    def join(self, unit: Floats, origin: Origin) -> Floats:
        """Turn independent coordinates into dependent ones.

        Parameters
        ----------
        unit : ndarray of float64, shape (n, carriers)
            Of a sequence.
        origin : Origin
            Which points these are.

        Returns
        -------
        ndarray of float64, shape (n, carriers)
            In (0, 1); a row depends on its own point and place alone.
        """
        ...

    def physical(self, unit: Floats) -> Floats:
        """Return the columns of joint parameters, shape (n, len(parameters)), from what `join` returned."""
        ...


class Joint:
    """The place of a parameter that has no distribution of its own: `inputs.dependence` says what it is."""

    uncertain = True

    def from_unit(self, unit: Floats) -> Floats:
        """Return no numbers yet."""
        return np.full(unit.shape, np.nan)
