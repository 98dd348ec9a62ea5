"""Means over blocks of cells, for pictures of fields with more cells than a picture has points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def block_size(length: int, most: int) -> int:
    """Return how many cells a block needs so that at most so many blocks are left.

    Examples
    --------
    >>> block_size(1000, 256), block_size(32, 256)
    (4, 1)
    """
    return -(-length // most)


def starts(length: int, size: int) -> npt.NDArray[np.intp]:
    """Return the first cell of every block; the last block may be smaller.

    Examples
    --------
    >>> starts(10, 4)
    array([0, 4, 8])
    """
    return np.arange(0, length, size)


def block_means(values: npt.NDArray[Any], sizes: Sequence[int]) -> Floats:
    """Take the mean of the finite cells of every block.

    Parameters
    ----------
    values : ndarray of float, one axis for each of `sizes`
        What is not finite is left out of the means.
    sizes : sequence of int
        Cells a block along each axis.

    Returns
    -------
    ndarray of float64
        NaN where a block has no finite cell.

    Examples
    --------
    >>> block_means(np.array([1.0, 3.0, np.nan, 5.0, np.nan]), [2])
    array([ 2.,  5., nan])
    """
    finite = np.isfinite(values)
    total = _sums(np.where(finite, values, 0.0), sizes)
    count = _sums(finite.astype(np.float64), sizes)
    means: Floats = np.full(total.shape, np.nan)
    np.divide(total, count, out=means, where=count > 0.0)
    return means


def block_all(flags: npt.NDArray[np.bool_], sizes: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Tell for every block whether a flag holds in all of its cells.

    Examples
    --------
    >>> block_all(np.array([True, True, True, False, True]), [2])
    array([ True, False,  True])
    """
    outside = _sums((~flags).astype(np.float64), sizes)
    return np.asarray(outside == 0.0, dtype=np.bool_)


def _sums(values: Floats, sizes: Sequence[int]) -> Floats:
    for axis, size in enumerate(sizes):
        if size > 1:
            values = np.add.reduceat(values, starts(values.shape[axis], size), axis=axis)
    return values
