"""Repeats of a study as cells of one field: points scrambled for each repeat, rows, two functions."""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

BITS = 52


def scrambled(d: int, n: int, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Scrambled Sobol' points (n, repeats, d): random lower-triangular matrix and digital shift each.

    The first 2^k points have k binary digits, so the matrix has k columns: the image of digit j is a
    random number whose leading digit is j.
    """
    digits = n.bit_length() - 1
    plain = (qmc.Sobol(d, scramble=False).random(n) * n).astype(np.uint64)
    points = rng.integers(0, 1 << BITS, (repeats, d), np.uint64)[np.newaxis].repeat(n, axis=0)
    for j in range(digits):
        lead = np.uint64(1 << (BITS - 1 - j))
        column = (rng.integers(0, 1 << BITS, (repeats, d), np.uint64) % lead) | lead
        on = (plain >> np.uint64(digits - 1 - j)) & np.uint64(1)
        points ^= on[:, np.newaxis, :] * column
    return (points + 0.5) * 2.0**-BITS


def pick_freeze(points: np.ndarray, *, both_ways: bool) -> np.ndarray:
    """Rows (n, n_rows, ..., d) of a 2d-dimensional sequence (n, ..., 2d)."""
    A, B = np.split(points, 2, axis=-1)
    d = A.shape[-1]
    frozen = np.eye(d, dtype=bool)
    rows = [A, B, *(np.where(i, B, A) for i in frozen)]
    if both_ways:
        rows += [np.where(i, A, B) for i in frozen]
    return np.stack(rows, axis=1)


def ishigami(unit: np.ndarray) -> np.ndarray:
    x = np.pi * (2.0 * unit - 1.0)
    return np.sin(x[..., 0]) * (1.0 + 0.1 * x[..., 2] ** 4) + 7.0 * np.sin(x[..., 1]) ** 2


def g8(unit: np.ndarray) -> np.ndarray:
    a = np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0])
    return np.prod((np.abs(4.0 * unit - 2.0) + a) / (1.0 + a), axis=-1)
