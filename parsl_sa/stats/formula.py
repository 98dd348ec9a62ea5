"""Indices as smooth functions of sums, and their intervals from the replicates of these sums.

Every estimator of Sobol' indices is a function of some sums over bundles. Its interval needs its gradient and
the products of the sums' replicate totals, nothing else: one piece of code serves them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Evaluated = tuple[Floats, tuple[Floats, ...]]
    Function = Callable[..., Evaluated]

COUNT = -1
"""In place of a row: the number of bundles."""


@dataclass(frozen=True)
class Formula:
    """One index of every parameter, or of every pair of them.

    Parameters
    ----------
    index : str
        Its name in results, ``"S1"``.
    rows : tuple of ndarray of int64, shape (n,) or (1,)
        One an argument of the function: the row of its sum for each of n parameters or pairs, one row for all
        of them, or `COUNT`.
    function : callable
        Takes the sums, each (n, n_cells) or (1, n_cells); returns the index and its derivatives.

    Notes
    -----
    Functions are homogeneous of degree 0 in all their arguments: doubling the study changes no index. So the
    derivatives times the totals sum to 0, and the derivatives times the totals of one replicate are what that
    replicate moves the index by.
    """

    index: str
    rows: tuple[Ints, ...]
    function: Function

    def shifted(self, offset: int) -> Formula:
        """Return the formula over sums that begin `offset` rows further down."""
        rows = tuple(np.where(row == COUNT, COUNT, row + offset) for row in self.rows)
        return Formula(self.index, rows, self.function)

    def pairs(self, n_sums: int) -> set[tuple[int, int]]:
        """Return the products of totals that the interval needs; `n_sums` stands for the count."""
        wanted = set()
        for u, left in enumerate(self.rows):
            for right in self.rows[u:]:
                for i, j in np.broadcast(left, right):
                    a, b = (n_sums if row == COUNT else int(row) for row in (i, j))
                    wanted.add((min(a, b), max(a, b)))
        return wanted - {(n_sums, n_sums)}


def one(row: int) -> Ints:
    """Return an argument of a formula that is the same for all parameters."""
    return np.array([row], np.int64)


def many(first: int, n: int) -> Ints:
    """Return an argument of a formula that stands in n rows, one a parameter."""
    return np.arange(first, first + n, dtype=np.int64)


@dataclass(frozen=True)
class LinearRatio:
    """The function ``offset + (c_1 s_1 + c_2 s_2 + ...) / q`` of ``s_1, s_2, ..., q``.

    Examples
    --------
    >>> value, gradient = LinearRatio((-1.0,), offset=1.0)(np.array([1.0]), np.array([4.0]))
    >>> value.item(), [g.item() for g in gradient]
    (0.75, [-0.25, 0.0625])
    """

    coefficients: tuple[float, ...]
    offset: float = 0.0

    def __call__(self, *sums: Floats) -> Evaluated:
        """Return the value and its derivatives."""
        *parts, q = sums
        ratio = _combined(self.coefficients, parts) / q
        return self.offset + ratio, (*(c / q for c in self.coefficients), -ratio / q)


@dataclass(frozen=True)
class OverPooledVariance:
    """The function ``offset + (c_1 s_1 + ...) / (n V)`` of ``s_1, ..., s, s2, n``.

    V is the variance of the first `rows` rows of all bundles together. The last three arguments are the sums
    over these rows of y and y^2, and the number of bundles.
    """

    coefficients: tuple[float, ...]
    offset: float = 0.0
    rows: int = 2

    def __call__(self, *sums: Floats) -> Evaluated:
        """Return the value and its derivatives."""
        *parts, s, s2, n = sums
        mean = s / (self.rows * n)
        spread = s2 / self.rows - n * mean * mean  # n V
        ratio = _combined(self.coefficients, parts) / spread
        slope = -ratio / spread
        own = (c / spread for c in self.coefficients)
        return self.offset + ratio, (
            *own,
            slope * mean * (-2.0 / self.rows),
            slope / self.rows,
            slope * mean * mean,
        )


@dataclass(frozen=True)
class Correlation:
    """The function ``offset + sign r`` of ``xy, x, x2, y, y2, n``: Pearson's correlation of two columns."""

    sign: float = 1.0
    offset: float = 0.0

    def __call__(self, *sums: Floats) -> Evaluated:
        """Return the value and its derivatives."""
        xy, x, x2, y, y2, n = sums
        mx, my = x / n, y / n
        covariance, vx, vy = xy - n * mx * my, x2 - n * mx * mx, y2 - n * my * my
        scale = self.sign / np.sqrt(vx * vy)
        r = covariance * scale
        hx, hy = r / (2.0 * vx), r / (2.0 * vy)
        to_n = mx * my * scale - mx * mx * hx - my * my * hy
        return self.offset + r, (
            scale,
            2.0 * mx * hx - my * scale,
            -hx,
            2.0 * my * hy - mx * scale,
            -hy,
            to_n,
        )


@dataclass(frozen=True)
class SymmetricCorrelation:
    """The function ``offset + sign r`` of ``xy, x, x2, y, y2, n``, both columns sharing mean and variance."""

    sign: float = 1.0
    offset: float = 0.0

    def __call__(self, *sums: Floats) -> Evaluated:
        """Return the value and its derivatives."""
        xy, x, x2, y, y2, n = sums
        mean = (x + y) / (2.0 * n)
        spread = (x2 + y2) / 2.0 - n * mean * mean
        r = self.sign * (xy - n * mean * mean) / spread
        to_mean, to_square = (r - self.sign) * mean / spread, -r / (2.0 * spread)
        return self.offset + r, (
            self.sign / spread, to_mean, to_square, to_mean, to_square, -to_mean * mean
        )  # fmt: skip


def _combined(coefficients: Sequence[float], parts: Sequence[Floats]) -> Floats:
    return sum((c * part for c, part in zip(coefficients, parts, strict=True)), np.zeros(1))


def scatter(gradient: Sequence[Floats], product: Callable[[int, int], Floats], into: Floats) -> Floats:
    """Sum over replicates of the squares of what each moves an index by.

    Parameters
    ----------
    gradient : sequence of ndarray of float64
        Derivatives, as a `Formula` returns them.
    product : callable
        (u, v) -> sum over replicates of total u times total v, u <= v.
    into : ndarray of float64
        Of the index's shape, 0; added to.
    """
    for u, left in enumerate(gradient):
        for v in range(u, len(gradient)):
            into += (1.0 if u == v else 2.0) * left * gradient[v] * product(u, v)
    return into
