"""Looks: what the estimates were after 1, 2, 3, ... replicates, for plots of convergence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import MergeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

MOST = 64
"""Looks kept at a time."""


class Looks:
    """The history of some estimates, in memory that does not grow with n.

    Parameters
    ----------
    names : mapping of str to int
        Estimates to keep, and how many parameters each is over; 0 for one that has no such axis.
    n_cells : int
        Cells, or fields, whose estimates are kept.

    Notes
    -----
    Kept are the looks after a multiple of s replicates, s the smallest power of two that leaves fewer than
    `MOST`, and the newest one. So the history depends on the replicates alone, not on how many were
    planned, and an extended study has the history of one that was asked for whole.

    Examples
    --------
    >>> looks = Looks({"mean": 0}, n_cells=1)
    >>> for replicate in range(1, 101):
    ...     looks.record(replicate, 16 * replicate, {"mean": np.array([1.0 / replicate])})
    >>> n_bundles, history = looks.history()
    >>> n_bundles[:3].tolist(), n_bundles[-1].item(), history["mean"].shape
    ([32, 64, 96], 1600, (50, 1))
    """

    def __init__(self, names: Mapping[str, int], n_cells: int) -> None:
        self.names = dict(names)
        self.n_cells = n_cells
        self._rows = [over or 1 for over in self.names.values()]
        self.clear()

    @property
    def n_values(self) -> int:
        """Numbers in one look."""
        return sum(self._rows) * self.n_cells

    def clear(self) -> None:
        """Forget everything."""
        self._counts = np.zeros((0, 2), np.int64)
        self._values = np.zeros((0, sum(self._rows), self.n_cells))

    def record(self, n_replicates: int, n_bundles: int, result: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep the estimates after a replicate."""
        if not self.n_values:
            return
        stride = 1
        while n_replicates // stride >= MOST:
            stride *= 2
        kept = self._counts[:, 0] % stride == 0
        rows = [np.reshape(result[name], (-1, self.n_cells)) for name in self.names]
        self._counts = np.concatenate([self._counts[kept], [[n_replicates, n_bundles]]])
        self._values = np.concatenate([self._values[kept], [np.concatenate(rows)]])

    def history(self) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]:
        """Return the number of bundles at each look, and the estimates (n_looks, [d,] n_cells)."""
        edges = np.cumsum([0, *self._rows])
        cut = {
            name: self._values[:, begin : begin + over] if over else self._values[:, begin]
            for (name, over), begin in zip(self.names.items(), edges[:-1], strict=True)
        }
        return self._counts[:, 1], cut

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return ``counts`` (n_looks, 2), replicates and bundles, and ``values`` (n_looks, rows, n_cells)."""
        return {"counts": self._counts, "values": self._values}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replace everything by a copy of what `state` returned.

        Raises
        ------
        MergeError
            If the arrays do not fit together or belong to other estimates.
        """
        counts, values = state.get("counts"), state.get("values")
        expected = self._values.shape[1:]
        if counts is None or values is None or counts.dtype != np.int64 or values.dtype != np.float64:
            raise MergeError("looks: counts or values are missing or of another type")
        if counts.shape != (len(counts), 2) or values.shape != (len(counts), *expected) or len(counts) > MOST:
            raise MergeError(f"looks: shapes {counts.shape} and {values.shape} do not fit {expected}")
        self._counts, self._values = counts.copy(), values.copy()

    def memory_bytes(self) -> int:
        """Bytes of a full history."""
        return MOST * 8 * (2 + self.n_values)
