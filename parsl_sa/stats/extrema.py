"""Smallest and largest value of every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from parsl_sa.stats.compile import BLOCK, serial
from parsl_sa.stats.replicate import ReplicateStatistic

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.records import Layout


@serial
def _widen(values: npt.NDArray[Any], low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> None:
    for c in range(low.shape[0]):
        value = np.float64(values[c])
        # A NaN stays once it is there, in whatever order the rows come, as in np.minimum.
        low[c] = low[c] if low[c] < value or low[c] != low[c] else value
        high[c] = high[c] if high[c] > value or high[c] != high[c] else value


@serial
def _fold_rows(rows: npt.NDArray[Any], kept: npt.NDArray[np.int64], bounds: npt.NDArray[np.float64]) -> None:
    for first in range(0, rows.shape[2], BLOCK):
        last = min(first + BLOCK, rows.shape[2])
        for b in kept:
            for r in range(rows.shape[1]):
                _widen(rows[b, r, first:last], bounds[0, first:last], bounds[1, first:last])


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
    2 doubles a cell open and 2 closed. They depend on n and have no interval. Without bundles both
    are NaN; so is a cell with a NaN in a bundle that was kept.
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
        _fold_rows(rows, kept, self._open)

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
