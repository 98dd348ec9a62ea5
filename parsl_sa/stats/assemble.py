"""From names and options to an accumulator, and from there to compiled kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.registry import resolve
from parsl_sa.stats.accumulator import Accumulator
from parsl_sa.stats.aggregates import Aggregates, sizes
from parsl_sa.stats.compile import FIELD_BLOCK, PARALLEL_SIZE
from parsl_sa.stats.finite import whole_bundles
from parsl_sa.stats.folding import rehearse_threads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.records import Layout, Plan
    from parsl_sa.stats.protocol import Statistic


def assemble(
    statistics: Sequence[str | Mapping[str, Any]],
    layout: Layout,
    n_cells: int,
    pivot: npt.NDArray[np.float64] | None = None,
    *,
    fields: Sequence[slice] = (),
    weights: npt.NDArray[np.float64] | None = None,
    scalars: Sequence[int] = (),
    dtype: str = "float64",
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
        Shift of every cell, near its mean; 0 where none is given. NaN masks a cell: it holds no numbers.
    fields : sequence of slice
        Runs of cells of which aggregated indices are formed too.
    weights : ndarray of float64, shape (n_cells,), optional
        Weight of every cell in its field, such as a volume; 1 where none is given.
    scalars : sequence of int
        Cells whose history of estimates is kept; that of fields is kept too.
    dtype : str
        dtype of the outputs: its spacing tells a small variance from rounding.

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
    1640
    """
    built = _built(statistics, layout, pivot if pivot is not None else np.zeros(n_cells), dtype)
    masked = None if pivot is None else np.isnan(pivot)
    counted = _weights(n_cells, weights, masked) if fields else None
    known = None if counted is None or pivot is None else sizes(fields, pivot, counted)
    return Accumulator(built, Aggregates(built, fields, counted, known), scalars, masked)


def for_plan(
    statistics: Sequence[str | Mapping[str, Any]],
    plan: Plan,
    pivots: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None = None,
    slab: slice | None = None,
) -> Accumulator:
    """Build the accumulator of a planned study, or that of a shard of it.

    Parameters
    ----------
    statistics : sequence of str or mapping
        As in `assemble`.
    plan : Plan
        Layout and cells; quantities with axes are the fields, the others the scalars.
    pivots, weights : ndarray of float64, shape (n_cells,)
        Of all cells.
    slab : slice, optional
        Cells of a shard; a shard is sent the sums over whole fields and cannot form them.
    """
    fields = [quantity.cells for quantity in plan.quantities if quantity.shape]
    scalars = [quantity.start for quantity in plan.quantities if not quantity.shape]
    if slab is None:
        return assemble(
            statistics,
            plan.layout,
            plan.n_cells,
            pivots,
            fields=fields,
            weights=weights,
            scalars=scalars,
            dtype=plan.dtype,
        )
    own = [cell - slab.start for cell in scalars if slab.start <= cell < slab.stop]
    known = sizes(fields, pivots, _weights(plan.n_cells, weights, np.isnan(pivots)))
    built = _built(statistics, plan.layout, pivots[slab], plan.dtype)
    return Accumulator(built, Aggregates(built, fields, None, known), own, np.isnan(pivots[slab]))


def _built(
    statistics: Sequence[str | Mapping[str, Any]],
    layout: Layout,
    pivot: npt.NDArray[np.float64],
    dtype: str,
) -> list[Statistic]:
    built: list[Statistic] = []
    for given in statistics:
        options = {"name": given} if isinstance(given, str) else dict(given)
        statistic = resolve("statistic", options.pop("name"))
        if statistic.takes_dtype:
            options["dtype"] = dtype
        built.append(statistic(layout, len(pivot), pivot=pivot, **options))
    return built


def _weights(
    n_cells: int,
    weights: npt.NDArray[np.float64] | None,
    masked: npt.NDArray[np.bool_] | None,
) -> npt.NDArray[np.float64]:
    """Return the weight of every cell, 0 where it is masked."""
    whole = np.ones(n_cells) if weights is None else weights.astype(np.float64)
    if masked is not None:
        whole[masked] = 0.0
    return whole


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
    _rehearse(accumulator, dtype, min(accumulator.n_cells, FIELD_BLOCK), 5)
    if accumulator.n_cells > FIELD_BLOCK:  # a batch may be large enough for threads
        n_cells = FIELD_BLOCK + 1
        _rehearse(accumulator, dtype, n_cells, PARALLEL_SIZE // (accumulator.layout.n_rows * n_cells) + 1)
    if accumulator.memory_bytes() >= PARALLEL_SIZE * 8:
        rehearse_threads()


def _rehearse(accumulator: Accumulator, dtype: str, n_cells: int, n_bundles: int) -> None:
    built = [statistic.empty_like(n_cells) for statistic in accumulator.statistics]
    fields = [slice(0, n_cells)] if accumulator.aggregates.fields else []
    rehearsal = Accumulator(built, Aggregates(built, fields, np.ones(n_cells)))
    rows = np.zeros((n_bundles, accumulator.layout.n_rows, n_cells), dtype)
    rehearsal.update(rows, whole_bundles(rows))
    rehearsal.add_partials(*rehearsal.take_partials())
    rehearsal.close_replicate()
    rehearsal.result()
