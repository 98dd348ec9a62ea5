"""Sums of A, B, AB_i and BA_i taken both ways: P_1 .. P_d | T_1 .. T_d | Q_1 .. Q_d.

P_i = sum (BA_i - B) (A - AB_i), T_i = sum [(B - BA_i)^2 + (A - AB_i)^2] and
Q_i = sum [(A - B)^2 + (BA_i - AB_i)^2].
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
def _add_numerators(  # noqa: PLR0917 - Numba kernels take arrays by position
    A: Values, B: Values, AB: Values, BA: Values, P: Floats, T: Floats
) -> None:
    for c in range(P.shape[0]):
        back = np.float64(BA[c]) - np.float64(B[c])
        forth = np.float64(A[c]) - np.float64(AB[c])
        P[c] += back * forth
        T[c] += back * back + forth * forth


@serial
def _add_denominator(A: Values, B: Values, AB: Values, BA: Values, Q: Floats) -> None:
    for c in range(Q.shape[0]):
        step = np.float64(A[c]) - np.float64(B[c])
        mixed = np.float64(BA[c]) - np.float64(AB[c])
        Q[c] += step * step + mixed * mixed


@serial
def _repeat(values: Values, times: int, into: Floats) -> None:
    for i in range(times):
        for c in range(values.shape[0]):
            into[i * values.shape[0] + c] = np.float64(values[c])


@serial
def _fold_few(rows: Values, kept: Ints, sums: Floats) -> None:
    """Take (parameter, cell) as one axis, so that one cell vectorises over the parameters."""
    n_cells = rows.shape[2]
    d = sums.shape[0] // 3
    size = d * n_cells
    flat = rows.reshape(rows.shape[0], rows.shape[1] * n_cells)
    totals = sums.reshape(sums.shape[0] * n_cells)
    P, T, Q = totals[:size], totals[size : 2 * size], totals[2 * size :]
    A, B = np.empty(size), np.empty(size)
    for b in kept:
        _repeat(rows[b, 0, :], d, A)
        _repeat(rows[b, 1, :], d, B)
        AB = flat[b, 2 * n_cells : 2 * n_cells + size]
        BA = flat[b, 2 * n_cells + size : 2 * n_cells + 2 * size]
        _add_numerators(A, B, AB, BA, P, T)
        _add_denominator(A, B, AB, BA, Q)


@serial
def _fold_block(rows: Values, kept: Ints, sums: Floats, first: int) -> None:
    last = min(first + BLOCK, rows.shape[2])
    d = sums.shape[0] // 3
    for b in kept:
        A, B = rows[b, 0, first:last], rows[b, 1, first:last]
        for i in range(d):
            AB, BA = rows[b, 2 + i, first:last], rows[b, 2 + d + i, first:last]
            _add_numerators(A, B, AB, BA, sums[i, first:last], sums[d + i, first:last])
            _add_denominator(A, B, AB, BA, sums[2 * d + i, first:last])


@serial
def _fold_serial(rows: Values, kept: Ints, sums: Floats) -> None:
    for first in range(0, rows.shape[2], BLOCK):
        _fold_block(rows, kept, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, sums: Floats) -> None:
    for block in prange((rows.shape[2] + BLOCK - 1) // BLOCK):
        _fold_block(rows, kept, sums, block * BLOCK)


def fold(rows: Values, kept: Ints, pivot: Floats | None, sums: Floats) -> None:  # noqa: ARG001 - one signature for all families
    """Add bundles to P_1 .. P_d, T_1 .. T_d, Q_1 .. Q_d, shape (3 d, n_cells); later rows are ignored."""
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, sums)
    elif rows.shape[2] <= BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, sums)
