"""Marginal distributions of separate values and of levels as quantile functions.

Their masses are exact: a border between two values is the double nearest to the sum of the masses before
it, so the mass of a value differs from what was asked for by less than 2^-52, one point of the lattice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from parsl_sa.design.refusal import is_finite, require, require_finite

if TYPE_CHECKING:
    from collections.abc import Sequence as Seq

    from parsl_sa.design.protocol import Floats

_LARGEST_INTEGER = 2**52
_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Integer:
    """Whole numbers with equal masses.

    Parameters
    ----------
    low, high : int
        Smallest and largest, both included.

    """

    low: int
    high: int
    uncertain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_finite(self, "low", "high")
        for name in ("low", "high"):
            value = getattr(self, name)
            require(value == int(value), f"{name}: must be a whole number, not {value}")
            require(abs(value) <= _LARGEST_INTEGER, f"{name}: must lie within 2^52, not at {value}")
        require(self.low <= self.high, f"high: must not be under low, {self.low}, but is {self.high}")
        require(self.high - self.low < _LARGEST_INTEGER, "high: lies more than 2^52 above low")

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles, as float64."""
        quantiles: Floats = np.minimum(self.low + np.floor(unit * (self.high - self.low + 1)), self.high)
        return quantiles


@dataclass(frozen=True)
class Choice:
    """One of several numbers, with given masses.

    Parameters
    ----------
    values : sequence of float
        The numbers, in the order that rising unit samples walk through.
    weights : sequence of float or None, optional
        Not negative, not all 0, scaled to sum 1 exactly; None makes all values equally likely. A value
        of weight 0 never comes up.
    """

    values: tuple[float, ...]
    weights: tuple[float, ...] | None = None
    uncertain: ClassVar[bool] = True
    _numbers: Floats = field(init=False, repr=False, compare=False)
    _borders: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _freeze_values(self)
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(self.weights))
        object.__setattr__(self, "_borders", _borders(self.weights, "weights", len(self.values), "values"))

    def from_unit(self, unit: Floats) -> Floats:
        """Return the value whose stretch of [0, 1) holds the unit sample."""
        values: Floats = self._numbers[np.searchsorted(self._borders, unit, side="right")]
        return values


@dataclass(frozen=True)
class Discrete:
    """One of several numbers, with given probabilities.

    Parameters
    ----------
    values : sequence of float
        The numbers, in the order that rising unit samples walk through.
    probabilities : sequence of float
        Not negative, with a sum of 1 up to the digits that are usually written; scaled to sum 1 exactly.
    """

    values: tuple[float, ...]
    probabilities: tuple[float, ...]
    uncertain: ClassVar[bool] = True
    _numbers: Floats = field(init=False, repr=False, compare=False)
    _borders: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _freeze_values(self)
        require(self.probabilities is not None, "probabilities: must be as many as the values")
        object.__setattr__(self, "probabilities", tuple(self.probabilities))
        borders = _borders(self.probabilities, "probabilities", len(self.values), "values")
        object.__setattr__(self, "_borders", borders)
        total = math.fsum(self.probabilities)
        require(abs(total - 1) <= _SUM_TOLERANCE, f"probabilities: must sum to 1, not to {total:.10g}")

    def from_unit(self, unit: Floats) -> Floats:
        """Return the value whose stretch of [0, 1) holds the unit sample."""
        values: Floats = self._numbers[np.searchsorted(self._borders, unit, side="right")]
        return values


@dataclass(frozen=True)
class Categorical:
    """The code of one of several levels: its place in the list, from 0.

    Parameters
    ----------
    levels : sequence of str
        Names, all different.
    weights : sequence of float or None, optional
        As for `Choice`.
    """

    levels: tuple[str | float, ...]
    weights: tuple[float, ...] | None = None
    uncertain: ClassVar[bool] = True
    _borders: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(
            isinstance(self.levels, list | tuple) and len(self.levels) > 0,
            f"levels: must be a list of levels, not {self.levels!r}",
        )
        object.__setattr__(self, "levels", tuple(self.levels))
        self._judge()
        require(len(set(self.levels)) == len(self.levels), "levels: must all be different")
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(self.weights))
        object.__setattr__(self, "_borders", _borders(self.weights, "weights", len(self.levels), "levels"))

    def _judge(self) -> None:
        require(all(isinstance(level, str) for level in self.levels), "levels: must be texts")

    def from_unit(self, unit: Floats) -> Floats:
        """Return the code of the level whose stretch of [0, 1) holds the unit sample."""
        return np.searchsorted(self._borders, unit, side="right").astype(np.float64)


@dataclass(frozen=True)
class Ordinal(Categorical):
    """The rank of one of several levels that have an order, from 0.

    Parameters
    ----------
    levels : sequence of str or of float
        From the lowest to the highest: names, or rising numbers.
    weights : sequence of float or None, optional
        As for `Choice`.
    """

    def _judge(self) -> None:
        named = all(isinstance(level, str) for level in self.levels)
        require(
            named or all(is_finite(level) for level in self.levels),
            "levels: must be texts alone, or finite numbers alone",
        )
        require(named or list(self.levels) == sorted(self.levels), "levels: must rise")


@dataclass(frozen=True)
class Constant:
    """A number that does not vary: a column of the rows, not counted in d.

    Parameters
    ----------
    value : float
        The number.
    """

    value: float
    uncertain: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_finite(self, "value")

    def from_unit(self, unit: Floats) -> Floats:
        """Return the number, as often as there are unit samples."""
        return np.full(unit.shape, self.value, dtype=np.float64)


def _freeze_values(distribution: Choice | Discrete) -> None:
    """Check the values and keep them as a tuple and as an array."""
    # Lists come from JSON; a frozen record holds tuples, so that it compares and hashes.
    object.__setattr__(distribution, "values", tuple(distribution.values))
    require(bool(distribution.values), "values: must not be empty")
    require(all(is_finite(value) for value in distribution.values), "values: must be finite numbers")
    object.__setattr__(distribution, "_numbers", np.array(distribution.values, dtype=np.float64))


def _borders(masses: Seq[float] | None, key: str, count: int, of: str) -> Floats:
    """Return the sums of the masses before each value but the first, scaled to sum 1.

    Examples
    --------
    >>> _borders([1.0, 1.0, 2.0], "weights", 3, "values")
    array([0.25, 0.5 ])
    """
    given = (1.0,) * count if masses is None else masses
    require(len(given) == count, f"{key}: must be as many as the {of}, {count}, not {len(given)}")
    require(
        all(is_finite(mass) and mass >= 0 for mass in given) and sum(given) > 0,
        f"{key}: must be finite, not negative, and not all 0",
    )
    # Exact fractions: every border is the double nearest to the true cumulative mass.
    cumulative = list(accumulate(Fraction(mass) for mass in given))
    return np.array([float(part / cumulative[-1]) for part in cumulative[:-1]], dtype=np.float64)
