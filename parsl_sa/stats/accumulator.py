"""All the statistics of a study, folded together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import MergeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.stats.protocol import Statistic

    Parts = Sequence[npt.NDArray[np.float64]]


class Accumulator:
    """All the statistics of a study over one set of cells, with the verbs of one statistic.

    Parameters
    ----------
    statistics : iterable of Statistic
        At least one; of one layout and one number of cells, no two of one name. `assemble` builds
        them from names and options.

    Raises
    ------
    ValueError
        If there is none, a name comes twice, or layouts or cells differ.

    Notes
    -----
    Results count whole closed replicates. A replicate is a power-of-two number of bundles with a
    scrambling of its own, and intervals come from the spread between replicates: NaN below 8.

    Examples
    --------
    The indices of the Ishigami function, by hand: 16 replicates of 256 bundles of random points.

    >>> import numpy as np
    >>> from parsl_sa.records import Layout
    >>> from parsl_sa.stats import assemble
    >>> def ishigami(x):
    ...     return np.sin(x[..., 0]) * (1 + 0.1 * x[..., 2] ** 4) + 7 * np.sin(x[..., 1]) ** 2
    >>> rng = np.random.default_rng(0)
    >>> study = assemble(["moments", {"name": "sobol"}], Layout("pick-freeze", d=3), n_cells=1)
    >>> for replicate in range(16):
    ...     A, B = rng.uniform(-np.pi, np.pi, (2, 256, 3))
    ...     mixed = [np.where(np.arange(3) == i, B, A) for i in range(3)]  # AB_1, AB_2, AB_3
    ...     bundles = np.stack([A, B, *mixed], axis=1)
    ...     study.update(ishigami(bundles)[..., np.newaxis])
    ...     study.close_replicate()
    >>> result = study.result()
    >>> study.n_replicates, study.n_bundles
    (16, 4096)
    >>> exact = np.array([0.3139, 0.4424, 0.0])
    >>> bool(np.all(np.abs(result["S1"][:, 0] - exact) < result["S1_conf"][:, 0]))
    True
    >>> bool(np.all(result["S1_conf"] < 0.06))
    True
    """

    def __init__(self, statistics: Iterable[Statistic]) -> None:
        self.statistics = tuple(statistics)
        names = [statistic.name for statistic in self.statistics]
        if not names:
            raise ValueError("an accumulator needs at least one statistic")
        if len(set(names)) < len(names):
            raise ValueError(f"a statistic is named twice: {', '.join(names)}")
        self.layout, self.n_cells = self.statistics[0].layout, self.statistics[0].n_cells
        if any((s.layout, s.n_cells) != (self.layout, self.n_cells) for s in self.statistics):
            raise ValueError("the statistics of an accumulator must share layout and cells")

    @property
    def n_bundles_open(self) -> int:
        """Bundles in the replicate that is being filled."""
        return self.statistics[0].n_bundles_open

    @property
    def n_bundles(self) -> int:
        """Bundles in closed replicates."""
        return self.statistics[0].n_bundles

    @property
    def n_replicates(self) -> int:
        """Closed replicates that have bundles."""
        return self.statistics[0].n_replicates

    def update(self, rows: npt.NDArray[Any], keep: npt.NDArray[np.bool_] | None = None) -> None:
        """Add bundles to the open replicate.

        Parameters
        ----------
        rows : ndarray of float32 or float64, shape (n_bundles, layout.n_rows, n_cells)
            Output values in bundle order, C-contiguous (else copied).
        keep : ndarray of bool, shape (n_bundles,), optional
            Bundles that are False are left out whole, whatever their rows hold.

        Raises
        ------
        BundleShapeError
            If a shape or dtype is not as stated.
        """
        for statistic in self.statistics:
            statistic.update(rows, keep)

    def partials(self) -> list[npt.NDArray[np.float64]]:
        """Return the open parts themselves (not copies), in the order of the statistics."""
        return [statistic.partial() for statistic in self.statistics]

    def take_partials(self) -> tuple[list[npt.NDArray[np.float64]], int]:
        """Hand over the open parts and their number of bundles, and start empty ones."""
        n_bundles = self.n_bundles_open
        return [statistic.take_partial() for statistic in self.statistics], n_bundles

    def partial_shapes(self, n_cells: int | None = None) -> list[tuple[int, np.dtype[np.float64]]]:  # noqa: ARG002 - kept for statistics whose rows depend on the cells
        """Return rows k and dtype of each open part; its shape is (k, n_cells)."""
        return [(statistic.partial_rows, np.dtype(np.float64)) for statistic in self.statistics]

    def combine_partials(self, into: Parts, other: Parts) -> None:
        """Merge the open parts `other` into `into`, in place.

        Parameters
        ----------
        into, other : sequence of ndarray of float64, shape (k, any)
            One part a statistic, whole or the same slice of the cells. Nothing else of the
            accumulator is read or changed.
        """
        for statistic, mine, theirs in zip(self.statistics, into, other, strict=True):
            statistic.combine(mine, theirs)

    def add_partials(self, partials: Parts, n_bundles: int) -> None:
        """Merge open parts of `n_bundles` bundles into the open replicate.

        Raises
        ------
        MergeError
            If their number, a shape or a dtype is wrong; nothing is changed then.
        """
        expected = [(k, self.n_cells) for k, _ in self.partial_shapes()]
        found = [part.shape for part in partials]
        if found != expected or any(part.dtype != np.float64 for part in partials) or n_bundles < 0:
            raise MergeError(
                f"partials of {n_bundles} bundles have shapes {found}, expected {expected}, float64"
            )
        for statistic, partial in zip(self.statistics, partials, strict=True):
            statistic.add_partial(partial, n_bundles)

    def close_replicate(self) -> None:
        """Close the open replicate: from here on results count it, if it has any bundle."""
        for statistic in self.statistics:
            statistic.close_replicate()

    def merge(self, other: Accumulator) -> None:
        """Merge another accumulator of the same statistics, open with open, closed with closed.

        Raises
        ------
        MergeError
            If the statistics or their options, layout, pivot or cells differ.
        """
        if [s.name for s in self.statistics] != [s.name for s in other.statistics]:
            raise MergeError("the accumulators have different statistics")
        for statistic, theirs in zip(self.statistics, other.statistics, strict=True):
            statistic.merge(theirs)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as one flat dict of live arrays: copy or write them before the next fold.

        Returns
        -------
        dict of str to ndarray
            ``"<name>.open"`` and ``"<name>.closed"`` of float64 with the cell axis last, and
            ``"<name>.counts"`` of int64.
        """
        return {
            f"{statistic.name}.{key}": array
            for statistic in self.statistics
            for key, array in statistic.state().items()
        }

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replace everything by a copy of what `state` returned.

        Raises
        ------
        MergeError
            If an array is missing or unknown, or has another shape or dtype.
        """
        unknown = set(state) - set(self.state())
        if unknown:
            raise MergeError(f"unknown arrays in the state: {', '.join(sorted(unknown))}")
        for statistic in self.statistics:
            prefix = f"{statistic.name}."
            statistic.load_state(
                {key.removeprefix(prefix): array for key, array in state.items() if key.startswith(prefix)}
            )

    def memory_bytes(self) -> int:
        """Bytes of all open and closed parts once they are allocated, whatever n."""
        return sum(statistic.memory_bytes() for statistic in self.statistics)

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return every estimate by name, each (n_cells,) or (d, n_cells), over closed replicates."""
        results: dict[str, npt.NDArray[Any]] = {}
        for statistic in self.statistics:
            results.update(statistic.result())
        return results
