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


def largest_share(
    totals: npt.NDArray[np.float64], squares: npt.NDArray[np.float64], n_replicates: int
) -> npt.NDArray[np.float64]:
    """Return the largest share of a sum that one replicate can have, given the sum of squares.

    Parameters
    ----------
    totals, squares : ndarray of float64
        Sums over replicates of Q_r and of Q_r^2, Q_r >= 0.
    n_replicates : int
        L, the replicates that have bundles.

    Returns
    -------
    ndarray of float64
        From 1 / L, all alike, to 1; NaN where the sum is 0 or there are no replicates.

    Notes
    -----
    A bound, reached where all other replicates are alike. It needs no state of its own.

    Examples
    --------
    >>> import numpy as np
    >>> largest_share(np.array([4.0, 4.0]), np.array([4.0, 16.0]), 4).tolist()
    [0.25, 1.0]
    """
    usable = np.where((totals == 0.0) | (n_replicates == 0), np.nan, totals)
    excess = np.maximum(n_replicates * (squares / usable) / usable - 1.0, 0.0)
    share: npt.NDArray[np.float64] = (1.0 + np.sqrt((n_replicates - 1.0) * excess)) / max(n_replicates, 1)
    return share


def widening(level: float, n_intervals: int, n_replicates: int) -> float:
    """Return by how much an interval at `level` is wider when several must hold at once.

    Returns
    -------
    float
        Ratio of the quantiles of Student's t with L - 1 degrees of freedom; NaN below 8 replicates.

    Notes
    -----
    Each of n intervals is taken at level^(1 / n), which holds whatever the dependence between the estimates.

    References
    ----------
    .. [1] Sidak (1967), J. Am. Stat. Assoc. 62, 626-633 (intervals of normal means with any correlation).
       doi:10.1080/01621459.1967.10482935

    Examples
    --------
    >>> round(widening(0.95, 23, 16), 3), widening(0.95, 1, 16)
    (1.727, 1.0)
    """
    if n_replicates < FEWEST_REPLICATES:
        return float("nan")
    # from the upper tail, which is small and exact where the level is close to 1
    tail = -np.expm1(np.log(level) / max(n_intervals, 1)) / 2.0
    wide, narrow = (-float(stdtrit(n_replicates - 1, t)) for t in (tail, (1.0 - level) / 2.0))
    return wide / narrow


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
