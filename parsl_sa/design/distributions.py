"""Marginal distributions as quantile functions.

Each is a frozen record of the fields that a spec gives it. Quantiles are accurate relative to
themselves wherever the lattice of `sequences` can reach, in both tails; they never leave the support.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtri, ndtri_exp

from parsl_sa.errors import DesignError

if TYPE_CHECKING:
    from parsl_sa.design.protocol import Floats

_LARGEST_SCORE = 8.3  # |ndtri(2^-53)| is 8.21: no point of a sequence lies further out
_LARGEST_INTEGER = 2**52


@dataclass(frozen=True)
class Uniform:
    """Equally likely between two bounds.

    Parameters
    ----------
    low, high : float
        Bounds, low < high.
    """

    low: float
    high: float
    uncertain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _finite(self, "low", "high")
        _require(self.low < self.high, f"high: must exceed low, {self.low}, not {self.high}")
        _require(math.isfinite(self.high - self.low), "high: lies too far above low for a double")

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        return np.minimum(self.low + (self.high - self.low) * unit, self.high)


@dataclass(frozen=True)
class LogUniform:
    """Uniform on a logarithmic scale.

    Parameters
    ----------
    low, high : float
        Bounds, 0 < low < high.
    """

    low: float
    high: float
    uncertain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _finite(self, "low", "high")
        _require(self.low > 0, f"low: must exceed 0, not {self.low}")
        _require(self.low < self.high, f"high: must exceed low, {self.low}, not {self.high}")
        _require(math.isfinite(self.high / self.low), "high: lies too far above low for a double")

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        return np.clip(self.low * np.exp(math.log(self.high / self.low) * unit), self.low, self.high)


@dataclass(frozen=True)
class Normal:
    """Gaussian.

    Parameters
    ----------
    mean : float
        Mean.
    sd : float
        Standard deviation, > 0.
    """

    mean: float
    sd: float
    uncertain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _finite(self, "mean", "sd")
        _require(self.sd > 0, f"sd: must exceed 0, not {self.sd}")

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        return self.mean + self.sd * _scores(unit)


@dataclass(frozen=True)
class LogNormal:
    """Lognormal: the logarithm is Gaussian.

    Parameters
    ----------
    mean_log, sd_log : float
        Mean and standard deviation (> 0) of ln X.
    """

    mean_log: float
    sd_log: float
    uncertain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _finite(self, "mean_log", "sd_log")
        _require(self.sd_log > 0, f"sd_log: must exceed 0, not {self.sd_log}")
        widest = abs(self.mean_log) + _LARGEST_SCORE * self.sd_log
        _require(widest < 700, "sd_log: is so large that quantiles overflow; are the fields those of ln X?")

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        quantiles: Floats = np.exp(self.mean_log + self.sd_log * _scores(unit))
        return quantiles


@dataclass(frozen=True)
class TruncatedNormal:
    """Gaussian conditioned on an interval.

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation (> 0) of the Gaussian before it is cut.
    low, high : float or None, optional
        Bounds, low < high; None leaves that side open.

    Notes
    -----
    The probability below a quantile is P(low) (1 - u) + P(high) u, and the one above it likewise; both
    are sums of positive terms, formed as logarithms, and the smaller one is inverted. So a quantile
    carries a few units in the last place of its distance from the mean, and an interval in a far tail
    loses nothing but what a double cannot hold.
    """

    mean: float
    sd: float
    low: float | None = None
    high: float | None = None
    uncertain: ClassVar[bool] = True
    _log_below: tuple[float, float] = field(init=False, repr=False, compare=False)
    _log_above: tuple[float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = [name for name in ("low", "high") if getattr(self, name) is not None]
        _finite(self, "mean", "sd", *given)
        _require(self.sd > 0, f"sd: must exceed 0, not {self.sd}")
        low, high = self._bounds
        _require(low < high, f"high: must exceed low, {low}, not {high}")
        scores = np.array([(low - self.mean) / self.sd, (high - self.mean) / self.sd])
        below, above = log_ndtr(scores), log_ndtr(-scores)
        _require(
            bool(np.isfinite(below[1]) and np.isfinite(above[0]) and scores[0] < scores[1]),
            "low: the interval lies so far out that it has no mass in doubles; use another distribution",
        )
        object.__setattr__(self, "_log_below", (float(below[0]), float(below[1])))
        object.__setattr__(self, "_log_above", (float(above[0]), float(above[1])))

    @property
    def _bounds(self) -> tuple[float, float]:
        return (
            -math.inf if self.low is None else self.low,
            math.inf if self.high is None else self.high,
        )

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        log_low_part, log_high_part = np.log1p(-unit), np.log(unit)
        below = np.logaddexp(self._log_below[0] + log_low_part, self._log_below[1] + log_high_part)
        above = np.logaddexp(self._log_above[0] + log_low_part, self._log_above[1] + log_high_part)
        scores = np.where(below < above, ndtri_exp(below), -ndtri_exp(above))
        quantiles: Floats = np.clip(self.mean + self.sd * scores, *self._bounds)
        return quantiles


@dataclass(frozen=True)
class Triangular:
    """Triangular density.

    Parameters
    ----------
    low, mode, high : float
        Bounds and peak, low <= mode <= high and low < high.
    """

    low: float
    mode: float
    high: float
    uncertain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _finite(self, "low", "mode", "high")
        _require(self.low < self.high, f"high: must exceed low, {self.low}, not {self.high}")
        _require(self.low <= self.mode <= self.high, f"mode: must lie in [low, high], not at {self.mode}")
        _require(math.isfinite(self.high - self.low), "high: lies too far above low for a double")

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        width = self.high - self.low
        peak = (self.mode - self.low) / width
        rising = np.minimum(self.low + width * np.sqrt(unit * peak), self.mode)
        falling = np.maximum(
            self.high - width * np.sqrt((1 - unit) * ((self.high - self.mode) / width)), self.mode
        )
        return np.where(unit < peak, rising, falling)


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
        _finite(self, "low", "high")
        for name in ("low", "high"):
            value = getattr(self, name)
            _require(value == int(value), f"{name}: must be a whole number, not {value}")
            _require(abs(value) <= _LARGEST_INTEGER, f"{name}: must lie within 2^52, not at {value}")
        _require(self.low <= self.high, f"high: must not be under low, {self.low}, but is {self.high}")
        _require(self.high - self.low < _LARGEST_INTEGER, "high: lies more than 2^52 above low")

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
        _require(bool(self.values), "values: must not be empty")
        _require(all(_is_finite(value) for value in self.values), "values: must be finite numbers")
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(self.weights))
        weights = (1.0,) * len(self.values) if self.weights is None else self.weights
        _require(
            len(weights) == len(self.values),
            f"weights: must be as many as the values, {len(self.values)}, not {len(weights)}",
        )
        _require(
            all(_is_finite(weight) and weight >= 0 for weight in weights) and sum(weights) > 0,
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
        _finite(self, "value")

    def from_unit(self, unit: Floats) -> Floats:
        """Return the number, as often as there are unit samples."""
        return np.full(unit.shape, self.value, dtype=np.float64)


def _scores(unit: Floats) -> Floats:
    """Return standard normal quantiles."""
    scores: npt.NDArray[np.float64] = ndtri(unit)
    return scores


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise DesignError(message)


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and math.isfinite(value)


def _finite(distribution: object, *names: str) -> None:
    for name in names:
        value = getattr(distribution, name)
        _require(_is_finite(value), f"{name}: must be a finite number, not {value!r}")
