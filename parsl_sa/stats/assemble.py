"""From names and options to an accumulator, and from there to compiled kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.registry import resolve
from parsl_sa.stats.accumulator import Accumulator
from parsl_sa.stats.compile import BLOCK, PARALLEL_SIZE
from parsl_sa.stats.folding import rehearse_threads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.records import Layout


def assemble(
    statistics: Sequence[str | Mapping[str, Any]],
    layout: Layout,
    n_cells: int,
    pivot: npt.NDArray[np.float64] | None = None,
) -> Accumulator:
    """Build the accumulator of named statistics.

    Parameters
    ----------
    statistics : sequence of str or mapping
        Each a name of the table of statistics, or ``{"name": ..., <options>}``.
    layout : Layout
        Rows of a bundle.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Shift of every cell, near its mean; 0 where none is given.

    Raises
    ------
    UnknownPluginError
        If a name is not in its table.
    LayoutError
        If a statistic cannot be had from this layout.
    ValueError
        If an option is out of range or a name comes twice.
    TypeError
        If an option is unknown.

    Examples
    --------
    >>> from parsl_sa.records import Layout
    >>> study = assemble(["moments", {"name": "sobol", "level": 0.9}], Layout("pick-freeze", 2), n_cells=5)
    >>> study.memory_bytes()
    1120
    """
    built = []
    for given in statistics:
        options = {"name": given} if isinstance(given, str) else dict(given)
        name = options.pop("name")
        built.append(resolve("statistic", name)(layout, n_cells, pivot=pivot, **options))
    return Accumulator(built)


def prewarm(accumulator: Accumulator, dtype: str) -> None:
    """Compile, or load from Numba's cache on disk, every kernel that an accumulator will run.

    Parameters
    ----------
    accumulator : Accumulator
        Only asked for its statistics and its size; not changed.
    dtype : str
        dtype of the rows to come, ``"float32"`` or ``"float64"``.

    Notes
    -----
    Call it before the first lease: a cold start compiles for some seconds, a warm one loads in a
    fraction of a second. Kernels are chosen by the number of cells, so a rehearsal runs with as many,
    up to the size from which nothing changes; threads start only for accumulators large enough
    to use them.
    """
    n_cells = min(accumulator.n_cells, BLOCK)
    rehearsal = Accumulator(statistic.empty_like(n_cells) for statistic in accumulator.statistics)
    rehearsal.update(np.zeros((2, accumulator.layout.n_rows, n_cells), dtype))
    rehearsal.add_partials(*rehearsal.take_partials())
    rehearsal.close_replicate()
    rehearsal.result()
    if accumulator.memory_bytes() >= PARALLEL_SIZE * 8:
        rehearse_threads()
