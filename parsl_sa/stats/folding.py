"""Kernels that every statistic made of sums shares: adding an open part, closing a replicate.

Each has a serial and a parallel driver over the same block of cells; which one runs depends on the
size alone and does not reach the bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import prange

from parsl_sa.stats.compile import BLOCK, PARALLEL_SIZE, frozen, parallel, serial, threads_lock

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@serial
def _add(into: Floats, values: Floats) -> None:
    for c in range(into.shape[0]):
        into[c] += values[c]


@serial
def _add_and_clear(into: Floats, values: Floats) -> None:
    for c in range(into.shape[0]):
        into[c] += values[c]
        values[c] = 0.0


@serial
def _add_product(into: Floats, left: Floats, right: Floats) -> None:
    for c in range(into.shape[0]):
        into[c] += left[c] * right[c]


@serial
def _add_scaled(into: Floats, values: Floats, factor: float) -> None:
    for c in range(into.shape[0]):
        into[c] += values[c] * factor


@serial
def _close_block(opened: Floats, closed: Floats, pairs: Ints, count: float, first: int) -> None:
    k, last = opened.shape[0], min(first + BLOCK, opened.shape[1])
    for p in range(pairs.shape[0]):
        into, left = closed[k + p, first:last], opened[pairs[p, 0], first:last]
        if pairs[p, 1] == k:
            _add_scaled(into, left, count)
        else:
            _add_product(into, left, opened[pairs[p, 1], first:last])
    for row in range(k):
        _add_and_clear(closed[row, first:last], opened[row, first:last])


@serial
def _close_serial(opened: Floats, closed: Floats, pairs: Ints, count: float) -> None:
    for first in range(0, opened.shape[1], BLOCK):
        _close_block(opened, closed, pairs, count, first)


@parallel
def _close_parallel(opened: Floats, closed: Floats, pairs: Ints, count: float) -> None:
    for block in prange((opened.shape[1] + BLOCK - 1) // BLOCK):
        _close_block(opened, closed, pairs, count, block * BLOCK)


@serial
def _add_block(into: Floats, values: Floats, first: int) -> None:
    last = min(first + BLOCK, into.shape[1])
    for row in range(into.shape[0]):
        _add(into[row, first:last], values[row, first:last])


@serial
def _add_serial(into: Floats, values: Floats) -> None:
    for first in range(0, into.shape[1], BLOCK):
        _add_block(into, values, first)


@parallel
def _add_parallel(into: Floats, values: Floats) -> None:
    for block in prange((into.shape[1] + BLOCK - 1) // BLOCK):
        _add_block(into, values, block * BLOCK)


def close(opened: Floats, closed: Floats, pairs: Ints, count: float) -> None:
    """Add a replicate's totals and their products to the closed part and clear the open part.

    Parameters
    ----------
    opened : ndarray of float64, shape (k, n_cells), C-contiguous
        Totals of the replicate; set to 0.
    closed : ndarray of float64, shape (k + n_pairs, n_cells), C-contiguous
        Sums of totals, then sums of products of totals.
    pairs : ndarray of int64, shape (n_pairs, 2)
        Rows of `opened` to multiply; k in the second column stands for `count`.
    count : float
        Observations of the replicate.
    """
    if closed.size < PARALLEL_SIZE:
        _close_serial(opened, closed, pairs, count)
        return
    with threads_lock:
        _close_parallel(opened, closed, pairs, count)


def add(into: Floats, values: Floats) -> None:
    """Add `values` to `into`, element by element.

    Parameters
    ----------
    into : ndarray of float64, shape (k, n_cells), C-contiguous
        Changed in place.
    values : ndarray of float64, shape (k, n_cells)
        Copied first if it is not contiguous.
    """
    if into.size < PARALLEL_SIZE:
        _add_serial(into, frozen(values))
        return
    with threads_lock:
        _add_parallel(into, frozen(values))


def rehearse_threads() -> None:
    """Compile or load the drivers that only large arrays take, and start the threads."""
    opened, closed, pairs = np.zeros((1, 1)), np.zeros((2, 1)), np.zeros((1, 2), np.int64)
    with threads_lock:
        _close_parallel(opened, closed, pairs, 1.0)
        _add_parallel(opened, frozen(opened))
