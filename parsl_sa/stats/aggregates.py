"""Aggregated (generalised) indices of fields: sums over cells of what an estimator sums over bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.stats.compile import BLOCK, frozen, serial

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from parsl_sa.stats.protocol import Statistic

    Floats = npt.NDArray[np.float64]

STRIPES = 8
"""Sums that run side by side inside a block: a fixed order that still fills a processor's registers."""


@serial
def _add_over_cells(part: Floats, begin: int, weights: Floats, totals: Floats) -> None:
    stripes = np.empty(STRIPES)
    for first in range(0, weights.shape[0], BLOCK):
        last = min(first + BLOCK, weights.shape[0])
        whole = first + (last - first) // STRIPES * STRIPES
        for row in range(part.shape[0]):
            stripes[:] = 0.0
            for c in range(first, whole, STRIPES):
                for s in range(STRIPES):
                    # A cell of weight 0 may hold NaN, and 0 times NaN is NaN.
                    weight = weights[c + s]
                    stripes[s] += weight * part[row, begin + c + s] if weight != 0.0 else 0.0
            for c in range(whole, last):
                stripes[0] += weights[c] * part[row, begin + c] if weights[c] != 0.0 else 0.0
            total = 0.0
            for s in range(STRIPES):
                total += stripes[s]
            totals[row] += total


def add_over_cells(part: Floats, begin: int, weights: Floats, totals: Floats) -> None:
    """Add the weighted sum over a stretch of cells of every row of a part.

    Parameters
    ----------
    part : ndarray of float64, shape (k, n_cells)
        Open part of a statistic.
    begin : int
        First cell of the stretch, which begins a multiple of `BLOCK` cells behind the first one of its field.
    weights : ndarray of float64, shape (n,)
        Of the cells of the stretch; 0 leaves a cell out, whatever it holds.
    totals : ndarray of float64, shape (k,)
        Added to in place.

    Notes
    -----
    Blocks of cells are summed in their order, each in `STRIPES` interleaved sums: neither the cut into
    stretches nor threads reach the bits.

    Examples
    --------
    >>> totals = np.zeros(1)
    >>> add_over_cells(np.array([[9.0, 1.0, np.nan, 3.0]]), 1, np.array([1.0, 0.0, 2.0]), totals)
    >>> totals.tolist()
    [7.0]
    """
    _add_over_cells(frozen(part), begin, frozen(weights), totals)


def sizes(fields: Sequence[slice], pivots: Floats, weights: Floats) -> Floats:
    """Return what each field amounts to: the root of the weighted sum of its squared pivots.

    Parameters
    ----------
    fields : sequence of slice
        Cells of each field.
    pivots, weights : ndarray of float64, shape (n_cells,)
        Of all cells; a cell of weight 0 is left out, whatever its pivot.

    Examples
    --------
    >>> sizes([slice(0, 3)], np.array([3.0, 4.0, np.nan]), np.array([1.0, 1.0, 0.0])).tolist()
    [5.0]
    """
    squares = np.where(weights > 0.0, weights * pivots**2, 0.0)
    totals: Floats = np.array([squares[cells].sum() for cells in fields], np.float64)
    return np.sqrt(totals)


class Aggregates:
    """The statistics of whole fields: one cell a field, whose sums are sums over the field's cells.

    Parameters
    ----------
    statistics : sequence of Statistic
        Those of the cells; the ones that can be aggregated get a companion over the fields.
    fields : sequence of slice
        Cells of each field.
    weights : ndarray of float64, shape (n_cells,), optional
        Weight of every cell, 0 where it is masked. None where sums only arrive: a shard does not hold all
        cells of a field.
    sizes : ndarray of float64, shape (n_fields,), optional
        What each field amounts to, see `sizes`; 0 where none is given.

    Notes
    -----
    The aggregated index is the ratio of the sums over cells of numerator and denominator: for a first-order
    index sum V_i / sum V. Its interval comes from the replicates of these sums, since neither intervals
    of single cells nor shards know how the cells go together.

    References
    ----------
    .. [1] Gamboa, Janon, Klein, Lagnoux (2014), Electron. J. Stat. 8, 575-603. doi:10.1214/14-EJS895
    """

    def __init__(
        self,
        statistics: Sequence[Statistic],
        fields: Sequence[slice],
        weights: Floats | None,
        sizes: Floats | None = None,
    ) -> None:
        self.fields = tuple(fields)
        self.weights = weights
        self.sources = tuple(i for i, s in enumerate(statistics) if s.aggregates and self.fields)
        known = np.zeros(len(self.fields)) if sizes is None else sizes
        self.statistics = tuple(statistics[i].of_fields(known) for i in self.sources)

    def refill(self, parts: Sequence[Floats], n_bundles: int) -> None:
        """Replace the open parts by the sums over cells of the open parts of the cells' statistics.

        Parameters
        ----------
        parts : sequence of ndarray of float64, shape (k, n_cells)
            Of all statistics of the cells.
        n_bundles : int
            Bundles in them.
        """
        for source, statistic in zip(self.sources, self.statistics, strict=True):
            opened = statistic.partial()
            for index, cells in enumerate(self.fields):
                totals = np.zeros(len(opened))
                add_over_cells(parts[source], cells.start, self._weights()[cells], totals)
                opened[:, index] = totals
            statistic.count_open(n_bundles - statistic.n_bundles_open)

    def empty_parts(self) -> list[Floats]:
        """Return parts to add to with `add_stretch`."""
        return [np.zeros((s.partial_rows, s.n_cells)) for s in self.statistics]

    def add_stretch(self, into: Sequence[Floats], parts: Sequence[Floats], index: int, cells: slice) -> None:
        """Add the sums over a stretch of the cells of a field.

        Parameters
        ----------
        into : sequence of ndarray
            As `empty_parts` makes them.
        parts : sequence of ndarray of float64, shape (k, width of the stretch)
            Of all statistics of the cells.
        index : int
            Number of the field.
        cells : slice
            The stretch; stretches of a field come in order, and begin on its blocks.
        """
        for source, totals in zip(self.sources, into, strict=True):
            column = totals[:, index].copy()
            add_over_cells(parts[source], 0, self._weights()[cells], column)
            totals[:, index] = column

    def combine(self, into: Sequence[Floats], other: Sequence[Floats]) -> None:
        """Merge open parts `other` into `into`, in place."""
        for statistic, mine, theirs in zip(self.statistics, into, other, strict=True):
            statistic.combine(mine, theirs)

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return the indices of whole fields by name, (d, n_fields)."""
        results: dict[str, npt.NDArray[Any]] = {}
        for statistic in self.statistics:
            results.update(statistic.result())
        return results

    def _weights(self) -> Floats:
        if self.weights is None:
            raise RuntimeError("this accumulator holds a part of the cells: it cannot sum over a field")
        return self.weights
