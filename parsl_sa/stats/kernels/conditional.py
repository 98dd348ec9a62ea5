"""Squared differences of a conditional design, with two rows a parameter."""

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
def _fold(rows: Values, kept: Ints, sums: Floats) -> None:
    d = (sums.shape[0] - 1) // 2
    for first in range(0, rows.shape[2], BLOCK):
        last = min(first + BLOCK, rows.shape[2])
        for b in kept:
            A, B = rows[b, 0, first:last], rows[b, 1, first:last]
            _add_square(A, B, sums[0, first:last])
            for i in range(d):
                _add_square(B, rows[b, 2 + i, first:last], sums[1 + i, first:last])
                _add_square(A, rows[b, 2 + d + i, first:last], sums[1 + d + i, first:last])


def fold(rows: Values, kept: Ints, pivot: Floats, sums: Floats) -> None:
    """Add bundles to Q, N_1 .. N_d, T_1 .. T_d.

    Parameters
    ----------
    rows : ndarray of float32 or float64, shape (n_bundles, 2 d + 2, n_cells)
        A, B, F_1 .. F_d, T_1 .. T_d; read-only and contiguous.
    kept : ndarray of int64
        Bundles to add.
    pivot : ndarray of float64, shape (n_cells,)
        Not used: differences do not change under a shift.
    sums : ndarray of float64, shape (2 d + 1, n_cells)
        Sums of (A - B)^2, (B - F_i)^2 and (A - T_i)^2; added to in place.
    """
    del pivot
    _fold(rows, kept, sums)
