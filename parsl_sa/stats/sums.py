"""The kind of statistic that most are: sums over bundles, and products of the sums of replicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.stats.folding import add, close
from parsl_sa.stats.replicate import ReplicateStatistic

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.records import Layout


class ReplicateSums(ReplicateStatistic):
    """A statistic made of sums over bundles, and of products of the sums of whole replicates.

    A subclass states `n_sums` and `pairs`, and implements `_fold` and `result`.

    Notes
    -----
    The closed part has the k sums over closed replicates, then one row a pair (i, j): the sum over
    replicates of total i times total j. In the second place of a pair, k stands for the
    replicate's number of observations. Products are formed once a replicate.
    """

    def __init__(
        self,
        layout: Layout,
        n_cells: int,
        *,
        n_sums: int,
        pairs: list[tuple[int, int]],
        observations: int = 1,
        pivot: npt.NDArray[np.float64] | None = None,
        **options: Any,
    ) -> None:
        self.n_sums = n_sums
        self.pairs = np.array(pairs, np.int64).reshape(-1, 2)
        self.observations = observations
        super().__init__(layout, n_cells, pivot=pivot, **options)

    def _open_identity(self) -> npt.NDArray[np.float64]:
        return np.zeros(self.n_sums)

    def _closed_identity(self) -> npt.NDArray[np.float64]:
        return np.zeros(self.n_sums + len(self.pairs))

    def _close(self, n_bundles: int) -> None:
        close(self._open, self._closed, self.pairs, float(n_bundles * self.observations))

    @staticmethod
    def combine(into: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> None:
        """Add the part `other` to `into`, in place; any slice of the cells will do."""
        if into.flags.c_contiguous:
            add(into, other)
        else:
            np.add(into, other, out=into)
