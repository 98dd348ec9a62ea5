"""Marginal distributions on the real line as quantile functions.

Each is a frozen record of the fields that a spec gives it. Quantiles are accurate relative to
themselves wherever the lattice of `sequences` can reach, in both tails; they never leave the support.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, log_ndtr, ndtri, ndtri_exp

from parsl_sa.design.refusal import require, require_finite

if TYPE_CHECKING:
    from parsl_sa.design.protocol import Floats

_LARGEST_SCORE = 8.3  # |ndtri(2^-53)| is 8.21: no point of a sequence lies further out


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
        require_finite(self, "low", "high")
        require(self.low < self.high, f"high: must exceed low, {self.low}, not {self.high}")
        require(math.isfinite(self.high - self.low), "high: lies too far above low for a double")

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
        require_finite(self, "low", "high")
        require(self.low > 0, f"low: must exceed 0, not {self.low}")
        require(self.low < self.high, f"high: must exceed low, {self.low}, not {self.high}")
        require(math.isfinite(self.high / self.low), "high: lies too far above low for a double")

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
        require_finite(self, "mean", "sd")
        require(self.sd > 0, f"sd: must exceed 0, not {self.sd}")

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
        require_finite(self, "mean_log", "sd_log")
        require(self.sd_log > 0, f"sd_log: must exceed 0, not {self.sd_log}")
        widest = abs(self.mean_log) + _LARGEST_SCORE * self.sd_log
        require(widest < 700, "sd_log: is so large that quantiles overflow; are the fields those of ln X?")

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
        require_finite(self, "mean", "sd", *given)
        require(self.sd > 0, f"sd: must exceed 0, not {self.sd}")
        low, high = self._bounds
        require(low < high, f"high: must exceed low, {low}, not {high}")
        scores = np.array([(low - self.mean) / self.sd, (high - self.mean) / self.sd])
        below, above = log_ndtr(scores), log_ndtr(-scores)
        require(
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
        require_finite(self, "low", "mode", "high")
        require(self.low < self.high, f"high: must exceed low, {self.low}, not {self.high}")
        require(self.low <= self.mode <= self.high, f"mode: must lie in [low, high], not at {self.mode}")
        require(math.isfinite(self.high - self.low), "high: lies too far above low for a double")

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
class Beta:
    """Beta distribution, stretched over an interval.

    Parameters
    ----------
    alpha, beta : float
        Shapes, > 0: the density goes with x^(alpha - 1) (1 - x)^(beta - 1).
    low, high : float, optional
        Bounds, low < high.

    Notes
    -----
    A quantile is taken from the bound that it is nearer to, as a quantile of X or of 1 - X, so both ends keep
    the digits of their distance from the bound.
    """

    alpha: float
    beta: float
    low: float = 0.0
    high: float = 1.0
    uncertain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_finite(self, "alpha", "beta", "low", "high")
        require(self.alpha > 0, f"alpha: must exceed 0, not {self.alpha}")
        require(self.beta > 0, f"beta: must exceed 0, not {self.beta}")
        require(self.low < self.high, f"high: must exceed low, {self.low}, not {self.high}")
        require(math.isfinite(self.high - self.low), "high: lies too far above low for a double")

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        width = self.high - self.low
        from_low = betaincinv(self.alpha, self.beta, unit)
        from_high = betaincinv(self.beta, self.alpha, 1 - unit)
        nearer = np.where(from_low < 0.5, self.low + width * from_low, self.high - width * from_high)
        quantiles: Floats = np.clip(nearer, self.low, self.high)
        return quantiles


def _scores(unit: Floats) -> Floats:
    """Return standard normal quantiles."""
    scores: npt.NDArray[np.float64] = ndtri(unit)
    return scores
