"""Sobol' indices of first and total order from pick-freeze bundles, one pass, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from parsl_sa.errors import LayoutError
from parsl_sa.registry import resolve
from parsl_sa.stats.intervals import checked_level, half_width, ratio_scatter, with_bounds
from parsl_sa.stats.kernels import both_ways, paired
from parsl_sa.stats.sums import ReplicateSums

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.records import Layout

    Floats = npt.NDArray[np.float64]


def from_options(
    layout: Layout,
    n_cells: int,
    *,
    pivot: Floats | None = None,
    estimator: str | None = None,
    level: float = 0.95,
) -> Sobol:
    """Build the Sobol' statistic of a named estimator.

    Parameters
    ----------
    layout : Layout
        Rows of a bundle.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Passed on; difference estimators do not need one.
    estimator : str, optional
        A name of the table of estimators; ``"azzini-rosati"`` where bundles go both ways,
        ``"jansen-paired"`` where they do not.
    level : float
        Nominal coverage of the intervals.

    Raises
    ------
    LayoutError
        If the estimator needs rows that the layout does not have.
    UnknownPluginError
        If there is no such estimator.

    Examples
    --------
    >>> from parsl_sa.records import Layout
    >>> from_options(Layout("pick-freeze", 3, both_ways=True), 1).estimator
    'azzini-rosati'
    """
    name = estimator or ("azzini-rosati" if layout.both_ways else "jansen-paired")
    statistic: Sobol = resolve("estimator", name)(layout, n_cells, pivot=pivot, level=level)
    return statistic


class Sobol(ReplicateSums):
    """What the estimators share: ratios of sums, their intervals, and where they are undefined.

    Parameters
    ----------
    layout : Layout
        Pick-freeze.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Taken for uniformity and not used: differences of outputs do not change under a shift.
    level : float
        Nominal coverage of the intervals.

    Raises
    ------
    LayoutError
        If the layout is not pick-freeze.
    """

    name: ClassVar[str] = "sobol"
    estimator: ClassVar[str] = ""
    aggregates: ClassVar[bool] = True

    def __init__(
        self,
        layout: Layout,
        n_cells: int,
        *,
        n_sums: int,
        pairs: list[tuple[int, int]],
        pivot: Floats | None = None,
        level: float = 0.95,
    ) -> None:
        del pivot
        self.level = checked_level(level)
        super().__init__(layout, n_cells, n_sums=n_sums, pairs=pairs, level=level)

    @property
    def looked_at(self) -> dict[str, int]:
        """The indices and their half-widths."""
        return dict.fromkeys(("S1", "S1_conf", "ST", "ST_conf"), self.layout.d)

    def _ratio(self, p: Floats, q: Floats, pp: Floats, pq: Floats, qq: Floats) -> tuple[Floats, Floats]:
        """Return sum P / sum Q and its half-width; NaN where Q is 0 or there are too few bundles."""
        usable = np.where((q == 0.0) | (self.n_bundles < 2), np.nan, q)
        ratio = p / usable
        half = half_width(ratio_scatter(pp, pq, qq, ratio), usable, self.n_replicates, self.level)
        return ratio, np.broadcast_to(half, ratio.shape)

    def _indices(
        self, first: tuple[Floats, Floats], total: tuple[Floats, Floats], denominator: Floats
    ) -> dict[str, npt.NDArray[Any]]:
        undefined = np.broadcast_to((denominator == 0.0) & (self.n_bundles > 1), first[0].shape).copy()
        return with_bounds("S1", *first) | with_bounds("ST", *total) | {"undefined": undefined}


def _pick_freeze(layout: Layout, estimator: str) -> None:
    if layout.method != "pick-freeze":
        raise LayoutError(
            f"Sobol' indices by {estimator} need a pick-freeze design, not {layout.method}: set "
            'design.method to "pick-freeze", or leave the statistic "sobol" out'
        )


class JansenPaired(Sobol):
    """Sobol' indices by paired differences, from d + 2 rows a bundle.

    Parameters
    ----------
    layout : Layout
        Pick-freeze; rows BA_i are not used where there are any.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Taken for uniformity and not used: differences of outputs do not change under a shift.
    level : float
        Nominal coverage of the intervals.

    Raises
    ------
    LayoutError
        If the layout is not pick-freeze.

    Notes
    -----
    With sums over bundles Q = sum (f(A) - f(B))^2, N_i = sum (f(B) - f(AB_i))^2 and
    T_i = sum (f(A) - f(AB_i))^2: S1_i = 1 - N_i / Q and ST_i = T_i / Q. Q is shared by all
    parameters: 2 d + 1 doubles a cell open; 6 d + 2 closed, with Q^2, N_i^2, T_i^2, N_i Q, T_i Q
    of the totals of each replicate. S1 has the half-width of N_i / Q.

    n = 0 and n = 1 give NaN. A cell of zero variance (Q = 0) gives NaN and is flagged in
    ``undefined``. Intervals are NaN below 8 replicates. O(d n_cells) a bundle; `merge` is exact up
    to rounding.

    References
    ----------
    .. [1] Jansen (1999), Comput. Phys. Commun. 117, 35-43 (both squared differences; here with
       the variance from the pairs A, B). doi:10.1016/S0010-4655(98)00154-4
    """

    estimator: ClassVar[str] = "jansen-paired"

    def __init__(
        self, layout: Layout, n_cells: int, *, pivot: Floats | None = None, level: float = 0.95
    ) -> None:
        _pick_freeze(layout, self.estimator)
        differences = range(1, 2 * layout.d + 1)
        pairs = [(0, 0), *((i, i) for i in differences), *((i, 0) for i in differences)]
        super().__init__(layout, n_cells, n_sums=2 * layout.d + 1, pairs=pairs, pivot=pivot, level=level)

    def _fold(self, rows: npt.NDArray[Any], kept: npt.NDArray[np.int64]) -> None:
        paired.fold(rows, kept, self.pivot, self._open)

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return S1 and ST, each with ``_conf``, ``_low`` and ``_high``, and ``undefined``: (d, n_cells)."""
        d, sums, products = self.layout.d, self._closed[: self.n_sums], self._closed[self.n_sums :]
        q, n, t = sums[0], sums[1 : 1 + d], sums[1 + d :]
        qq, nn, tt, nq, tq = np.split(products, [1, 1 + d, 1 + 2 * d, 1 + 3 * d])
        complement, half = self._ratio(n, q, nn, nq, qq)
        return self._indices((1.0 - complement, half), self._ratio(t, q, tt, tq, qq), q)


