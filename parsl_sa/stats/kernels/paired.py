"""Sums of squared differences of A, B and AB_i: Q | N_1 .. N_d | T_1 .. T_d.

Q = sum (A - B)^2, N_i = sum (B - AB_i)^2 and T_i = sum (A - AB_i)^2.
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
def _add_squares(A: Cells, B: Cells, AB: Cells, N: Floats, T: Floats) -> None:
    for c in range(N.shape[0]):
        n, t = N[c], T[c]
        for b in range(len(A)):
            value = np.float64(AB[b][c])
            first = np.float64(B[b][c]) - value
            total = np.float64(A[b][c]) - value
            n += first * first
            t += total * total
        N[c], T[c] = n, t


@serial
def _repeat(values: Values, times: int, into: Floats) -> None:
    for i in range(times):
        for c in range(values.shape[0]):
            into[i * values.shape[0] + c] = np.float64(values[c])


@serial
def _fold_few(rows: Values, kept: Ints, sums: Floats) -> None:
    """Take (parameter, cell) as one axis, so that one cell vectorises over the parameters."""
    n_cells = rows.shape[2]
    d = (sums.shape[0] - 1) // 2
    size = d * n_cells
    flat = rows.reshape(rows.shape[0], rows.shape[1] * n_cells)
    totals = sums.reshape(sums.shape[0] * n_cells)
    Q, N, T = totals[:n_cells], totals[n_cells : n_cells + size], totals[n_cells + size :]
    A, B = np.empty(size), np.empty(size)
    for b in kept:
        _add_square((rows[b, 0, :],), (rows[b, 1, :],), Q)
        _repeat(rows[b, 0, :], d, A)
        _repeat(rows[b, 1, :], d, B)
        _add_squares((A,), (B,), (flat[b, 2 * n_cells : 2 * n_cells + size],), N, T)


@serial
def _fold_block(rows: Values, kept: Ints, sums: Floats, first: int) -> None:
    last = min(first + FIELD_BLOCK, rows.shape[2])
    d = (sums.shape[0] - 1) // 2  # not from the rows, which may also go the other way
    Q, n_fours = sums[0, first:last], len(kept) // 4
    for four in range(n_fours):
        bundles = kept[4 * four : 4 * four + 4]
        A, B = _four(rows, bundles, 0, first, last), _four(rows, bundles, 1, first, last)
        _add_square(A, B, Q)
        for i in range(d):
            AB = _four(rows, bundles, 2 + i, first, last)
            _add_squares(A, B, AB, sums[1 + i, first:last], sums[1 + d + i, first:last])
    for bundle in kept[4 * n_fours :]:
        a, b = _one(rows, bundle, 0, first, last), _one(rows, bundle, 1, first, last)
        _add_square(a, b, Q)
        for i in range(d):
            ab = _one(rows, bundle, 2 + i, first, last)
            _add_squares(a, b, ab, sums[1 + i, first:last], sums[1 + d + i, first:last])


@serial
def _fold_serial(rows: Values, kept: Ints, sums: Floats) -> None:
    for first in range(0, rows.shape[2], FIELD_BLOCK):
        _fold_block(rows, kept, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, sums: Floats) -> None:
    for block in prange((rows.shape[2] + FIELD_BLOCK - 1) // FIELD_BLOCK):
        _fold_block(rows, kept, sums, block * FIELD_BLOCK)


def fold(rows: Values, kept: Ints, pivot: Floats | None, sums: Floats) -> None:  # noqa: ARG001 - one signature for all families
    """Add bundles to Q, N_1 .. N_d, T_1 .. T_d, shape (2 d + 1, n_cells); rows after AB_d are ignored."""
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, sums)
    elif rows.shape[2] <= FIELD_BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, sums)
