"""The two parts of a statistic, open and closed, and what every statistic does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from parsl_sa.errors import BundleShapeError, MergeError
from parsl_sa.stats.compile import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from parsl_sa.records import Layout

OPEN, CLOSED, REPLICATES, SQUARES = range(4)
"""Places in ``counts``: bundles of the open part, bundles of the closed part, closed replicates that
have bundles, and the sum of the squares of their bundles."""


_ALL = slice(None)


class ReplicateStatistic:
    """Open part, closed part and counts; what stands in them is the subclass's.

    A subclass states its `name`, and implements `_open_identity`, `_closed_identity`, `_fold`,
    `_close`, `combine` and `result`.

    Parameters
    ----------
    layout : Layout
        Rows of a bundle.
    n_cells : int
        Cells to hold.
    pivot : ndarray of float64, shape (n_cells,), optional
        Shift of every cell, for statistics that need one; 0 where none is given.
    options : dict
        What else distinguishes two statistics of one class; merging asks for equality.

    Notes
    -----
    The closed part is allocated when it is first needed: clients only use the open part.
    """

    name: ClassVar[str] = ""
    aggregates: ClassVar[bool] = False
    takes_dtype: ClassVar[bool] = False

    def __init__(
        self, layout: Layout, n_cells: int, *, pivot: npt.NDArray[np.float64] | None, **options: object
    ) -> None:
        if pivot is not None and (pivot.shape != (n_cells,) or pivot.dtype != np.float64):
            raise BundleShapeError(f"pivot is {pivot.dtype} {pivot.shape}, expected float64 {(n_cells,)}")
        self.layout = layout
        self.n_cells = n_cells
        self.pivot = pivot
        self.options: dict[str, Any] = options
        self._open = self._filled(self._open_identity())
        self._closed_part: npt.NDArray[np.float64] | None = None
        self._counts = np.zeros(4, np.int64)

    # What a subclass says.

    def _open_identity(self) -> npt.NDArray[np.float64]:
        """Value of each row of an empty open part, shape (k,)."""
        raise NotImplementedError

    def _closed_identity(self) -> npt.NDArray[np.float64]:
        """Value of each row of an empty closed part, shape (m,)."""
        raise NotImplementedError

    def _fold(self, rows: npt.NDArray[Any], kept: npt.NDArray[np.int64]) -> None:
        """Add the bundles `kept` of `rows` to the open part."""
        raise NotImplementedError

    def _close(self, n_bundles: int) -> None:
        """Move the open part, of `n_bundles` bundles, into the closed part and empty it."""
        raise NotImplementedError

    @staticmethod
    def combine(into: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> None:
        """Merge the part `other` into `into`, in place."""
        raise NotImplementedError

    # What every statistic does.

    @property
    def looked_at(self) -> dict[str, int]:
        """Estimates whose history is worth keeping, with the parameters each is over (0: none)."""
        return {}

    def _filled(self, identity: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        part = np.zeros((len(identity), self.n_cells))  # zeros come from the kernel without being touched
        for row in np.flatnonzero(identity):
            part[row] = identity[row]
        return part

    @property
    def _closed(self) -> npt.NDArray[np.float64]:
        if self._closed_part is None:
            self._closed_part = self._filled(self._closed_identity())
        return self._closed_part

    @property
    def partial_rows(self) -> int:
        """Rows k of the open part."""
        return len(self._open)

    @property
    def n_bundles_open(self) -> int:
        """Bundles in the open part."""
        return int(self._counts[OPEN])

    @property
    def n_bundles(self) -> int:
        """Bundles in closed replicates."""
        return int(self._counts[CLOSED])

    @property
    def n_replicates(self) -> int:
        """Closed replicates that have bundles."""
        return int(self._counts[REPLICATES])

    def update(self, rows: npt.NDArray[Any], keep: npt.NDArray[np.bool_] | None = None) -> None:
        """Add bundles to the open part; see `Statistic.update`."""
        expected = (self.layout.n_rows, self.n_cells)
        if rows.ndim != 3 or rows.shape[1:] != expected:
            raise BundleShapeError(
                f"rows have shape {rows.shape}, expected (n_bundles, {expected[0]}, {expected[1]})"
            )
        if rows.dtype not in (np.float32, np.float64):
            raise BundleShapeError(f"rows are {rows.dtype}, expected float32 or float64")
        if keep is not None and keep.shape != rows.shape[:1]:
            raise BundleShapeError(f"keep has shape {keep.shape}, expected {rows.shape[:1]}")
        kept = np.arange(len(rows)) if keep is None else np.flatnonzero(keep)
        if len(kept):
            self._fold(frozen(rows), kept)
            self._counts[OPEN] += len(kept)

    def partial(self) -> npt.NDArray[np.float64]:
        """Return the open part itself (not a copy), shape (k, n_cells)."""
        return self._open

    def take_partial(self, room: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.float64]:
        """Hand the open part over and start an empty one, in `room` where that is given.

        Parameters
        ----------
        room : ndarray of float64, shape (k, n_cells), optional
            Memory of the new part; all 0 where it was never used.
        """
        identity = self._open_identity()
        taken, self._open = self._open, self._filled(identity) if room is None else room
        if room is not None:
            for row in np.flatnonzero(identity):
                room[row] = identity[row]
        self._counts[OPEN] = 0
        return taken

    def add_partial(self, partial: npt.NDArray[np.float64], n_bundles: int, cells: slice = _ALL) -> None:
        """Merge another open part, of `n_bundles` bundles, into this one.

        Parameters
        ----------
        partial : ndarray of float64, shape (k, n_cells), or (k, width of `cells`)
            Another open part.
        n_bundles : int
            Bundles in it that are not counted yet.
        cells : slice
            The stretch of cells that it is of.

        Raises
        ------
        MergeError
            If its shape or dtype is not that of the open part, or `n_bundles` is negative.
        """
        into = self._open[:, cells]
        if partial.shape != into.shape or partial.dtype != np.float64 or n_bundles < 0:
            raise MergeError(
                f"{self.name}: partial of {n_bundles} bundles is {partial.dtype} {partial.shape}, "
                f"expected float64 {into.shape}"
            )
        self.combine(into, partial)
        self._counts[OPEN] += n_bundles

    def count_open(self, n_bundles: int) -> None:
        """Count bundles of the open part that came by another way than `update` and `add_partial`."""
        self._counts[OPEN] += n_bundles

    def close_replicate(self) -> None:
        """Move the open part into the closed part.

        Notes
        -----
        A replicate all of whose bundles were dropped holds no information about the spread between
        replicates: it is not counted in L.
        """
        n_bundles = self.n_bundles_open
        if n_bundles:
            self._close(n_bundles)
            self._counts += np.array([-n_bundles, n_bundles, 1, n_bundles**2])

    def merge(self, other: Self) -> None:
        """Merge open part with open part and closed part with closed part; see `Statistic.merge`."""
        alike = (
            type(other) is type(self)
            and (other.layout, other.n_cells, other.options) == (self.layout, self.n_cells, self.options)
            and self._pivot_equals(other.pivot)
        )
        if not alike:
            raise MergeError(f"{self.name}: class, layout, cells, options and pivot must agree to merge")
        self.combine(self._open, other._open)
        if other._closed_part is not None:
            self.combine(self._closed, other._closed_part)
        self._counts += other._counts

    def _pivot_equals(self, pivot: npt.NDArray[np.float64] | None) -> bool:
        if self.pivot is None or pivot is None:
            return self.pivot is pivot
        return self.pivot is pivot or bool(np.array_equal(self.pivot, pivot, equal_nan=True))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the live arrays ``open``, ``closed`` and ``counts``; see `Statistic.state`."""
        return {"open": self._open, "closed": self._closed, "counts": self._counts}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replace everything by a copy of what `state` returned.

        Raises
        ------
        MergeError
            If an array is missing, or has another shape or dtype.
        """
        own = self.state()
        for key, array in own.items():
            given = state.get(key)
            if given is None or given.shape != array.shape or given.dtype != array.dtype:
                found = "missing" if given is None else f"{given.dtype} {given.shape}"
                raise MergeError(f"{self.name}.{key} is {found}, expected {array.dtype} {array.shape}")
        for key, array in own.items():
            array[...] = state[key]

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, npt.NDArray[Any]],
        layout: Layout,
        n_cells: int,
        **options: Any,
    ) -> Self:
        """Build a statistic from its constructor's arguments and what `state` returned."""
        statistic = cls(layout, n_cells, **options)
        statistic.load_state(state)
        return statistic

    def empty_like(self, n_cells: int) -> Self:
        """Return an empty statistic of the same layout and options over other cells, with pivot 0."""
        return type(self)(self.layout, n_cells, **self.options)

    def of_fields(self, size: npt.NDArray[np.float64]) -> Self:
        """Return an empty statistic over whole fields of the given sizes; see `aggregates.sizes`."""
        raise NotImplementedError(f"{self.name} has no sums over the cells of a field")

    def over(self, cells: slice) -> Self:
        """Return an empty statistic of the same options over a stretch of the cells, with their pivots."""
        pivot = None if self.pivot is None else self.pivot[cells]
        return type(self)(self.layout, len(range(*cells.indices(self.n_cells))), pivot=pivot, **self.options)

    def picked(self, cells: npt.NDArray[np.int64]) -> Self:
        """Return a statistic of the same options over some of the cells, with their closed parts."""
        pivot = None if self.pivot is None else self.pivot[cells]
        statistic = type(self)(self.layout, len(cells), pivot=pivot, **self.options)
        counts = self._counts.copy()
        counts[OPEN] = 0
        statistic.load_state(statistic.state() | {"closed": self._closed[:, cells], "counts": counts})
        return statistic

    def memory_bytes(self) -> int:
        """Bytes of both parts once they are allocated, whatever n."""
        return 8 * self.n_cells * (len(self._open) + len(self._closed_identity()))
