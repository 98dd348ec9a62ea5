"""Marginal distributions of separate values as quantile functions: whole numbers, choices, one number."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from parsl_sa.design.refusal import is_finite, require, require_finite

if TYPE_CHECKING:
    from parsl_sa.design.protocol import Floats

_LARGEST_INTEGER = 2**52


@dataclass(frozen=True)
class Integer:
    """Whole numbers with equal masses.

    Parameters
    ----------
    low, high : int
        Smallest and largest, both included.

    Notes
    -----
    A mass differs from 1 / (high - low + 1) by less than 2^-52 of probability, one point of the lattice.
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
    _levels: Floats = field(init=False, repr=False, compare=False)
    _borders: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Lists come from JSON; a frozen record holds tuples, so that it compares and hashes.
        object.__setattr__(self, "values", tuple(self.values))
        require(bool(self.values), "values: must not be empty")
        require(all(is_finite(value) for value in self.values), "values: must be finite numbers")
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(self.weights))
        weights = (1.0,) * len(self.values) if self.weights is None else self.weights
        require(
            len(weights) == len(self.values),
            f"weights: must be as many as the values, {len(self.values)}, not {len(weights)}",
        )
        require(
            all(is_finite(weight) and weight >= 0 for weight in weights) and sum(weights) > 0,
            "weights: must be finite, not negative, and not all 0",
        )
        # Exact fractions: every border is the double nearest to the true cumulative mass.
        cumulative = list(accumulate(Fraction(weight) for weight in weights))
        borders = np.array([float(part / cumulative[-1]) for part in cumulative[:-1]], dtype=np.float64)
        object.__setattr__(self, "_levels", np.array(self.values, dtype=np.float64))
        object.__setattr__(self, "_borders", borders)

    def from_unit(self, unit: Floats) -> Floats:
        """Return the value whose stretch of [0, 1) holds the unit sample."""
        values: Floats = self._levels[np.searchsorted(self._borders, unit, side="right")]
        return values


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
