"""Products of differences for second-order indices, and the pooled squared differences that divide them."""

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
def _step(left: Values, right: Values, into: Floats) -> None:
    for c in range(left.shape[0]):
        into[c] = np.float64(left[c]) - np.float64(right[c])


@serial
def _add_square(step: Floats, factor: float, into: Floats) -> None:
    for c in range(into.shape[0]):
        into[c] += factor * step[c] * step[c]


@serial
def _add_products(forth_i: Floats, back_j: Floats, forth_j: Floats, back_i: Floats, into: Floats) -> None:
    for c in range(into.shape[0]):
        into[c] += forth_i[c] * back_j[c] + forth_j[c] * back_i[c]


@serial
def _fold(rows: Values, kept: Ints, d: int, sums: Floats) -> None:
    forth, back, step = np.empty((d, BLOCK)), np.empty((d, BLOCK)), np.empty(BLOCK)
    for first in range(0, rows.shape[2], BLOCK):
        last = min(first + BLOCK, rows.shape[2])
        n = last - first
        for b in kept:
            A, B, W = rows[b, 0, first:last], rows[b, 1, first:last], sums[0, first:last]
            _step(A, B, step)
            _add_square(step[:n], 1.0 / (d + 1), W)
            for i in range(d):
                AB, BA = rows[b, 2 + i, first:last], rows[b, 2 + d + i, first:last]
                _step(AB, A, forth[i])
                _step(BA, B, back[i])
                _step(BA, AB, step)
                _add_square(step[:n], 1.0 / (d + 1), W)
            pair = 1
            for i in range(d):
                for j in range(i + 1, d):
                    _add_products(forth[i], back[j], forth[j], back[i], sums[pair, first:last])
                    pair += 1


def fold(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Add bundles to W, D_12, D_13, .., D_23, ...; see `SecondOrder`.

    Parameters
    ----------
    rows : ndarray of float32 or float64, shape (n_bundles, 2 d + 2, n_cells)
        A, B, AB_1 .. AB_d, BA_1 .. BA_d; read-only and contiguous.
    kept : ndarray of int64
        Bundles to add.
    pivot : ndarray of float64, shape (n_cells,)
        Not used: differences do not change under a shift.
    sums : ndarray of float64, shape (1 + d (d - 1) / 2, n_cells)
        Added to in place.
    """
    del pivot
    _fold(rows, kept, (rows.shape[1] - 2) // 2, sums)
