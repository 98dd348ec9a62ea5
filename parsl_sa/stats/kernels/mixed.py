"""Products of B with differences, and squared differences: what Saltelli's S1 and Jansen's ST are made of.

Sums over bundles of (A - B)^2 | (B - pivot) (AB_i - A) | (AB_i - A)^2, the last two for i = 1 .. d each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import prange

from parsl_sa.stats.compile import FEW_CELLS, FIELD_BLOCK, PARALLEL_SIZE, parallel, serial, threads_lock

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Cells = tuple[Values, ...]


@serial
def _one(rows: Values, bundle: int, row: int, first: int, last: int) -> Cells:
    return (rows[bundle, row, first:last],)


@serial
def _four(rows: Values, bundles: Ints, row: int, first: int, last: int) -> Cells:
    return (
        rows[bundles[0], row, first:last],
        rows[bundles[1], row, first:last],
        rows[bundles[2], row, first:last],
        rows[bundles[3], row, first:last],
    )


@serial
def _add_square(A: Cells, B: Cells, Q: Floats) -> None:
    for c in range(Q.shape[0]):
        q = Q[c]
        for b in range(len(A)):
            step = np.float64(A[b][c]) - np.float64(B[b][c])
            q += step * step
        Q[c] = q


@serial
def _add_mixed(  # noqa: PLR0917 - Numba kernels take arrays by position
    A: Cells, B: Cells, AB: Cells, pivot: Floats, C: Floats, T: Floats
) -> None:
    for c in range(C.shape[0]):
        product, square, shift = C[c], T[c], pivot[c]
        for b in range(len(A)):
            step = np.float64(AB[b][c]) - np.float64(A[b][c])
            product += (np.float64(B[b][c]) - shift) * step
            square += step * step
        C[c], T[c] = product, square


@serial
def _repeat(values: Values, times: int, into: Floats) -> None:
    for i in range(times):
        for c in range(values.shape[0]):
            into[i * values.shape[0] + c] = np.float64(values[c])


@serial
def _fold_few(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Take (parameter, cell) as one axis, so that one cell vectorises over the parameters."""
    n_cells = rows.shape[2]
    d = (sums.shape[0] - 1) // 2
    size = d * n_cells
    flat = rows.reshape(rows.shape[0], rows.shape[1] * n_cells)
    totals = sums.reshape(sums.shape[0] * n_cells)
    Q, C, T = totals[:n_cells], totals[n_cells : n_cells + size], totals[n_cells + size :]
    A, B, shift = np.empty(size), np.empty(size), np.empty(size)
    _repeat(pivot, d, shift)
    for b in kept:
        _add_square((rows[b, 0, :],), (rows[b, 1, :],), Q)
        _repeat(rows[b, 0, :], d, A)
        _repeat(rows[b, 1, :], d, B)
        _add_mixed((A,), (B,), (flat[b, 2 * n_cells : 2 * n_cells + size],), shift, C, T)


@serial
def _fold_block(rows: Values, kept: Ints, pivot: Floats, sums: Floats, first: int) -> None:
    last = min(first + FIELD_BLOCK, rows.shape[2])
    d = (sums.shape[0] - 1) // 2  # not from the rows, which may also go the other way
    Q, shift, n_fours = sums[0, first:last], pivot[first:last], len(kept) // 4
    for four in range(n_fours):
        bundles = kept[4 * four : 4 * four + 4]
        A, B = _four(rows, bundles, 0, first, last), _four(rows, bundles, 1, first, last)
        _add_square(A, B, Q)
        for i in range(d):
            AB = _four(rows, bundles, 2 + i, first, last)
            _add_mixed(A, B, AB, shift, sums[1 + i, first:last], sums[1 + d + i, first:last])
    for bundle in kept[4 * n_fours :]:
        a, b = _one(rows, bundle, 0, first, last), _one(rows, bundle, 1, first, last)
        _add_square(a, b, Q)
        for i in range(d):
            ab = _one(rows, bundle, 2 + i, first, last)
            _add_mixed(a, b, ab, shift, sums[1 + i, first:last], sums[1 + d + i, first:last])


@serial
def _fold_serial(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    for first in range(0, rows.shape[2], FIELD_BLOCK):
        _fold_block(rows, kept, pivot, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    for block in prange((rows.shape[2] + FIELD_BLOCK - 1) // FIELD_BLOCK):
        _fold_block(rows, kept, pivot, sums, block * FIELD_BLOCK)


def fold(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Add bundles to Q, C_1 .. C_d, T_1 .. T_d, shape (2 d + 1, n_cells); rows after AB_d are ignored."""
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, pivot, sums)
    elif rows.shape[2] <= FIELD_BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, pivot, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, pivot, sums)
