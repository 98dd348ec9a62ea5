"""Mean and variance of every cell, with intervals from replicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from parsl_sa.stats.compile import frozen
from parsl_sa.stats.intervals import checked_level, half_width, ratio_scatter, with_bounds
from parsl_sa.stats.kernels import powers
from parsl_sa.stats.replicate import SQUARES
from parsl_sa.stats.sums import ReplicateSums

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.records import Layout


class Moments(ReplicateSums):
    """Mean and variance of every cell.

    Parameters
    ----------
    layout : Layout
        Of pick-freeze bundles the rows A and B are used (the others are not independent of them),
        of one-at-a-time bundles the base row, of Monte Carlo bundles the one row.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Shift of every cell, near its mean; 0 where none is given.
    level : float
        Nominal coverage of the intervals.

    Notes
    -----
    State, about the pivot: s1 = sum (y - pivot) and s2 = sum (y - pivot)^2; over closed replicates
    also s1^2, s2^2, s1 s2, s1 c and s2 c, where c is the replicate's number of observations. That is
    2 doubles a cell open and 7 closed. Sums about a pivot merge by addition and lose nothing while
    the pivot lies within some standard deviations of the mean; without one, a mean of m standard
    deviations costs the variance 2 log10(m) digits, and its interval twice that.

    The mean is the ratio of s1 to c. The variance (divisor N - 1) has the residual of a replicate
    e_r = s2_r - 2 m s1_r + (m^2 - v) c_r, with m the mean about the pivot and v the variance with
    divisor N: the sum over its observations of (y - mean)^2 - v, which is the linear part of v's
    change. sum e_r^2 expands into the products above, and the interval is that of a ratio with
    denominator N. Under Sobol' points sd / sqrt(N) would be many times too wide; replicates are not.

    Without bundles everything is NaN; the variance also is with a single bundle.

    References
    ----------
    .. [1] Cochran (1977), Sampling Techniques, 3rd ed., section 6.4 (the variance of a ratio).
    """

    name: ClassVar[str] = "moments"

    def __init__(
        self,
        layout: Layout,
        n_cells: int,
        *,
        pivot: npt.NDArray[np.float64] | None = None,
        level: float = 0.95,
    ) -> None:
        self.level = checked_level(level)
        super().__init__(
            layout,
            n_cells,
            n_sums=2,
            pairs=[(0, 0), (1, 1), (0, 1), (0, 2), (1, 2)],
            observations=layout.n_base_rows,
            pivot=pivot,
            level=level,
        )
        self._shift = frozen(np.zeros(n_cells) if pivot is None else pivot)

    @property
    def looked_at(self) -> dict[str, int]:
        """The mean and its half-width."""
        return {"mean": 0, "mean_conf": 0}

    def _fold(self, rows: npt.NDArray[Any], kept: npt.NDArray[np.int64]) -> None:
        powers.fold(rows, kept, self.observations, self._shift, self._open)

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return mean and variance, each with ``_conf``, ``_low`` and ``_high``, shape (n_cells,)."""
        s1, s2, s11, s22, s12, s1c, s2c = self._closed
        count = float(self.n_bundles * self.observations)
        if count == 0.0:
            empty = np.full(self.n_cells, np.nan)
            return with_bounds("mean", empty, empty) | with_bounds("variance", empty, empty)
        squares = np.asarray(self._counts[SQUARES] * float(self.observations**2))
        shift = s1 / count
        biased = np.maximum(s2 / count - shift * shift, 0.0)  # a constant cell may round below 0
        spread = shift * shift - biased
        mean_scatter = ratio_scatter(s11, s1c, squares, shift)
        variance_scatter = (
            s22
            + 4.0 * shift * shift * s11
            + spread * spread * squares
            - 4.0 * shift * s12
            + 2.0 * spread * s2c
            - 4.0 * shift * spread * s1c
        )
        mean = self._shift + shift
        variance = biased * (count / (count - 1.0)) if self.n_bundles > 1 else np.full_like(biased, np.nan)
        return with_bounds(
            "mean", mean, half_width(mean_scatter, count, self.n_replicates, self.level)
        ) | with_bounds(
            "variance", variance, half_width(variance_scatter, count, self.n_replicates, self.level)
        )
