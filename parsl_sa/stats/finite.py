"""Which bundles are whole: finite in every cell that is not masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.stats.compile import BLOCK, frozen, serial

if TYPE_CHECKING:
    import numpy.typing as npt


@serial
def _find_whole(rows: npt.NDArray[Any], counted: npt.NDArray[np.uint8], whole: npt.NDArray[np.bool_]) -> None:
    for b in range(rows.shape[0]):
        bad = np.uint8(0)
        for r in range(rows.shape[1]):
            for first in range(0, rows.shape[2], BLOCK):
                values, use = rows[b, r, first : first + BLOCK], counted[first : first + BLOCK]
                for c in range(values.shape[0]):
                    # A finite value less itself is 0, any other gives NaN; without a branch it vectorises.
                    bad |= np.uint8(values[c] - values[c] != 0.0) & use[c]
                if bad:
                    break
            if bad:
                break
        whole[b] = bad == 0


def whole_bundles(
    rows: npt.NDArray[Any], masked: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.bool_]:
    """Tell which bundles are finite in every row and every cell that is not masked.

    Parameters
    ----------
    rows : ndarray of float32 or float64, shape (n_bundles, n_rows, n_cells)
        Outputs.
    masked : ndarray of bool, shape (n_cells,), optional
        Cells that may hold anything.

    Returns
    -------
    ndarray of bool, shape (n_bundles,)

    Examples
    --------
    >>> rows = np.array([[[1.0, np.nan]], [[np.inf, np.nan]]])
    >>> whole_bundles(rows).tolist(), whole_bundles(rows, np.array([False, True])).tolist()
    ([False, False], [True, False])
    """
    counted = np.ones(rows.shape[2], np.uint8) if masked is None else (~masked).view(np.uint8)
    whole = np.empty(len(rows), np.bool_)
    _find_whole(frozen(rows), frozen(counted), whole)
    return whole
