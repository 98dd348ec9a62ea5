"""Effects of one factor at a time, e_i = A - AB_i: sums of e_i | of |e_i| | of e_i^2, for i = 1 .. d each."""

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
def _add_effects(A: Cells, AB: Cells, E: Floats, M: Floats, Q: Floats) -> None:
    for c in range(E.shape[0]):
        effect, size, square = E[c], M[c], Q[c]
        for b in range(len(A)):
            step = np.float64(A[b][c]) - np.float64(AB[b][c])
            effect += step
            size += abs(step)
            square += step * step
        E[c], M[c], Q[c] = effect, size, square


@serial
def _repeat(values: Values, times: int, into: Floats) -> None:
    for i in range(times):
        for c in range(values.shape[0]):
            into[i * values.shape[0] + c] = np.float64(values[c])


@serial
def _fold_few(rows: Values, kept: Ints, sums: Floats) -> None:
    """Take (factor, cell) as one axis, so that one cell vectorises over the factors."""
    n_cells = rows.shape[2]
    d = sums.shape[0] // 3
    size = d * n_cells
    flat = rows.reshape(rows.shape[0], rows.shape[1] * n_cells)
    totals = sums.reshape(sums.shape[0] * n_cells)
    E, M, Q = totals[:size], totals[size : 2 * size], totals[2 * size :]
    A = np.empty(size)
    for b in kept:
        _repeat(rows[b, 0, :], d, A)
        _add_effects((A,), (flat[b, n_cells : n_cells + size],), E, M, Q)


@serial
def _fold_block(rows: Values, kept: Ints, sums: Floats, first: int) -> None:
    last = min(first + FIELD_BLOCK, rows.shape[2])
    d, n_fours = sums.shape[0] // 3, len(kept) // 4
    for four in range(n_fours):
        bundles = kept[4 * four : 4 * four + 4]
        A = _four(rows, bundles, 0, first, last)
        for i in range(d):
            AB = _four(rows, bundles, 1 + i, first, last)
            E, M, Q = sums[i, first:last], sums[d + i, first:last], sums[2 * d + i, first:last]
            _add_effects(A, AB, E, M, Q)
    for bundle in kept[4 * n_fours :]:
        a = _one(rows, bundle, 0, first, last)
        for i in range(d):
            ab = _one(rows, bundle, 1 + i, first, last)
            E, M, Q = sums[i, first:last], sums[d + i, first:last], sums[2 * d + i, first:last]
            _add_effects(a, ab, E, M, Q)


@serial
def _fold_serial(rows: Values, kept: Ints, sums: Floats) -> None:
    for first in range(0, rows.shape[2], FIELD_BLOCK):
        _fold_block(rows, kept, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, sums: Floats) -> None:
    for block in prange((rows.shape[2] + FIELD_BLOCK - 1) // FIELD_BLOCK):
        _fold_block(rows, kept, sums, block * FIELD_BLOCK)


def fold(rows: Values, kept: Ints, sums: Floats) -> None:
    """Add bundles to E_1 .. E_d, M_1 .. M_d, Q_1 .. Q_d, shape (3 d, n_cells), in place.

    Parameters
    ----------
    rows : ndarray of float32 or float64, shape (n_bundles, d + 1, n_cells)
        A, AB_1 .. AB_d; read-only and contiguous.
    kept : ndarray of int64
        Bundles to add.
    sums : ndarray of float64, shape (3 d, n_cells)
        Sums of A - AB_i, of its magnitude and of its square.
    """
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, sums)
    elif rows.shape[2] <= FIELD_BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, sums)
