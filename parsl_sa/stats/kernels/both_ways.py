"""Sums of A, B, AB_i and BA_i taken both ways: P_1 .. P_d | T_1 .. T_d | Q_1 .. Q_d.

P_i = sum (BA_i - B) (A - AB_i), T_i = sum [(B - BA_i)^2 + (A - AB_i)^2] and
Q_i = sum [(A - B)^2 + (BA_i - AB_i)^2].
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
def _add_products(  # noqa: PLR0917 - Numba kernels take arrays by position
    A: Cells, B: Cells, AB: Cells, BA: Cells, P: Floats, T: Floats, Q: Floats
) -> None:
    for c in range(P.shape[0]):
        p, t, q = P[c], T[c], Q[c]
        for b in range(len(A)):
            first, second = np.float64(A[b][c]), np.float64(B[b][c])
            there, back = np.float64(AB[b][c]), np.float64(BA[b][c])
            forth, home = first - there, back - second
            step, mixed = first - second, back - there
            p += home * forth
            t += home * home + forth * forth
            q += step * step + mixed * mixed
        P[c], T[c], Q[c] = p, t, q


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
        _add_products((A,), (B,), (AB,), (BA,), P, T, Q)


@serial
def _fold_block(rows: Values, kept: Ints, sums: Floats, first: int) -> None:
    last = min(first + FIELD_BLOCK, rows.shape[2])
    d, n_fours = sums.shape[0] // 3, len(kept) // 4
    for four in range(n_fours):
        bundles = kept[4 * four : 4 * four + 4]
        A, B = _four(rows, bundles, 0, first, last), _four(rows, bundles, 1, first, last)
        for i in range(d):
            AB, BA = _four(rows, bundles, 2 + i, first, last), _four(rows, bundles, 2 + d + i, first, last)
            P, T, Q = sums[i, first:last], sums[d + i, first:last], sums[2 * d + i, first:last]
            _add_products(A, B, AB, BA, P, T, Q)
    for bundle in kept[4 * n_fours :]:
        a, b = _one(rows, bundle, 0, first, last), _one(rows, bundle, 1, first, last)
        for i in range(d):
            ab, ba = _one(rows, bundle, 2 + i, first, last), _one(rows, bundle, 2 + d + i, first, last)
            P, T, Q = sums[i, first:last], sums[d + i, first:last], sums[2 * d + i, first:last]
            _add_products(a, b, ab, ba, P, T, Q)


@serial
def _fold_serial(rows: Values, kept: Ints, sums: Floats) -> None:
    for first in range(0, rows.shape[2], FIELD_BLOCK):
        _fold_block(rows, kept, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, sums: Floats) -> None:
    for block in prange((rows.shape[2] + FIELD_BLOCK - 1) // FIELD_BLOCK):
        _fold_block(rows, kept, sums, block * FIELD_BLOCK)


def fold(rows: Values, kept: Ints, pivot: Floats | None, sums: Floats) -> None:  # noqa: ARG001 - one signature for all families
    """Add bundles to P_1 .. P_d, T_1 .. T_d, Q_1 .. Q_d, shape (3 d, n_cells); later rows are ignored."""
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, sums)
    elif rows.shape[2] <= FIELD_BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, sums)
