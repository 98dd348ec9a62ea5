"""What the probed outputs already tell of a study: warnings, before the first lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.stats import NEAR_ROUNDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from parsl_sa.records import Quantity
    from parsl_sa.spec import StudySpec

_CELLS_AT_ONCE = 1 << 16


def cautions(
    spec: StudySpec, outputs: npt.NDArray[Any], quantities: Sequence[Quantity], n_rows: int
) -> Iterator[str]:
    """Tell of outputs that were not finite for some inputs, and of those that do not vary, or hardly.

    Parameters
    ----------
    spec : StudySpec
        The study.
    outputs : ndarray of float32 or float64, shape (n_probed, n_cells)
        Of the probed rows.
    quantities : sequence of Quantity
        The cells.
    n_rows : int
        Rows of a bundle, which is dropped whole.
    """
    for index, quantity in enumerate(quantities):
        place, own = f"outputs[{index}]: '{quantity.name}'", outputs[:, quantity.cells]
        yield from _not_finite(place, own, n_rows, spec.stop.max_dropped_fraction)
        yield from _close_to_rounding(place, own)
        yield from _constant(place, own)


def _not_finite(place: str, outputs: npt.NDArray[Any], n_rows: int, allowed: float) -> Iterator[str]:
    finite = np.isfinite(outputs)
    faulty = int((~(finite | ~finite.any(axis=0)).all(axis=1)).sum())
    dropped = 1 - (1 - faulty / len(outputs)) ** n_rows
    if faulty:
        yield (
            f"{place} is not finite for {faulty} of {len(outputs)} probed "
            f"inputs, so about {100 * dropped:.0f} % of the bundles will be dropped; above "
            f"{100 * allowed:.3g} % (stop.max_dropped_fraction) the study fails. "
            "Check the ranges of the inputs"
        )


def _close_to_rounding(place: str, outputs: npt.NDArray[Any]) -> Iterator[str]:
    n_cells = outputs.shape[1]
    close = sum(
        _n_close(outputs[:, first : first + _CELLS_AT_ONCE]) for first in range(0, n_cells, _CELLS_AT_ONCE)
    )
    if close:
        where = f" in {close:,} of {n_cells:,} cells" if n_cells > 1 else ""
        yield (
            f"{place} varies by less than {NEAR_ROUNDING:g} spacings of {outputs.dtype}{where}: rounding "
            "will reach its indices. Have the model return float64, or the change against a reference"
        )


def _constant(place: str, outputs: npt.NDArray[Any]) -> Iterator[str]:
    if len(outputs) > 1 and all(np.array_equal(row, outputs[0], equal_nan=True) for row in outputs[1:]):
        yield (
            f"{place} is the same for all {len(outputs)} probed inputs; unless others change it, its indices "
            "are undefined (NaN) and its effects 0. Check that it is the output you mean"
        )


def _n_close(outputs: npt.NDArray[Any]) -> int:
    """Count the cells that vary, but by so little."""
    values = outputs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        smallest = NEAR_ROUNDING * np.finfo(outputs.dtype).eps * np.abs(values.mean(axis=0))
        spread = values.std(axis=0)
        return int(((spread > 0.0) & (spread < smallest)).sum())
