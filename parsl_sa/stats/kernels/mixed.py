"""Products of B with differences, and squared differences: what Saltelli's S1 and Jansen's ST are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import prange

from parsl_sa.stats.compile import BLOCK, FEW_CELLS, PARALLEL_SIZE, parallel, serial, threads_lock

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@serial
def _add_square(A: Values, B: Values, into: Floats) -> None:
    for c in range(into.shape[0]):
        step = np.float64(A[c]) - np.float64(B[c])
        into[c] += step * step


@serial
def _add_mixed(A: Values, b: Floats, AB: Values, C: Floats, T: Floats) -> None:
    for c in range(C.shape[0]):
        step = np.float64(AB[c]) - np.float64(A[c])
        C[c] += b[c] * step
        T[c] += step * step


@serial
def _shift(values: Values, pivot: Floats, into: Floats) -> None:
    for c in range(values.shape[0]):
        into[c] = np.float64(values[c]) - pivot[c]


@serial
def _fold_few(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Take (parameter, cell) as one axis, so that one cell vectorises over the parameters."""
    n_cells = rows.shape[2]
    d = (sums.shape[0] - 1) // 2
    size = d * n_cells
    flat = rows.reshape(rows.shape[0], rows.shape[1] * n_cells)
    totals = sums[1:].reshape(2 * size)
    A, b = np.empty(size), np.empty(size)
    for k in kept:
        _add_square(rows[k, 0, :], rows[k, 1, :], sums[0])
        for i in range(d):
            for c in range(n_cells):
                A[i * n_cells + c] = np.float64(rows[k, 0, c])
                b[i * n_cells + c] = np.float64(rows[k, 1, c]) - pivot[c]
        _add_mixed(A, b, flat[k, 2 * n_cells : 2 * n_cells + size], totals[:size], totals[size:])


@serial
def _fold_block(rows: Values, kept: Ints, pivot: Floats, sums: Floats, first: int) -> None:
    last = min(first + BLOCK, rows.shape[2])
    d = (sums.shape[0] - 1) // 2
    b = np.empty(last - first)
    for k in kept:
        A, B = rows[k, 0, first:last], rows[k, 1, first:last]
        _add_square(A, B, sums[0, first:last])
        _shift(B, pivot[first:last], b)
        for i in range(d):
            _add_mixed(A, b, rows[k, 2 + i, first:last], sums[1 + i, first:last], sums[1 + d + i, first:last])


@serial
def _fold_serial(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    for first in range(0, rows.shape[2], BLOCK):
        _fold_block(rows, kept, pivot, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    for block in prange((rows.shape[2] + BLOCK - 1) // BLOCK):
        _fold_block(rows, kept, pivot, sums, block * BLOCK)


def fold(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Add bundles to Q, C_1 .. C_d, T_1 .. T_d, shape (2 d + 1, n_cells); rows after AB_d are ignored."""
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, pivot, sums)
    elif rows.shape[2] <= BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, pivot, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, pivot, sums)
