"""Sobol' indices from pick-freeze bundles, one pass, with intervals from replicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from parsl_sa.registry import resolve
from parsl_sa.stats.compile import frozen
from parsl_sa.stats.estimators.second_order import SecondOrder
from parsl_sa.stats.formula import COUNT, Formula, scatter
from parsl_sa.stats.intervals import FEWEST_REPLICATES, checked_level, half_width, largest_share, with_bounds
from parsl_sa.stats.replicate import SQUARES
from parsl_sa.stats.sums import ReplicateSums

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from parsl_sa.records import Layout
    from parsl_sa.stats.estimators.protocol import Estimator

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

AT_ROUNDING = 4.0
"""Spacings of the dtype about the output's size: a smaller standard deviation is rounding."""

NEAR_ROUNDING = 100.0
"""Spacings of the dtype: below so many the dtype limits how exact an index can be, and results say so."""

DOMINANT_SHARE = 0.3
"""Share of the spread between A and B from which one replicate makes an interval doubtful."""

_CELLS_AT_ONCE = 1 << 16


def recommended(layout: Layout) -> str:
    """Return the estimator that suits the rows of a layout; docs/choosing.md says why.

    Examples
    --------
    >>> from parsl_sa.records import Layout
    >>> recommended(Layout("pick-freeze", 3)), recommended(Layout("pick-freeze", 3, both_ways=True))
    ('saltelli-jansen', 'azzini-rosati')
    """
    if layout.method == "conditional":
        return "jansen-paired"
    return "azzini-rosati" if layout.both_ways else "saltelli-jansen"


