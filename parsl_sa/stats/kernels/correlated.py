"""First and second moments of A, B and AB_i about the pivot, and their products.

With a = A - pivot, b = B - pivot and ab_i = AB_i - pivot: sum a, sum a^2, sum b, sum b^2 |
sum ab_i | sum ab_i^2 | sum a ab_i | sum b ab_i, the last four for i = 1 .. d each.
"""

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
def _add_powers(values: Values, pivot: Floats, s1: Floats, s2: Floats) -> None:
    for c in range(s1.shape[0]):
        step = np.float64(values[c]) - pivot[c]
        s1[c] += step
        s2[c] += step * step


@serial
def _add_product(left: Values, right: Values, pivot: Floats, into: Floats) -> None:
    for c in range(into.shape[0]):
        into[c] += (np.float64(left[c]) - pivot[c]) * (np.float64(right[c]) - pivot[c])


@serial
def _repeat(values: Values, times: int, into: Floats) -> None:
    for i in range(times):
        for c in range(values.shape[0]):
            into[i * values.shape[0] + c] = np.float64(values[c])


@serial
def _fold_few(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Take (parameter, cell) as one axis, so that one cell vectorises over the parameters."""
    n_cells = rows.shape[2]
    d = (sums.shape[0] - 4) // 4
    size = d * n_cells
    flat = rows.reshape(rows.shape[0], rows.shape[1] * n_cells)
    totals = sums[4:].reshape(4 * size)
    A, B, shift = np.empty(size), np.empty(size), np.empty(size)
    _repeat(pivot, d, shift)
    for b in kept:
        _add_powers(rows[b, 0, :], pivot, sums[0], sums[1])
        _add_powers(rows[b, 1, :], pivot, sums[2], sums[3])
        _repeat(rows[b, 0, :], d, A)
        _repeat(rows[b, 1, :], d, B)
        AB = flat[b, 2 * n_cells : 2 * n_cells + size]
        _add_powers(AB, shift, totals[:size], totals[size : 2 * size])
        _add_product(A, AB, shift, totals[2 * size : 3 * size])
        _add_product(B, AB, shift, totals[3 * size :])


@serial
def _fold_block(rows: Values, kept: Ints, pivot: Floats, sums: Floats, first: int) -> None:
    last = min(first + BLOCK, rows.shape[2])
    d = (sums.shape[0] - 4) // 4
    shift = pivot[first:last]
    for b in kept:
        A, B = rows[b, 0, first:last], rows[b, 1, first:last]
        _add_powers(A, shift, sums[0, first:last], sums[1, first:last])
        _add_powers(B, shift, sums[2, first:last], sums[3, first:last])
        for i in range(d):
            AB, place = rows[b, 2 + i, first:last], 4 + i
            _add_powers(AB, shift, sums[place, first:last], sums[place + d, first:last])
            _add_product(A, AB, shift, sums[place + 2 * d, first:last])
            _add_product(B, AB, shift, sums[place + 3 * d, first:last])


@serial
def _fold_serial(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    for first in range(0, rows.shape[2], BLOCK):
        _fold_block(rows, kept, pivot, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    for block in prange((rows.shape[2] + BLOCK - 1) // BLOCK):
        _fold_block(rows, kept, pivot, sums, block * BLOCK)


def fold(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Add bundles to sums of shape (4 d + 4, n_cells), in the order above; rows after AB_d are ignored."""
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, pivot, sums)
    elif rows.shape[2] <= BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, pivot, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, pivot, sums)