class AzziniRosati(Sobol):
    """Sobol' indices by the estimator of Azzini and Rosati, from 2 d + 2 rows a bundle.

    Parameters
    ----------
    layout : Layout
        Pick-freeze, both ways.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Taken for uniformity and not used: differences of outputs do not change under a shift.
    level : float
        Nominal coverage of the intervals.

    Raises
    ------
    LayoutError
        If the layout is not pick-freeze, or has no rows BA_i.

    Notes
    -----
    With sums over bundles P_i = sum (f(BA_i) - f(B)) (f(A) - f(AB_i)),
    T_i = sum [(f(B) - f(BA_i))^2 + (f(A) - f(AB_i))^2] and
    Q_i = sum [(f(A) - f(B))^2 + (f(BA_i) - f(AB_i))^2]: S1_i = 2 P_i / Q_i and ST_i = T_i / Q_i.
    3 d doubles a cell open; 8 d closed, with P^2, T^2, Q^2, P Q, T Q of the totals of each replicate.

    n = 0 and n = 1 give NaN. Where Q_i = 0 (zero variance) values are NaN, flagged in
    ``undefined``. Intervals are NaN below 8 replicates. O(d n_cells) a bundle; `merge` is exact up
    to rounding.

    References
    ----------
    .. [1] Azzini, Mara and Rosati (2021), Environ. Model. Softw. 144, 105167 (the estimators of the
       design with both AB_i and BA_i). doi:10.1016/j.envsoft.2021.105167
    """

    estimator: ClassVar[str] = "azzini-rosati"

    def __init__(
        self, layout: Layout, n_cells: int, *, pivot: Floats | None = None, level: float = 0.95
    ) -> None:
        _pick_freeze(layout, self.estimator)
        if not layout.both_ways:
            raise LayoutError(
                "azzini-rosati needs the rows BA_i: set design.both_ways to true, or "
                'choose {"name": "sobol", "estimator": "jansen-paired"}'
            )
        d = layout.d
        squares = [(i, i) for i in range(3 * d)]
        crossed = [(i, 2 * d + i % d) for i in range(2 * d)]
        super().__init__(layout, n_cells, n_sums=3 * d, pairs=[*squares, *crossed], pivot=pivot, level=level)

    def _fold(self, rows: npt.NDArray[Any], kept: npt.NDArray[np.int64]) -> None:
        both_ways.fold(rows, kept, self.pivot, self._open)

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return S1 and ST, each with ``_conf``, ``_low`` and ``_high``, and ``undefined``: (d, n_cells)."""
        d = self.layout.d
        p, t, q, pp, tt, qq, pq, tq = self._closed.reshape(8, d, self.n_cells)
        ratio, half = self._ratio(p, q, pp, pq, qq)
        return self._indices((2.0 * ratio, 2.0 * half), self._ratio(t, q, tt, tq, qq), q)
