"""Sums of squared differences of A, B and AB_i: Q | N_1 .. N_d | T_1 .. T_d.

Q = sum (A - B)^2, N_i = sum (B - AB_i)^2 and T_i = sum (A - AB_i)^2.
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
def _add_square(A: Values, B: Values, Q: Floats) -> None:
    for c in range(Q.shape[0]):
        step = np.float64(A[c]) - np.float64(B[c])
        Q[c] += step * step


@serial
def _add_squares(A: Values, B: Values, AB: Values, N: Floats, T: Floats) -> None:
    for c in range(N.shape[0]):
        value = np.float64(AB[c])
        first = np.float64(B[c]) - value
        total = np.float64(A[c]) - value
        N[c] += first * first
        T[c] += total * total


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
        _add_square(rows[b, 0, :], rows[b, 1, :], Q)
        _repeat(rows[b, 0, :], d, A)
        _repeat(rows[b, 1, :], d, B)
        _add_squares(A, B, flat[b, 2 * n_cells : 2 * n_cells + size], N, T)


@serial
def _fold_block(rows: Values, kept: Ints, sums: Floats, first: int) -> None:
    last = min(first + BLOCK, rows.shape[2])
    d = (sums.shape[0] - 1) // 2  # not from the rows, which may also go the other way
    for b in kept:
        A, B = rows[b, 0, first:last], rows[b, 1, first:last]
        _add_square(A, B, sums[0, first:last])
        for i in range(d):
            AB = rows[b, 2 + i, first:last]
            _add_squares(A, B, AB, sums[1 + i, first:last], sums[1 + d + i, first:last])


@serial
def _fold_serial(rows: Values, kept: Ints, sums: Floats) -> None:
    for first in range(0, rows.shape[2], BLOCK):
        _fold_block(rows, kept, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, sums: Floats) -> None:
    for block in prange((rows.shape[2] + BLOCK - 1) // BLOCK):
        _fold_block(rows, kept, sums, block * BLOCK)


def fold(rows: Values, kept: Ints, pivot: Floats | None, sums: Floats) -> None:  # noqa: ARG001 - one signature for all families
    """Add bundles to Q, N_1 .. N_d, T_1 .. T_d, shape (2 d + 1, n_cells); rows after AB_d are ignored."""
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, sums)
    elif rows.shape[2] <= BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, sums)
