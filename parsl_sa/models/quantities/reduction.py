"""Reduce a field over some of its axes, every row by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def _norm(flat: Floats) -> Floats:
    """Divide by the largest before squaring, which might overflow."""
    largest = np.abs(flat).max(axis=-1, keepdims=True)
    scale = np.where((largest > 0.0) & np.isfinite(largest), largest, 1.0)
    total: Floats = scale[..., 0] * np.sqrt(np.square(flat / scale).sum(axis=-1))
    return total


REDUCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "mean": lambda flat: flat.mean(axis=-1),
    "sum": lambda flat: flat.sum(axis=-1),
    "max": lambda flat: flat.max(axis=-1),
    "min": lambda flat: flat.min(axis=-1),
    "norm": _norm,
    "std": lambda flat: flat.std(axis=-1),
}


def reduced(array: npt.NDArray[Any], kind: str, axes: Sequence[int]) -> Floats:
    """Reduce axes behind the batch.

    Parameters
    ----------
    array : ndarray, shape (batch, ...)
        A field.
    kind : str
        ``"mean"``, ``"sum"``, ``"max"``, ``"min"``, ``"norm"`` (Euclidean) or ``"std"`` (of all there are,
        divided by their number).
    axes : sequence of int
        Axes counted from the first behind the batch.

    Returns
    -------
    ndarray of float64
        Without those axes; NaN where an entry is NaN.

    Notes
    -----
    The entries of a row are laid out one after the other before they are summed, so that its last bits do
    not depend on the batch it is in.

    Examples
    --------
    >>> reduced(np.array([[3.0, 4.0], [0.0, 1.0]]), "norm", [0])
    array([5., 1.])
    """
    gone = [axis + 1 for axis in axes]
    kept = [axis for axis in range(array.ndim) if axis not in gone]
    ordered = np.ascontiguousarray(array.transpose(*kept, *gone), np.float64)
    shape = tuple(array.shape[axis] for axis in kept)
    with np.errstate(all="ignore"):
        return REDUCTIONS[kind](ordered.reshape(*shape, -1))
