"""Confidence intervals from the spread of replicate totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    import numpy.typing as npt

FEWEST_REPLICATES = 8
"""With fewer replicates than this there is no interval (NaN)."""


def ratio_scatter(
    pp: npt.NDArray[np.float64],
    pq: npt.NDArray[np.float64],
    qq: npt.NDArray[np.float64],
    ratio: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Sum over replicates of (P_r - ratio Q_r)^2, from the sums of products of replicate totals.

    Parameters
    ----------
    pp, pq, qq : ndarray of float64, broadcastable
        Sums over replicates of P_r^2, P_r Q_r and Q_r^2.
    ratio : ndarray of float64
        sum P / sum Q.

    Returns
    -------
    ndarray of float64
        May be negative by rounding where all replicates agree.
    """
    return pp - 2.0 * ratio * pq + ratio * ratio * qq


def half_width(
    scatter: npt.NDArray[np.float64],
    denominator: npt.NDArray[np.float64] | float,
    n_replicates: int,
    level: float,
) -> npt.NDArray[np.float64]:
    """Half-width of the interval of a ratio of sums over replicates.

    Parameters
    ----------
    scatter : ndarray of float64
        Sum over replicates of squared residuals P_r - ratio Q_r.
    denominator : ndarray of float64 or float
        sum Q over replicates.
    n_replicates : int
        L, the replicates that have bundles.
    level : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    ndarray of float64
        t_{L-1} sqrt(L / (L - 1) scatter) / denominator; NaN below 8 replicates and where the
        denominator is 0.

    Notes
    -----
    The ratio is linearised about its estimate: the residuals are what a replicate would move it by,
    times the denominator. Residuals sum to 0, so L - 1 degrees of freedom remain. A scatter below
    0 is the rounding of a difference of equal sums, and counts as 0.

    Examples
    --------
    >>> import numpy as np
    >>> half_width(np.array([4.0, -1e-18]), 16.0, 16, 0.95).round(4).tolist()
    [0.2752, 0.0]
    >>> half_width(np.array([4.0]), 16.0, 7, 0.95).tolist()
    [nan]
    """
    if n_replicates < FEWEST_REPLICATES:
        return np.full(np.broadcast(scatter, denominator).shape, np.nan)
    factor = float(stdtrit(n_replicates - 1, (1.0 + level) / 2.0)) * np.sqrt(
        n_replicates / (n_replicates - 1.0)
    )
    total = np.asarray(denominator)
    usable = np.where(total == 0.0, np.nan, np.abs(total))
    width: npt.NDArray[np.float64] = factor * np.sqrt(np.maximum(scatter, 0.0)) / usable
    return width


def with_bounds(
    name: str, value: npt.NDArray[np.float64], half: npt.NDArray[np.float64]
) -> dict[str, npt.NDArray[np.float64]]:
    """Name an estimate, its half-width and its bounds as results do.

    Examples
    --------
    >>> import numpy as np
    >>> sorted(with_bounds("mean", np.array([1.0]), np.array([0.5])))
    ['mean', 'mean_conf', 'mean_high', 'mean_low']
    """
    return {name: value, f"{name}_conf": half, f"{name}_low": value - half, f"{name}_high": value + half}


def checked_level(level: float) -> float:
    """Return a nominal coverage.

    Raises
    ------
    ValueError
        If it is not inside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie inside (0, 1), not {level}")
    return float(level)
