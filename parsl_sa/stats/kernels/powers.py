"""Sums of values and of squares about the pivot, over the first rows of a bundle.

The rows of all bundles are one sequence, bundle after bundle: each cell adds them in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import prange

from parsl_sa.stats.compile import (
    FEW_CELLS,
    FIELD_BLOCK,
    PARALLEL_SIZE,
    frozen,
    parallel,
    serial,
    threads_lock,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Cells = tuple[Values, ...]


@serial
def _row(  # noqa: PLR0917 - Numba kernels take arrays by position
    rows: Values, kept: Ints, n_used: int, place: int, first: int, last: int
) -> Values:
    return rows[kept[place // n_used], place % n_used, first:last]


@serial
def _add_powers(values: Cells, pivot: Floats, s1: Floats, s2: Floats) -> None:
    for c in range(s1.shape[0]):
        total, squares, shift = s1[c], s2[c], pivot[c]
        for k in range(len(values)):
            shifted = np.float64(values[k][c]) - shift
            total += shifted
            squares += shifted * shifted
        s1[c], s2[c] = total, squares


@serial
def _fold_block(  # noqa: PLR0917 - Numba kernels take arrays by position
    rows: Values, kept: Ints, n_used: int, pivot: Floats, sums: Floats, first: int
) -> None:
    last = min(first + FIELD_BLOCK, rows.shape[2])
    shift, s1, s2 = pivot[first:last], sums[0, first:last], sums[1, first:last]
    n_rows = len(kept) * n_used
    for place in range(0, n_rows - 3, 4):
        four = (
            _row(rows, kept, n_used, place, first, last),
            _row(rows, kept, n_used, place + 1, first, last),
            _row(rows, kept, n_used, place + 2, first, last),
            _row(rows, kept, n_used, place + 3, first, last),
        )
        _add_powers(four, shift, s1, s2)
    for place in range(n_rows // 4 * 4, n_rows):
        _add_powers((_row(rows, kept, n_used, place, first, last),), shift, s1, s2)


@serial
def _fold_serial(rows: Values, kept: Ints, n_used: int, pivot: Floats, sums: Floats) -> None:
    for first in range(0, rows.shape[2], FIELD_BLOCK):
        _fold_block(rows, kept, n_used, pivot, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, n_used: int, pivot: Floats, sums: Floats) -> None:
    for block in prange((rows.shape[2] + FIELD_BLOCK - 1) // FIELD_BLOCK):
        _fold_block(rows, kept, n_used, pivot, sums, block * FIELD_BLOCK)


@serial
def _fold_few(rows: Values, kept: Ints, n_used: int, pivot: Floats, sums: Floats) -> None:
    for c in range(rows.shape[2]):
        s1, s2 = sums[0, c], sums[1, c]
        for b in kept:
            for r in range(n_used):
                shifted = np.float64(rows[b, r, c]) - pivot[c]
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
    shift = frozen(pivot)
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, n_used, shift, sums)
    elif rows.shape[2] <= FIELD_BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, n_used, shift, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, n_used, shift, sums)
