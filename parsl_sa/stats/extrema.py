"""Smallest and largest value of every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from parsl_sa.stats.compile import BLOCK, FEW_CELLS, serial
from parsl_sa.stats.replicate import ReplicateStatistic

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.records import Layout


@serial
def _widen(values: npt.NDArray[Any], low: npt.NDArray[Any], high: npt.NDArray[Any]) -> None:
    for c in range(low.shape[0]):
        value = values[c]
        # A NaN gets in, and nothing is less or greater than it: it stays.
        low[c] = value if (value < low[c]) | (value != value) else low[c]  # noqa: PLR0124 - tests for NaN
        high[c] = value if (value > high[c]) | (value != value) else high[c]  # noqa: PLR0124 - tests for NaN


@serial
def _widen_bounds(
    low: npt.NDArray[Any], high: npt.NDArray[Any], bounds: npt.NDArray[np.float64], first: int
) -> None:
    for c in range(low.shape[0]):
        # Adding 0 makes -0 into 0: which of the two came first must not show.
        bounds[0, first + c] = np.minimum(bounds[0, first + c], np.float64(low[c]) + 0.0)
        bounds[1, first + c] = np.maximum(bounds[1, first + c], np.float64(high[c]) + 0.0)


@serial
def _fold_field(rows: npt.NDArray[Any], kept: npt.NDArray[np.int64], bounds: npt.NDArray[np.float64]) -> None:
    for first in range(0, rows.shape[2], BLOCK):
        last = min(first + BLOCK, rows.shape[2])
        low, high = rows[kept[0], 0, first:last].copy(), rows[kept[0], 0, first:last].copy()
        for b in kept:
            for r in range(rows.shape[1]):
                _widen(rows[b, r, first:last], low, high)
        _widen_bounds(low, high, bounds, first)


@serial
def _fold_few(rows: npt.NDArray[Any], kept: npt.NDArray[np.int64], bounds: npt.NDArray[np.float64]) -> None:
    n_rows, n_cells = rows.shape[1], rows.shape[2]
    flat = rows.reshape(rows.shape[0], n_rows * n_cells)
    low, high = flat[kept[0]].copy(), flat[kept[0]].copy()
    for b in kept:
        _widen(flat[b], low, high)
    for r in range(n_rows):
        cells = slice(r * n_cells, (r + 1) * n_cells)
        _widen_bounds(low[cells], high[cells], bounds, 0)


class Extrema(ReplicateStatistic):
    """Smallest and largest value of every cell, over all rows of the bundles kept.

    Parameters
    ----------
    layout : Layout
        Any; every row counts.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Taken for uniformity and not used: comparing needs no shift.

    Notes
    -----
    2 doubles a cell open and 2 closed. They depend on n and have no interval. Within an update values
    are compared in their own dtype. Without bundles both are NaN; so is a cell with a NaN in a bundle
    that was kept. A zero is +0 whatever its sign was.
    """

    name: ClassVar[str] = "extrema"

    def __init__(self, layout: Layout, n_cells: int, *, pivot: npt.NDArray[np.float64] | None = None) -> None:
        del pivot
        super().__init__(layout, n_cells, pivot=None)

    def _open_identity(self) -> npt.NDArray[np.float64]:
        return np.array([np.inf, -np.inf])

    def _closed_identity(self) -> npt.NDArray[np.float64]:
        return self._open_identity()

    def _fold(self, rows: npt.NDArray[Any], kept: npt.NDArray[np.int64]) -> None:
        fold = _fold_few if self.n_cells < FEW_CELLS else _fold_field
        fold(rows, kept, self._open)

    def _close(self, n_bundles: int) -> None:  # noqa: ARG002 - extrema do not weigh replicates
        self.combine(self._closed, self._open)
        self._open[0], self._open[1] = self._open_identity()

    @staticmethod
    def combine(into: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> None:
        """Widen the bounds `into` by the bounds `other`, in place; any slice of the cells will do."""
        np.minimum(into[0], other[0], out=into[0])
        np.maximum(into[1], other[1], out=into[1])

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return ``minimum`` and ``maximum``, shape (n_cells,)."""
        if self.n_bundles == 0:
            return {key: np.full(self.n_cells, np.nan) for key in ("minimum", "maximum")}
        return {"minimum": self._closed[0].copy(), "maximum": self._closed[1].copy()}
