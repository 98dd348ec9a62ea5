"""The distribution of measured values as a quantile function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from parsl_sa.design.refusal import require

if TYPE_CHECKING:
    from parsl_sa.design.protocol import Floats


@dataclass(frozen=True, eq=False)
class Empirical:
    """Measured values, each as likely as another.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Finite, in any order; kept sorted.
    interpolate : bool, optional
        Whether quantiles between neighbours lie on the line that joins them.

    Notes
    -----
    Without interpolation the quantile function is the inverse of the empirical distribution function: steps
    of mass 1 / n each, to less than one point of the lattice. With it, it is definition 7 of [1]_, which is
    that of `numpy.quantile`; it has no ties to share out and never leaves the measured range, so its tails
    are a little shorter.

    References
    ----------
    .. [1] Hyndman and Fan (1996), Sample quantiles in statistical packages, Am. Stat. 50, 361-365.
       doi:10.1080/00031305.1996.10473566

    Examples
    --------
    >>> unit = np.array([0.1, 0.5, 0.9])
    >>> Empirical([3.0, 1.0, 2.0]).from_unit(unit), Empirical([3.0, 1.0], interpolate=True).from_unit(unit)
    (array([1., 2., 3.]), array([1.2, 2. , 2.8]))
    """

    values: Floats
    interpolate: bool = False
    uncertain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        try:
            values = np.sort(np.asarray(self.values))
        except (TypeError, ValueError):
            values = np.array(["no numbers"])
        require(
            values.ndim == 1 and values.dtype.kind in "fiu" and bool(np.isfinite(values).all()),
            "values: must be a list of finite numbers",
        )
        require(len(values) > 0, "values: must not be empty")
        object.__setattr__(self, "values", values.astype(np.float64))
        require(
            isinstance(self.interpolate, bool),
            f"interpolate: must be true or false, not {self.interpolate!r}",
        )

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        if self.interpolate:
            return self._between(unit * (len(self.values) - 1))
        return self._at(np.floor(unit * len(self.values)))

    def _at(self, places: Floats) -> Floats:
        found: Floats = self.values[np.minimum(places.astype(np.intp), len(self.values) - 1)]
        return found

    def _between(self, places: Floats) -> Floats:
        lower = np.floor(places)
        below, above = self._at(lower), self._at(lower + 1)
        share = places - lower
        # Both terms: the difference of the two would overflow for values at either end of the doubles.
        return np.clip(below * (1 - share) + above * share, below, above)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Empirical)
            and self.interpolate == other.interpolate
            and np.array_equal(self.values, other.values)
        )

    def __hash__(self) -> int:
        return hash((self.values.tobytes(), self.interpolate))
