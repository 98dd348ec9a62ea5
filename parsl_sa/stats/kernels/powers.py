"""Sums of values and of squares about the pivot, over the first rows of a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.stats.compile import BLOCK, FEW_CELLS, frozen, serial

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@serial
def _add_powers(values: Values, pivot: Floats, s1: Floats, s2: Floats) -> None:
    for c in range(s1.shape[0]):
        shifted = np.float64(values[c]) - pivot[c]
        s1[c] += shifted
        s2[c] += shifted * shifted


@serial
def _fold_field(rows: Values, kept: Ints, n_used: int, pivot: Floats, sums: Floats) -> None:
    for first in range(0, rows.shape[2], BLOCK):
        last = min(first + BLOCK, rows.shape[2])
        for b in kept:
            for r in range(n_used):
                _add_powers(
                    rows[b, r, first:last], pivot[first:last], sums[0, first:last], sums[1, first:last]
                )


@serial
def _fold_few(rows: Values, kept: Ints, n_used: int, pivot: Floats, sums: Floats) -> None:
    for c in range(rows.shape[2]):
        s1, s2, shift = sums[0, c], sums[1, c], pivot[c]
        if n_used == 1:  # a loop of its own: then each row costs no more than its turn in the sum
            values = rows[:, 0, c]
            for b in kept:
                shifted = np.float64(values[b]) - shift
                s1 += shifted
                s2 += shifted * shifted
        else:
            for b in kept:
                for r in range(n_used):
                    shifted = np.float64(rows[b, r, c]) - shift
                    s1 += shifted
                    s2 += shifted * shifted
        sums[0, c], sums[1, c] = s1, s2


def fold(rows: Values, kept: Ints, n_used: int, pivot: Floats, sums: Floats) -> None:
    """Add the first `n_used` rows of bundles.

    Parameters
    ----------
    rows : ndarray of float32 or float64, shape (n_bundles, n_rows, n_cells)
        Read-only and contiguous.
    kept : ndarray of int64
        Bundles to add.
    n_used : int
        Rows of each to add.
    pivot : ndarray of float64, shape (n_cells,)
        Shift of every cell.
    sums : ndarray of float64, shape (2, n_cells)
        Sums of y - pivot and of (y - pivot)^2; added to in place.
    """
    kernel = _fold_few if rows.shape[2] < FEW_CELLS else _fold_field
    kernel(rows, kept, n_used, frozen(pivot), sums)
