"""What one rank does of a lease: design rows, forwards, and sums of its lanes."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa import design, models, stats
from parsl_sa.errors import StudyError
from parsl_sa.stats import LaneTree

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from parsl_sa.records import Plan
    from parsl_sa.spec import StudySpec
    from parsl_sa.stats.tree import Node


@dataclass
class Share:
    """What one rank made of its lanes of a lease.

    Parameters
    ----------
    nodes : dict
        (level, index) -> sums of a run of lanes.
    dropped : list of int
        Bundles with a non-finite output.
    poisoned : list of int
        Bundles on which the model raises when evaluated alone.
    error : str
        What the model raised, empty if it did not.
    """

    nodes: dict[tuple[int, int], Node] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    poisoned: list[int] = field(default_factory=list)
    error: str = ""


class Workload:
    """The model, the design and the statistics of a study, loaded once a process.

    Parameters
    ----------
    spec : StudySpec
        The frozen spec; its paths are absolute.
    plan : Plan
        The frozen plan.
    pivots : ndarray of float64, shape (n_cells,)
        Shift of every cell.

    Raises
    ------
    ModelError
        If the model cannot be loaded here, or gives other quantities than the plan's.
    StudyError
        If the model's files are not those of the plan.
    """

    def __init__(self, spec: StudySpec, plan: Plan, pivots: npt.NDArray[np.float64]) -> None:
        self.plan = plan
        self.sampler = design.assemble(spec.design_plain(), spec.parameters_plain(), plan.replicate_bundles)
        model = models.load(spec.model_plain(), Path())
        found = models.hashes(model)
        if found != plan.model_hashes:
            changed = sorted(
                k for k in {*found, *plan.model_hashes} if found.get(k) != plan.model_hashes.get(k)
            )
            raise StudyError(f"the model has changed since the plan was frozen: {', '.join(changed)}")
        self.evaluator = models.Evaluator(model, spec.outputs_plain(), len(spec.inputs.parameters))
        quantities = self.evaluator.learn(self.sampler.rows(0, 2)[:, 0])
        if quantities != plan.quantities or self.evaluator.dtype != plan.dtype:
            raise StudyError("the model gives other shapes or types than when the plan was frozen")
        self.accumulator = stats.assemble(spec.statistics_plain(), plan.layout, plan.n_cells, pivots)

    def prewarm(self) -> None:
        """Compile the kernels, or load them from Numba's cache."""
        stats.prewarm(self.accumulator, self.plan.dtype)

    def share(self, lease: int, lanes: Iterable[int], exclude: Iterable[int]) -> Share:
        """Evaluate some lanes of a lease.

        Parameters
        ----------
        lease : int
            Index of the lease.
        lanes : iterable of int
            Consecutive lanes.
        exclude : iterable of int
            Bundles to leave out; their rows are replaced, so that every other row keeps its place.

        Notes
        -----
        An exception of the model is caught here, at the client's edge: its bundles are found by
        bisection for the coordinator to judge, and its traceback is printed to the client's log.
        """
        tree, share = LaneTree(self.accumulator.combine_partials), Share()
        excluded = frozenset(exclude)
        first, _ = self.plan.bundles(lease)
        lane_bundles = self.plan.lease_bundles // self.plan.lanes
        for lane in lanes:
            begin = first + lane * lane_bundles
            for start in range(begin, begin + lane_bundles, self.plan.chunk_bundles):
                bundles = np.arange(start, start + self.plan.chunk_bundles)
                try:
                    self._fold(bundles, excluded, share)
                except Exception as error:  # noqa: BLE001 - a user's model may raise anything
                    traceback.print_exc()
                    share.error = share.error or f"{type(error).__name__}: {error}"
                    share.poisoned += self._bisect(bundles[~np.isin(bundles, list(excluded))])
            partials, n_bundles = self.accumulator.take_partials()
            tree.push(lane, partials, n_bundles)
        share.nodes = tree.nodes
        return share

    def _fold(self, bundles: npt.NDArray[np.int64], excluded: frozenset[int], share: Share) -> None:
        """Evaluate a chunk of consecutive bundles and fold those that are whole."""
        keep = np.array([bundle not in excluded for bundle in bundles.tolist()])
        if not keep.any():
            return
        inputs = self.sampler.rows(int(bundles[0]), int(bundles[-1]) + 1)
        if not keep.all():
            inputs[~keep] = inputs[np.argmax(keep)]
        outputs = self.evaluate(inputs)
        finite = np.isfinite(outputs).all(axis=(1, 2))
        share.dropped += bundles[keep & ~finite].tolist()
        self.accumulator.update(outputs, keep & finite)

    def evaluate(self, inputs: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Evaluate whole bundles in the plan's batches.

        Parameters
        ----------
        inputs : ndarray of float64, shape (n_bundles, n_rows, n_columns)
            Physical inputs.

        Returns
        -------
        ndarray of float32 or float64, shape (n_bundles, n_rows, n_cells)
        """
        n_bundles, n_rows, n_columns = inputs.shape
        outputs = self.evaluator.evaluate(inputs.reshape(-1, n_columns), self.plan.batch)
        return outputs.reshape(n_bundles, n_rows, -1)

    def _bisect(self, bundles: npt.NDArray[np.int64]) -> list[int]:
        """Return the bundles that make the model raise when they are evaluated without the others."""
        if len(bundles) == 0:
            return []
        try:
            self.evaluate(np.concatenate([self.sampler.rows(b, b + 1) for b in bundles.tolist()]))
        except Exception:  # noqa: BLE001 - a user's model may raise anything
            if len(bundles) == 1:
                return [int(bundles[0])]
            half = len(bundles) // 2
            return self._bisect(bundles[:half]) + self._bisect(bundles[half:])
        return []


def lanes_of(rank: int, ranks: int, lanes: int) -> range:
    """Return the consecutive lanes of a rank.

    Examples
    --------
    >>> [list(lanes_of(rank, 3, 8)) for rank in range(3)]
    [[0, 1], [2, 3, 4], [5, 6, 7]]
    """
    return range(rank * lanes // ranks, (rank + 1) * lanes // ranks)
