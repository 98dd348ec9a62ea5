"""What a client sends of a lease: merged sums, or the rows themselves, whichever is smaller."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import BundleShapeError
from parsl_sa.stats.compile import BLOCK
from parsl_sa.stats.tree import LaneTree, merge_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from parsl_sa.records import Plan
    from parsl_sa.stats.accumulator import Accumulator

    Floats = npt.NDArray[np.float64]
    Keep = npt.NDArray[np.bool_]

PARTIAL, ROWS = "partial", "rows"

STRETCH = 64 * BLOCK
"""Cells that rows are folded for at a time: scratch memory stays small, whatever the field."""


@dataclass(frozen=True)
class Form:
    """How the contributions of a study lie in memory, and how they are folded.

    Parameters
    ----------
    kind : str
        ``"partial"``: the open parts of a lease. ``"rows"``: those of whole fields, then the outputs.
    shapes : tuple of tuple of int
        Shape of each array; the small ones of whole fields come first.
    dtypes : tuple of str
        dtype of each.
    lanes : int
        Lanes of a lease.

    Notes
    -----
    The client that sends sums and the shard that is sent rows add the same numbers in the same order: lane by
    lane, bundle by bundle, and the lanes in one tree. So both kinds give the same bits.
    """

    kind: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    lanes: int

    @classmethod
    def of(cls, plan: Plan, accumulator: Accumulator) -> Form:
        """Return the form of a frozen plan, for all cells or those of a shard."""
        return cls.make(plan.contribution, accumulator, plan.lease_bundles, plan.lanes, plan.dtype)

    @classmethod
    def make(cls, kind: str, accumulator: Accumulator, lease_bundles: int, lanes: int, dtype: str) -> Form:
        """Return the form of a kind for an accumulator's cells."""
        parts = accumulator.partial_shapes()
        if kind == PARTIAL:
            return cls(kind, tuple(parts), ("float64",) * len(parts), lanes)
        small = parts[: len(accumulator.aggregates.statistics)]
        rows = (lease_bundles, accumulator.layout.n_rows, accumulator.n_cells)
        return cls(kind, (*small, rows), (*("float64",) * len(small), dtype), lanes)

    @classmethod
    def smaller(cls, accumulator: Accumulator, lease_bundles: int, lanes: int, dtype: str) -> Form:
        """Return the form of fewer bytes; sums where both are alike.

        Examples
        --------
        >>> from parsl_sa.records import Layout
        >>> from parsl_sa.stats import assemble
        >>> study = assemble(["sobol"], Layout("pick-freeze", 6), n_cells=1000)
        >>> [Form.smaller(study, bundles, 1, "float32").kind for bundles in (1, 2, 4)]
        ['rows', 'rows', 'partial']
        """
        forms = [cls.make(kind, accumulator, lease_bundles, lanes, dtype) for kind in (PARTIAL, ROWS)]
        return min(forms, key=lambda form: form.size_bytes)

    @property
    def size_bytes(self) -> int:
        """Bytes of a contribution."""
        return sum(self._sizes())

    def empty(self) -> npt.NDArray[np.uint8]:
        """Return room for a contribution."""
        return np.empty(self.size_bytes, np.uint8)

    def arrays(self, buffer: npt.NDArray[np.uint8]) -> list[npt.NDArray[Any]]:
        """Return the arrays of a contribution, as views of its bytes.

        Raises
        ------
        BundleShapeError
            If it has another size.
        """
        if buffer.nbytes != self.size_bytes:
            raise BundleShapeError(f"a contribution has {buffer.nbytes} bytes, expected {self.size_bytes}")
        edges = np.cumsum([0, *self._sizes()])
        return [
            buffer[begin:end].view(dtype).reshape(shape)
            for shape, dtype, begin, end in zip(self.shapes, self.dtypes, edges[:-1], edges[1:], strict=True)
        ]

    def fold(self, accumulator: Accumulator, buffer: npt.NDArray[np.uint8], keep: Keep) -> None:
        """Fold a contribution into the open replicate.

        Parameters
        ----------
        accumulator : Accumulator
            Of the cells that the contribution is of.
        buffer : ndarray of uint8
            Its bytes.
        keep : ndarray of bool, shape (lease_bundles,)
            Which bundles of the lease are in it.
        """
        arrays = self.arrays(buffer)
        if self.kind == PARTIAL:
            accumulator.add_partials(arrays, int(keep.sum()))
        else:
            add_rows(accumulator, arrays[-1], keep, self.lanes, arrays[:-1])

    def _sizes(self) -> list[int]:
        return [
            prod(shape) * np.dtype(dtype).itemsize
            for shape, dtype in zip(self.shapes, self.dtypes, strict=True)
        ]


def add_rows(
    accumulator: Accumulator, rows: npt.NDArray[Any], keep: Keep, lanes: int, fields: Sequence[Floats]
) -> None:
    """Fold the rows of a whole lease with the bits that its sums would have given.

    Parameters
    ----------
    accumulator : Accumulator
        Whose open replicate they are added to.
    rows : ndarray of float32 or float64, shape (lease_bundles, n_rows, n_cells)
        Outputs in bundle order.
    keep : ndarray of bool, shape (lease_bundles,)
        Which bundles count.
    lanes : int
        Lanes of the lease.
    fields : sequence of ndarray of float64
        Open parts of whole fields, as the client has summed them.
    """
    n_bundles = int(keep.sum())
    for first in range(0, accumulator.n_cells, STRETCH):
        cells = slice(first, min(first + STRETCH, accumulator.n_cells))
        scratch = accumulator.over(cells)
        tree = LaneTree(scratch.combine_partials, scratch.give_back)
        for lane, (part, kept) in enumerate(zip(np.split(rows, lanes), np.split(keep, lanes), strict=True)):
            scratch.update(part[:, :, cells], kept)
            tree.push(lane, *scratch.take_partials())
        root = merge_nodes(tree.nodes, lanes, scratch.combine_partials)
        for statistic, partial in zip(accumulator.statistics, root.partials, strict=True):
            statistic.add_partial(partial, 0, cells)
    for statistic in accumulator.statistics:
        statistic.count_open(n_bundles)
    for statistic, partial in zip(accumulator.aggregates.statistics, fields, strict=True):
        statistic.add_partial(partial, n_bundles)


def sum_fields(accumulator: Accumulator, rows: npt.NDArray[Any], keep: Keep) -> list[Floats]:
    """Return the open parts of whole fields of some bundles, in little memory.

    Parameters
    ----------
    accumulator : Accumulator
        Knows fields and weights; not changed.
    rows : ndarray of float32 or float64, shape (n_bundles, n_rows, n_cells)
        Outputs of the bundles of a lane.
    keep : ndarray of bool, shape (n_bundles,)
        Which bundles count.

    Notes
    -----
    Has the bits of the parts that `Accumulator.take_partials` hands over after `update` with these rows.
    """
    aggregates = accumulator.aggregates
    totals = aggregates.empty_parts()
    for index, field in enumerate(aggregates.fields if totals else ()):
        for first in range(field.start, field.stop, STRETCH):
            cells = slice(first, min(first + STRETCH, field.stop))
            scratch = accumulator.over(cells)
            scratch.update(rows[:, :, cells], keep)
            aggregates.add_stretch(totals, scratch.partials(), index, cells)
    return totals
