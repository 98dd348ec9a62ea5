"""Effects of one factor at a time, in the unit of the output, with intervals from replicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from parsl_sa.errors import LayoutError
from parsl_sa.stats.intervals import checked_level, half_width, ratio_scatter, with_bounds
from parsl_sa.stats.kernels import one_at_a_time
from parsl_sa.stats.replicate import SQUARES
from parsl_sa.stats.sums import ReplicateSums

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.records import Layout

    Floats = npt.NDArray[np.float64]

AT_ROUNDING = 4.0
"""Spacings of the dtype about the output's size: effects that are all smaller are rounding."""

_DOUBLE = float(np.finfo(np.float64).eps)


class Effects(ReplicateSums):
    """Effect of each factor: how far the output moves when that factor alone changes.

    Parameters
    ----------
    layout : Layout
        Rows of a bundle, one at a time.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Near the mean of every cell, and so the size of the output, which tells an effect from rounding; 0
        where none is given. Effects are differences and need no shift.
    level : float
        Nominal coverage of the intervals.
    dtype : str
        dtype of the outputs, whose spacing limits what can be told apart.
    exact : bool
        Whether all bundles are alike, as where nothing but switches varies: then there is no sampling error,
        and intervals have the width 0 from the first bundle on.

    Raises
    ------
    LayoutError
        If the bundles are not one-at-a-time.

    Notes
    -----
    In a bundle the effect of factor i is e_i = f(A) - f(AB_i): what the base point has, and loses when the
    factor is taken from elsewhere. Of switches it is what goes when one thing is taken away, an occluded
    patch for instance [1]_. ``effect`` is the mean of e_i, ``effect_abs`` that of its magnitude, and
    ``effect_sd`` the standard deviation of e_i (divisor n - 1). The last two are mu* and sigma of Morris's
    method [2]_, not divided by the step: a factor of large ``effect_sd`` acts together with others, or in
    a curve.

    State: sums of e_i, of its magnitude and of its square; over closed replicates, of the first two also the
    squares of totals, and their products with the bundles of the replicate. That is 3 d doubles a cell
    open and 7 d closed. Bundles cost O(d n_cells); `merge` is exact up to rounding.

    n = 0 gives NaN; n = 1 gives the two means, and NaN for ``effect_sd``. Intervals are NaN below 8
    replicates, unless `exact`. A spread that rounding can make, of about 1e-7 of the effect, counts as 0.

    An effect of 0 is an answer and never NaN. Where *every* effect of a cell lies within 4 spacings of the
    dtype at the output's size, ``flat`` is set: the output is constant there, saturated perhaps.

    References
    ----------
    .. [1] Zeiler and Fergus (2014), Visualizing and understanding convolutional networks, ECCV 2014,
       section 4.2. doi:10.1007/978-3-319-10590-1_53
    .. [2] Campolongo, Cariboni and Saltelli (2007), An effective screening design for sensitivity analysis of
       large models, Environ. Model. Softw. 22, 1509-1518. doi:10.1016/j.envsoft.2006.10.004

    Examples
    --------
    >>> from parsl_sa.records import Layout
    >>> effects = Effects(Layout("one-at-a-time", 2), 1)
    >>> effects.update(np.array([[[5.0], [2.0], [5.5]]]))
    >>> effects.close_replicate()
    >>> effects.result()["effect"][:, 0].tolist()
    [3.0, -0.5]
    """

    name: ClassVar[str] = "effects"
    takes_dtype: ClassVar[bool] = True

    def __init__(
        self,
        layout: Layout,
        n_cells: int,
        *,
        pivot: Floats | None = None,
        level: float = 0.95,
        dtype: str = "float64",
        exact: bool = False,
    ) -> None:
        if layout.method != "one-at-a-time":
            raise LayoutError(
                f"effects need a one-at-a-time design, not {layout.method}: set design.method to "
                '"one-at-a-time", or leave the statistic "effects" out'
            )
        self.level = checked_level(level)
        self._exact = exact
        self._spacing = float(np.finfo(dtype).eps)
        d = layout.d
        n_sums, means = 3 * d, range(2 * d)
        super().__init__(
            layout,
            n_cells,
            n_sums=n_sums,
            pairs=[*((row, row) for row in means), *((row, n_sums) for row in means)],
            pivot=pivot,
            level=level,
            dtype=dtype,
        )

    @property
    def looked_at(self) -> dict[str, int]:
        """The two means and their half-widths."""
        d = self.layout.d
        return {name + part: d for name in ("effect", "effect_abs") for part in ("", "_conf")}

    def _fold(self, rows: npt.NDArray[Any], kept: npt.NDArray[np.int64]) -> None:
        one_at_a_time.fold(rows, kept, self._open)

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return effects and flag.

        Returns
        -------
        dict of str to ndarray
            ``effect`` and ``effect_abs``, shape (d, n_cells), each with ``_conf``, ``_low`` and ``_high``;
            ``effect_sd``, (d, n_cells); ``flat``, bool (n_cells,).
        """
        d, n = self.layout.d, self.n_bundles
        sums, squares = self._closed[: 2 * d], self._closed[2 * d : 3 * d]
        if n == 0:
            means = halves = np.full_like(sums, np.nan)
        else:
            means = sums / n
            halves = half_width(self._scatter(means), float(n), self.n_replicates, self.level)
            halves = np.where(np.isfinite(means), 0.0, np.nan) if self._exact else halves
        return (
            with_bounds("effect", means[:d], halves[:d])
            | with_bounds("effect_abs", means[d:], halves[d:])
            | {"effect_sd": self._sd(means[:d], squares), "flat": self._flat(squares)}
        )

    def _scatter(self, means: Floats) -> Floats:
        products, with_count = np.split(self._closed[self.n_sums :], 2)
        scatter = ratio_scatter(products, with_count, self._counts[SQUARES], means)
        return _beyond_rounding(scatter, products, self.n_replicates)

    def _sd(self, means: Floats, squares: Floats) -> Floats:
        n = self.n_bundles
        if n < 2:
            return np.full_like(squares, np.nan)
        chain = n / self.n_replicates + self.n_replicates
        spread = _beyond_rounding(squares - n * means * means, squares, chain)
        return np.sqrt(np.maximum(spread, 0.0) / (n - 1))

    def _flat(self, squares: Floats) -> npt.NDArray[np.bool_]:
        n = self.n_bundles
        if n == 0:
            return np.zeros(self.n_cells, np.bool_)
        size = AT_ROUNDING * self._spacing * (0.0 if self.pivot is None else np.abs(self.pivot))
        # A NaN is no less than anything: what is not known is not flat.
        return np.asarray((squares <= n * size * size).all(axis=0))


def _beyond_rounding(spread: Floats, terms: Floats, chain: float) -> Floats:
    """Set a difference of equal sums to 0 where rounding alone can make it.

    Notes
    -----
    `chain` additions of one number round in one direction, each by half a spacing; three such sums meet.
    """
    return np.where(np.abs(spread) <= 4.0 * chain * _DOUBLE * terms, 0.0, spread)
