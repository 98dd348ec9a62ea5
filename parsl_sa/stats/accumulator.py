"""All the statistics of a study, folded together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import MergeError
from parsl_sa.stats.aggregates import Aggregates
from parsl_sa.stats.looks import Looks
from parsl_sa.stats.memory import OpenMemory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.stats.protocol import Statistic

    Parts = Sequence[npt.NDArray[np.float64]]

AGGREGATED = "aggregated"


class Accumulator:
    """All the statistics of a study over one set of cells, with the verbs of one statistic.

    Parameters
    ----------
    statistics : iterable of Statistic
        At least one; of one layout and one number of cells, no two of one name. `assemble` builds
        them from names and options.
    aggregates : Aggregates, optional
        Statistics of whole fields beside those of the cells.
    scalars : sequence of int
        Cells whose history of estimates is kept; that of `aggregates` is kept too.
    masked : ndarray of bool, shape (n_cells,), optional
        Cells that hold no numbers: every estimate is NaN there, and none is flagged as undefined.

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
    The indices of the Ishigami function, by hand: 16 replicates of 256 random bundles.

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
    >>> study.n_replicates, study.n_bundles
    (16, 4096)
    >>> result, exact = study.result(), np.array([0.3139, 0.4424, 0.0])
    >>> bool(np.all(np.abs(result["S1"][:, 0] - exact) < result["S1_conf"][:, 0]))
    True
    """

    def __init__(
        self,
        statistics: Iterable[Statistic],
        aggregates: Aggregates | None = None,
        scalars: Sequence[int] = (),
        masked: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self.statistics = tuple(statistics)
        names = [statistic.name for statistic in self.statistics]
        if not names:
            raise ValueError("an accumulator needs at least one statistic")
        if len(set(names)) < len(names):
            raise ValueError(f"a statistic is named twice: {', '.join(names)}")
        self.layout, self.n_cells = self.statistics[0].layout, self.statistics[0].n_cells
        if any((s.layout, s.n_cells) != (self.layout, self.n_cells) for s in self.statistics):
            raise ValueError("the statistics of an accumulator must share layout and cells")
        self.aggregates = aggregates or Aggregates(self.statistics, (), None)
        self.masked = masked if masked is not None and masked.any() else None
        self._scalars = np.array(scalars, np.int64)
        # What travels in a contribution: the small parts first.
        self._named = {f"{s.name}.{AGGREGATED}": s for s in self.aggregates.statistics}
        self._named |= {s.name: s for s in self.statistics}
        self._parts = tuple(self._named.values())
        self._memory = OpenMemory(self._parts)
        self._looks = {
            "scalars": Looks(_looked_at(self.statistics), len(self._scalars)),
            AGGREGATED: Looks(_looked_at(self.aggregates.statistics), len(self.aggregates.fields)),
        }

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
        """Return the open parts themselves (not copies): of whole fields, then of the cells."""
        self._sum_cells()
        return [statistic.partial() for statistic in self._parts]

    def take_partials(self) -> tuple[list[npt.NDArray[np.float64]], int]:
        """Hand over the open parts and their number of bundles, and start empty ones."""
        self._sum_cells()
        n_bundles = self.n_bundles_open
        return self._memory.take(), n_bundles

    def give_back(self, partials: Parts) -> None:
        """Take back parts that `take_partials` handed over, to use their memory again."""
        self._memory.give_back(partials)

    def partial_shapes(self) -> list[tuple[int, int]]:
        """Return the shape of each open part: (k, n_fields) of whole fields, then (k, n_cells)."""
        return [(statistic.partial_rows, statistic.n_cells) for statistic in self._parts]

    def combine_partials(self, into: Parts, other: Parts) -> None:
        """Merge the open parts `other` into `into`, in place.

        Parameters
        ----------
        into, other : sequence of ndarray of float64, shape (k, any)
            One part a statistic, whole or the same slice of the cells; or those of the cells alone.
        """
        statistics = self._parts if len(into) == len(self._parts) else self.statistics
        for statistic, mine, theirs in zip(statistics, into, other, strict=True):
            statistic.combine(mine, theirs)

    def add_partials(self, partials: Parts, n_bundles: int) -> None:
        """Merge open parts of `n_bundles` bundles into the open replicate.

        Raises
        ------
        MergeError
            If their number, a shape or a dtype is wrong; nothing is changed then.
        """
        expected = self.partial_shapes()
        found = [part.shape for part in partials]
        if found != expected or any(part.dtype != np.float64 for part in partials) or n_bundles < 0:
            raise MergeError(
                f"partials of {n_bundles} bundles have shapes {found}, expected {expected}, float64"
            )
        for statistic, partial in zip(self._parts, partials, strict=True):
            statistic.add_partial(partial, n_bundles)

    def close_replicate(self) -> None:
        """Close the open replicate: from here on results count it, if it has any bundle."""
        before = self.n_replicates
        self._sum_cells()
        for statistic in self._parts:
            statistic.close_replicate()
        if self.n_replicates > before:
            self._look()

    def merge(self, other: Accumulator) -> None:
        """Merge another accumulator of the same statistics, open with open, closed with closed.

        Raises
        ------
        MergeError
            If the statistics or their options, layout, pivot or cells differ.

        Notes
        -----
        Two histories do not make one: looks begin anew.
        """
        if list(self._named) != list(other._named):
            raise MergeError("the accumulators have different statistics")
        self._sum_cells()
        other.partials()  # brings its whole fields up to date
        for statistic, theirs in zip(self._parts, other._parts, strict=True):
            statistic.merge(theirs)
        for looks in self._looks.values():
            looks.clear()

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as one flat dict of live arrays: copy or write them before the next fold.

        Returns
        -------
        dict of str to ndarray
            ``"<name>.open"`` and ``"<name>.closed"`` of float64 with the cell axis last, and
            ``"<name>.counts"`` of int64; ``"<name>.aggregated.open"`` ... of whole fields; ``"looks. ..."``.
        """
        self._sum_cells()
        owners = self._owners()
        return {f"{name}.{key}": array for name, part in owners for key, array in part.state().items()}

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
        for name, part in self._owners():
            keys = {key: f"{name}.{key}" for key in part.state()}
            part.load_state({key: state[full] for key, full in keys.items() if full in state})

    def memory_bytes(self) -> int:
        """Bytes of all open and closed parts and looks once they are allocated, whatever n."""
        return sum(part.memory_bytes() for _, part in self._owners())

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """Return every estimate by name, each (n_cells,) or (d, n_cells), over closed replicates."""
        results: dict[str, npt.NDArray[Any]] = {}
        for statistic in self.statistics:
            results.update(statistic.result())
        masked = self.masked
        return results if masked is None else {key: _hide(array, masked) for key, array in results.items()}

    def history(self, kind: str) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]:
        """Return what the estimates were after 1, 2, ... replicates.

        Parameters
        ----------
        kind : str
            ``"scalars"``, for the cells named so, or ``"aggregated"``, for whole fields.

        Returns
        -------
        ndarray of int64, shape (n_looks,)
            Bundles at each look.
        dict of str to ndarray, shape (n_looks, [d,] n)
        """
        return self._looks[kind].history()

    def over(self, cells: slice) -> Accumulator:
        """Return an empty accumulator of the same statistics over a stretch of the cells, without fields."""
        return Accumulator(statistic.over(cells) for statistic in self.statistics)

    def _owners(self) -> list[tuple[str, Any]]:
        kept = [(f"looks.{kind}", looks) for kind, looks in self._looks.items() if looks.n_values]
        return [*self._named.items(), *kept]

    def _sum_cells(self) -> None:
        """Bring the open parts of whole fields up to date with bundles that were folded here."""
        if any(s.n_bundles_open != self.n_bundles_open for s in self.aggregates.statistics):
            self.aggregates.refill([s.partial() for s in self.statistics], self.n_bundles_open)

    def _look(self) -> None:
        if len(self._scalars):
            picked = [statistic.picked(self._scalars).result() for statistic in self.statistics]
            kept = {name: array for result in picked for name, array in result.items()}
            self._looks["scalars"].record(self.n_replicates, self.n_bundles, kept)
        if self.aggregates.statistics:
            self._looks[AGGREGATED].record(self.n_replicates, self.n_bundles, self.aggregates.result())


def _hide(array: npt.NDArray[Any], masked: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    own = array if array.flags.writeable else array.copy()
    own[..., masked] = False if own.dtype == np.bool_ else np.nan
    return own


def _looked_at(statistics: Sequence[Statistic]) -> dict[str, int]:
    return {name: over for statistic in statistics for name, over in statistic.looked_at.items()}