class Sobol(ReplicateSums):
    """Sobol' indices of first, total and, where asked for, second order.

    Parameters
    ----------
    layout : Layout
        Rows of a bundle, pick-freeze or conditional.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Near the mean of every cell; 0 where none is given. Estimators of differences do not need it, those of
        products do; all take it as the size of the output, which tells a small variance from rounding.
    estimator : str, optional
        A name of the table of estimators; the `recommended` one where none is given.
    second_order : bool
        Whether S2 is formed too, which needs both ways.
    level : float
        Nominal coverage of the intervals.
    dtype : str
        dtype of the outputs, whose spacing limits what can be told apart.
    whole_field : bool
        Whether the sums are sums over the cells of fields as well. Only ratios of sums can be had from these.

    Raises
    ------
    LayoutError
        If the estimator, or S2, needs rows that the layout does not have.
    UnknownPluginError
        If there is no such estimator.

    Notes
    -----
    An estimator names its sums over bundles and the functions of them that are indices (`Formula`). An
    interval is that of a function of sums over replicates: its derivatives times a replicate's totals are
    what the replicate moves it by, and the sum of their squares follows from the products of totals, which
    the closed part holds. So the state does not grow with the number of replicates, and merges by addition.

    n = 0 and n = 1 give NaN. Where the variance is 0, or the standard deviation under 4 spacings of the dtype
    at the output's size, values are NaN and flagged in ``undefined``; under 100 spacings
    ``precision_limited`` is set. Intervals are NaN below 8 replicates; ``dominant_replicate`` is set where
    one replicate may hold more than 30 % of sum (f(A) - f(B))^2, since the interval then rests on few of
    them. Bundles cost O(d n_cells), with S2 O(d^2 n_cells); `merge` is exact up to rounding.

    Examples
    --------
    >>> from parsl_sa.records import Layout
    >>> Sobol(Layout("pick-freeze", 3, both_ways=True), 1).estimator
    'azzini-rosati'
    """

    name: ClassVar[str] = "sobol"
    aggregates: ClassVar[bool] = True
    takes_dtype: ClassVar[bool] = True

    def __init__(
        self,
        layout: Layout,
        n_cells: int,
        *,
        pivot: Floats | None = None,
        estimator: str | None = None,
        second_order: bool = False,
        level: float = 0.95,
        dtype: str = "float64",
        whole_field: bool = False,
    ) -> None:
        self.estimator = estimator or recommended(layout)
        self.level = checked_level(level)
        self._spacing = float(np.finfo(dtype).eps)
        self._families: list[Estimator] = [resolve("estimator", self.estimator)(layout)]
        if second_order:
            self._families.append(SecondOrder(layout))
        formulas = [list(f.formulas(whole_field=whole_field)) for f in self._families]
        self._stretches = list(_stretches(self._families))
        self.formulas = [
            formula.shifted(rows.start)
            for own, rows in zip(formulas, self._stretches, strict=True)
            for formula in own
        ]
        n_sums = self._stretches[-1].stop
        pairs = set[tuple[int, int]]().union(*(formula.pairs(n_sums) for formula in self.formulas))
        pairs |= {(int(row), int(row)) for row in self._families[0].spread[0]}
        super().__init__(
            layout,
            n_cells,
            n_sums=n_sums,
            pairs=sorted(pairs),
            pivot=pivot,
            estimator=self.estimator,
            second_order=second_order,
            level=level,
            dtype=dtype,
            whole_field=whole_field,
        )
        self._row_of_pair = {pair: n_sums + k for k, pair in enumerate(sorted(pairs))}
        self._shift = frozen(np.zeros(n_cells) if pivot is None else pivot)

    @property
    def looked_at(self) -> dict[str, int]:
        """The first-order and total indices and their half-widths."""
        names = [formula.index for formula in self.formulas if formula.index != "S2"]
        return {name + part: self.layout.d for name in names for part in ("", "_conf")}

    def of_fields(self, size: Floats) -> Self:
        """Return an empty statistic over whole fields, of the given sizes; see `aggregates.sizes`."""
        return type(self)(self.layout, len(size), pivot=size, **(self.options | {"whole_field": True}))

    def _fold(self, rows: npt.NDArray[Any], kept: npt.NDArray[np.int64]) -> None:
        for family, own in zip(self._families, self._stretches, strict=True):
            family.fold(rows, kept, self._shift, self._open[own])

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return the indices and flags.

        Returns
        -------
        dict of str to ndarray
            Each index, (d, n_cells), S2 (d (d - 1) / 2, n_cells), with ``_conf``, ``_low`` and ``_high``;
            ``undefined``, bool (d, n_cells); ``precision_limited`` and ``dominant_replicate``, bool
            (n_cells,).
        """
        lengths = [max(len(row) for row in formula.rows) for formula in self.formulas]
        values = [np.empty((n, self.n_cells)) for n in lengths]
        halves = [np.empty((n, self.n_cells)) for n in lengths]
        undefined = np.zeros((self.layout.d, self.n_cells), np.bool_)
        flags = np.zeros((2, self.n_cells), np.bool_)
        for first in range(0, self.n_cells, _CELLS_AT_ONCE):
            cells = slice(first, min(first + _CELLS_AT_ONCE, self.n_cells))
            none, flags[0, cells], flags[1, cells] = self._flags(cells)
            undefined[:, cells] = none
            for formula, value, half in zip(self.formulas, values, halves, strict=True):
                # a pair of parameters has no index where any parameter has none
                hidden = none.any(axis=0, keepdims=True) if formula.index == "S2" else none
                value[:, cells], half[:, cells] = self._index(formula, cells, np.asarray(hidden))
        results: dict[str, npt.NDArray[Any]] = {}
        for formula, value, half in zip(self.formulas, values, halves, strict=True):
            results |= with_bounds(formula.index, value, half)
        return results | {
            "undefined": undefined,
            "precision_limited": flags[0],
            "dominant_replicate": flags[1],
        }

    def _index(self, formula: Formula, cells: slice, hidden: Flags) -> tuple[Floats, Floats]:
        """Return an index and its half-width over a stretch of the cells."""
        sums = [self._sums(rows, cells) for rows in formula.rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            value, gradient = formula.function(*sums)
            value = np.where(hidden | (self.n_bundles < 2), np.nan, value)
            moved = scatter(
                gradient,
                lambda u, v: self._products(formula.rows[u], formula.rows[v], cells),
                np.zeros_like(value),
            )
        half = half_width(moved, 1.0, self.n_replicates, self.level)
        return value, np.where(np.isnan(value), np.nan, half)

    def _sums(self, rows: npt.NDArray[np.int64], cells: slice) -> Floats:
        if rows[0] == COUNT:
            return np.full((1, 1), float(self.n_bundles))
        return self._closed[rows, cells]

    def _products(self, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], cells: slice) -> Floats:
        if left[0] == right[0] == COUNT:
            return np.full((1, 1), float(self._counts[SQUARES]))
        n_sums = self.n_sums
        pairs = [
            tuple(sorted(n_sums if row == COUNT else int(row) for row in pair))
            for pair in np.broadcast(left, right)
        ]
        return self._closed[[self._row_of_pair[i, j] for i, j in pairs], cells]

    def _flags(self, cells: slice) -> tuple[Flags, Flags, Flags]:
        """Return where no index exists, where the dtype limits it, and where one replicate dominates."""
        rows, factor = self._families[0].spread
        sums, squares = self._closed[rows, cells], self._products(rows, rows, cells)
        size = self._spacing * np.abs(self._shift[cells])
        with np.errstate(invalid="ignore"):
            variance = sums * (factor / max(self.n_bundles, 1))
            known = self.n_bundles > 1
            none = np.asarray(known & (variance <= (AT_ROUNDING * size) ** 2))
            limited = known & (variance <= (NEAR_ROUNDING * size) ** 2) & ~none & (size > 0.0)
        share = largest_share(sums, squares, self.n_replicates)
        dominant = (share > DOMINANT_SHARE) & (self.n_replicates >= FEWEST_REPLICATES)
        return none, np.asarray(limited.any(axis=0)), np.asarray(dominant.any(axis=0))


def _stretches(families: Sequence[Estimator]) -> Iterator[slice]:
    first = 0
    for family in families:
        yield slice(first, first + family.n_sums)
        first += family.n_sums
