"""What a statistic is: the contract that `tests/contracts/test_statistics.py` asks of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from parsl_sa.records import Layout


class Statistic(Protocol):
    """A statistic folded in one pass, in two parts.

    The *open* part holds the sums of the replicate that is being filled; partial sums of it travel
    and add up. The *closed* part holds sums over closed replicates, and results come from it alone.
    Both have the cell axis last, and each cell's arithmetic is its own: folding a slice of the
    cells gives the bits of the same slice of all cells.

    Attributes
    ----------
    name : str
        Name in the plug-in table, and the prefix of its arrays in a flat state.
    layout : Layout
        Rows of a bundle.
    n_cells : int
        Cells it holds.
    partial_rows : int
        k, the rows of its open part.
    aggregates : bool
        Whether sums over cells of its open part mean something: an index of the whole field.
    takes_dtype : bool
        Whether its constructor takes the ``dtype`` of the outputs.
    """

    name: ClassVar[str]
    aggregates: ClassVar[bool]
    takes_dtype: ClassVar[bool]
    layout: Layout
    n_cells: int

    @property
    def partial_rows(self) -> int:
        """Rows k of the open part."""
        ...

    @property
    def n_bundles_open(self) -> int:
        """Bundles in the open part."""
        ...

    @property
    def n_bundles(self) -> int:
        """Bundles in closed replicates."""
        ...

    @property
    def n_replicates(self) -> int:
        """Closed replicates that have bundles."""
        ...

    def update(self, rows: npt.NDArray[Any], keep: npt.NDArray[np.bool_] | None = None) -> None:
        """Add bundles to the open part.

        Parameters
        ----------
        rows : ndarray of float32 or float64, shape (n_bundles, layout.n_rows, n_cells)
            Output values in bundle order.
        keep : ndarray of bool, shape (n_bundles,), optional
            Bundles that are False are left out whole, whatever their rows hold.

        Raises
        ------
        BundleShapeError
            If a shape or dtype is not as stated.
        """
        ...

    def partial(self) -> npt.NDArray[np.float64]:
        """Return the open part itself (not a copy), shape (k, n_cells)."""
        ...

    @property
    def looked_at(self) -> dict[str, int]:
        """Estimates whose history is worth keeping, with the parameters each is over (0: none)."""
        ...

    def take_partial(self, room: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.float64]:
        """Hand the open part over and start an empty one, in the zeroed memory `room` if given."""
        ...

    def add_partial(self, partial: npt.NDArray[np.float64], n_bundles: int, cells: slice = ...) -> None:
        """Merge another open part, or a stretch of its cells, with `n_bundles` bundles into this one."""
        ...

    def count_open(self, n_bundles: int) -> None:
        """Count bundles of the open part that came by another way than `update` and `add_partial`."""
        ...

    @staticmethod
    def combine(into: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> None:
        """Merge the open part `other` into `into`, in place; any slice of the cells will do."""
        ...

    def close_replicate(self) -> None:
        """Move the open part into the closed part. An empty replicate is not counted."""
        ...

    def merge(self, other: Any) -> None:
        """Merge another statistic of the same options: open with open, closed with closed.

        Raises
        ------
        MergeError
            If class, layout, options, pivot or cells differ.
        """
        ...

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as arrays: ``open`` and ``closed`` (cell axis last) and ``counts``.

        The arrays are the live ones: copy or write them before the next fold.
        """
        ...

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replace everything by a copy of what `state` returned."""
        ...

    @classmethod
    def from_state(
        cls, state: Mapping[str, npt.NDArray[Any]], layout: Layout, n_cells: int, **options: Any
    ) -> Self:
        """Build a statistic from its constructor's arguments and what `state` returned."""
        ...

    def empty_like(self, n_cells: int) -> Self:
        """Return an empty statistic of the same layout and options over other cells, with pivot 0."""
        ...

    def of_fields(self, size: npt.NDArray[np.float64]) -> Self:
        """Return an empty statistic over whole fields of the given sizes; see `aggregates.sizes`."""
        ...

    def over(self, cells: slice) -> Self:
        """Return an empty statistic of the same options over a stretch of the cells, with their pivots."""
        ...

    def picked(self, cells: npt.NDArray[np.int64]) -> Self:
        """Return a statistic of the same options over some of the cells, with their closed parts."""
        ...

    def memory_bytes(self) -> int:
        """Bytes of both parts once they are allocated, whatever n."""
        ...

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return estimates over closed replicates, each (n_cells,) or (d, n_cells)."""
        ...
