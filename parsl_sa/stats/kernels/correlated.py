"""First and second moments of A, B and AB_i about the pivot, and their products.

With a = A - pivot, b = B - pivot and ab_i = AB_i - pivot: sum a, sum a^2, sum b, sum b^2 |
sum ab_i | sum ab_i^2 | sum a ab_i | sum b ab_i, the last four for i = 1 .. d each.
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
def _add_powers(values: Cells, pivot: Floats, s1: Floats, s2: Floats) -> None:
    for c in range(s1.shape[0]):
        shift, power1, power2 = pivot[c], s1[c], s2[c]
        for b in range(len(values)):
            step = np.float64(values[b][c]) - shift
            power1 += step
            power2 += step * step
        s1[c], s2[c] = power1, power2


@serial
def _add_mixed(  # noqa: PLR0917 - Numba kernels take arrays by position
    A: Cells, B: Cells, AB: Cells, pivot: Floats, s1: Floats, s2: Floats, with_A: Floats, with_B: Floats
) -> None:
    for c in range(s1.shape[0]):
        shift, power1, power2, product_A, product_B = pivot[c], s1[c], s2[c], with_A[c], with_B[c]
        for b in range(len(AB)):
            step = np.float64(AB[b][c]) - shift
            power1 += step
            power2 += step * step
            product_A += (np.float64(A[b][c]) - shift) * step
            product_B += (np.float64(B[b][c]) - shift) * step
        s1[c], s2[c], with_A[c], with_B[c] = power1, power2, product_A, product_B


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
        _add_powers((rows[b, 0, :],), pivot, sums[0], sums[1])
        _add_powers((rows[b, 1, :],), pivot, sums[2], sums[3])
        _repeat(rows[b, 0, :], d, A)
        _repeat(rows[b, 1, :], d, B)
        AB = flat[b, 2 * n_cells : 2 * n_cells + size]
        s1, s2 = totals[:size], totals[size : 2 * size]
        with_A, with_B = totals[2 * size : 3 * size], totals[3 * size :]
        _add_mixed((A,), (B,), (AB,), shift, s1, s2, with_A, with_B)


@serial
def _fold_block(rows: Values, kept: Ints, pivot: Floats, sums: Floats, first: int) -> None:
    last = min(first + FIELD_BLOCK, rows.shape[2])
    n_fours = len(kept) // 4
    for four in range(n_fours):
        bundles = kept[4 * four : 4 * four + 4]
        A, B = _four(rows, bundles, 0, first, last), _four(rows, bundles, 1, first, last)
        _add_powers(A, pivot[first:last], sums[0, first:last], sums[1, first:last])
        _add_powers(B, pivot[first:last], sums[2, first:last], sums[3, first:last])
        for i in range((sums.shape[0] - 4) // 4):
            _add_parameter(A, B, _four(rows, bundles, 2 + i, first, last), pivot, sums, i, first, last)
    for bundle in kept[4 * n_fours :]:
        a, b = _one(rows, bundle, 0, first, last), _one(rows, bundle, 1, first, last)
        _add_powers(a, pivot[first:last], sums[0, first:last], sums[1, first:last])
        _add_powers(b, pivot[first:last], sums[2, first:last], sums[3, first:last])
        for i in range((sums.shape[0] - 4) // 4):
            _add_parameter(a, b, _one(rows, bundle, 2 + i, first, last), pivot, sums, i, first, last)


@serial
def _add_parameter(  # noqa: PLR0917 - Numba kernels take arrays by position
    A: Cells, B: Cells, AB: Cells, pivot: Floats, sums: Floats, i: int, first: int, last: int
) -> None:
    d, s1 = (sums.shape[0] - 4) // 4, 4 + i
    _add_mixed(
        A,
        B,
        AB,
        pivot[first:last],
        sums[s1, first:last],
        sums[s1 + d, first:last],
        sums[s1 + 2 * d, first:last],
        sums[s1 + 3 * d, first:last],
    )


@serial
def _fold_serial(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    for first in range(0, rows.shape[2], FIELD_BLOCK):
        _fold_block(rows, kept, pivot, sums, first)


@parallel
def _fold_parallel(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    for block in prange((rows.shape[2] + FIELD_BLOCK - 1) // FIELD_BLOCK):
        _fold_block(rows, kept, pivot, sums, block * FIELD_BLOCK)


def fold(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Add bundles to sums of shape (4 d + 4, n_cells), in the order above; rows after AB_d are ignored."""
    if rows.shape[2] < FEW_CELLS:
        _fold_few(rows, kept, pivot, sums)
    elif rows.shape[2] <= FIELD_BLOCK or rows.size < PARALLEL_SIZE:
        _fold_serial(rows, kept, pivot, sums)
    else:
        with threads_lock:
            _fold_parallel(rows, kept, pivot, sums)
