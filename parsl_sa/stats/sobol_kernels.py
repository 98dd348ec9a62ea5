"""Kernels of the Sobol' estimators: one for fields, one for few cells, a pair an estimator.

Rows stand in the order of `Layout`: A, B, AB_1 .. AB_d [, BA_1 .. BA_d]. Sums have shape
(k, n_cells). Both kernels of a pair add the bundles to each cell one after the other, with the same
operations, so they agree to the bit.

Notes
-----
Field kernels go over blocks of cells, so that the sums of a block stay in cache while all bundles
pass; their inner loops touch at most six arrays and write at most two, which LLVM still vectorises
behind run-time checks of overlap. The kernels for few cells take (parameter, cell) as one axis, with
A and B repeated along it, so that one cell vectorises over the parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.stats.compile import BLOCK, serial

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@serial
def _add_square(left: Values, right: Values, into: Floats) -> None:
    for c in range(into.shape[0]):
        step = np.float64(left[c]) - np.float64(right[c])
        into[c] += step * step


@serial
def _add_two_squares(left: Values, right: Values, left2: Values, right2: Values, into: Floats) -> None:
    for c in range(into.shape[0]):
        step = np.float64(left[c]) - np.float64(right[c])
        step2 = np.float64(left2[c]) - np.float64(right2[c])
        into[c] += step * step + step2 * step2


@serial
def _add_paired(A: Values, B: Values, AB: Values, N: Floats, T: Floats) -> None:
    for c in range(N.shape[0]):
        value = np.float64(AB[c])
        first = np.float64(B[c]) - value
        total = np.float64(A[c]) - value
        N[c] += first * first
        T[c] += total * total


@serial
def _add_product_and_squares(  # noqa: PLR0917 - Numba kernels take arrays by position
    A: Values, B: Values, AB: Values, BA: Values, P: Floats, T: Floats
) -> None:
    for c in range(P.shape[0]):
        back = np.float64(BA[c]) - np.float64(B[c])
        forth = np.float64(A[c]) - np.float64(AB[c])
        P[c] += back * forth
        T[c] += back * back + forth * forth


@serial
def _repeat(values: Values, times: int, into: Floats) -> None:
    for i in range(times):
        for c in range(values.shape[0]):
            into[i * values.shape[0] + c] = np.float64(values[c])


@serial
def jansen_paired_field(rows: Values, kept: Ints, sums: Floats) -> None:
    """Add bundles to Q, N_1 .. N_d, T_1 .. T_d; see `JansenPaired`."""
    d = (sums.shape[0] - 1) // 2  # not from the rows, which may also go the other way
    for first in range(0, rows.shape[2], BLOCK):
        last = min(first + BLOCK, rows.shape[2])
        for b in kept:
            A, B = rows[b, 0, first:last], rows[b, 1, first:last]
            _add_square(A, B, sums[0, first:last])
            for i in range(d):
                AB = rows[b, 2 + i, first:last]
                _add_paired(A, B, AB, sums[1 + i, first:last], sums[1 + d + i, first:last])


@serial
def jansen_paired_few(rows: Values, kept: Ints, sums: Floats) -> None:
    """Do what `jansen_paired_field` does, fast for few cells."""
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
        _add_paired(A, B, flat[b, 2 * n_cells : 2 * n_cells + size], N, T)


@serial
def azzini_rosati_field(rows: Values, kept: Ints, sums: Floats) -> None:
    """Add bundles to P_1 .. P_d, T_1 .. T_d, Q_1 .. Q_d; see `AzziniRosati`."""
    d = sums.shape[0] // 3
    for first in range(0, rows.shape[2], BLOCK):
        last = min(first + BLOCK, rows.shape[2])
        for b in kept:
            A, B = rows[b, 0, first:last], rows[b, 1, first:last]
            for i in range(d):
                AB, BA = rows[b, 2 + i, first:last], rows[b, 2 + d + i, first:last]
                _add_product_and_squares(A, B, AB, BA, sums[i, first:last], sums[d + i, first:last])
                _add_two_squares(A, B, BA, AB, sums[2 * d + i, first:last])


@serial
def azzini_rosati_few(rows: Values, kept: Ints, sums: Floats) -> None:
    """Do what `azzini_rosati_field` does, fast for few cells."""
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
        AB, BA = flat[b, 2 * n_cells : 2 * n_cells + size], flat[b, 2 * n_cells + size :]
        _add_product_and_squares(A, B, AB, BA, P, T)
        _add_two_squares(A, B, BA, AB, Q)
