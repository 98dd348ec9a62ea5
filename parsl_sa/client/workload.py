"""What one rank does of a lease: design rows, forwards, and sums of its lanes."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from parsl_sa import design, models, stats
from parsl_sa.errors import StudyError
from parsl_sa.stats import PARTIAL, Form, LaneTree, sum_fields, whole_bundles

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
        (level, index) -> sums of a run of lanes; of whole fields alone where rows are sent.
    rows : ndarray of float32 or float64, shape (n_bundles, n_rows, n_cells), or None
        Outputs of the lanes, 0 where a bundle is left out; None where sums are sent.
    room : ndarray of uint8, or None
        The contribution whose first rows these are, on the rank of the first lane.
    dropped : list of int
        Bundles with a non-finite output.
    poisoned : list of int
        Bundles on which the model raises when evaluated alone.
    error : str
        What the model raised, empty if it did not.
    """

    nodes: dict[tuple[int, int], Node] = field(default_factory=dict)
    rows: npt.NDArray[Any] | None = None
    room: npt.NDArray[np.uint8] | None = None
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
        Shift of every cell; NaN where it is masked.
    weights : ndarray of float64, shape (n_cells,), optional
        Weight of every cell in aggregated indices.

    Raises
    ------
    ModelError
        If the model cannot be loaded here, or gives other quantities than the plan's.
    StudyError
        If the model's files are not those of the plan.
    """

    log: TextIO | None = None
    """Where tracebacks of the model go; None: to standard error, which is the log of a client."""

    def __init__(
        self,
        spec: StudySpec,
        plan: Plan,
        pivots: npt.NDArray[np.float64],
        weights: npt.NDArray[np.float64] | None = None,
    ) -> None:
        self.plan = plan
        self.sampler = design.assemble(
            spec.design_plain(),
            spec.parameters_plain(),
            plan.replicate_bundles,
            groups=spec.groups_plain(),
            dependence=spec.dependence_plain(),
        )
        self.evaluator = models.evaluator(**spec.evaluator_plain())
        found = self.evaluator.hashes()
        if found != plan.model_hashes:
            changed = sorted(
                k for k in {*found, *plan.model_hashes} if found.get(k) != plan.model_hashes.get(k)
            )
            raise StudyError(
                f"files of model or inputs have changed since the plan was frozen: {', '.join(changed)}"
            )
        quantities = self.evaluator.learn(self.sampler.rows(0, 2)[:, 0])
        if quantities != plan.quantities or self.evaluator.dtype != plan.dtype:
            raise StudyError("the model gives other shapes or types than when the plan was frozen")
        self.accumulator = stats.for_plan(spec.statistics_plain(), plan, pivots, weights)
        self.form = Form.of(plan, self.accumulator)
        chunk = (plan.chunk_bundles, plan.layout.n_rows, plan.n_cells)
        self._scratch = np.empty(chunk if self.form.kind == PARTIAL else 0, plan.dtype)

    def prewarm(self) -> None:
        """Compile the kernels, or load them from Numba's cache."""
        stats.prewarm(self.accumulator, self.plan.dtype)

    def share(self, lease: int, lanes: range, exclude: Iterable[int]) -> Share:
        """Evaluate some lanes of a lease.

        Parameters
        ----------
        lease : int
            Index of the lease.
        lanes : range
            Consecutive lanes.
        exclude : iterable of int
            Bundles to leave out; their rows are replaced, so that every other row keeps its place.

        Notes
        -----
        An exception of the model is caught here, at the client's edge: its bundles are found by
        bisection for the coordinator to judge, and its traceback is printed to `log`.
        """
        share, excluded = Share(), frozenset(exclude)
        sums = self.form.kind == PARTIAL
        accumulator = self.accumulator
        combine = accumulator.combine_partials if sums else accumulator.aggregates.combine
        tree = LaneTree(combine, accumulator.give_back)
        lane_bundles = self.plan.lease_bundles // self.plan.lanes
        rows = self._scratch if sums else self._room(share, lanes)
        for index, lane in enumerate(lanes):
            begin = self.plan.bundles(lease)[0] + lane * lane_bundles
            own = rows if sums else rows[index * lane_bundles : (index + 1) * lane_bundles]
            keep = np.zeros(lane_bundles, np.bool_)
            for at in range(0, lane_bundles, self.plan.chunk_bundles):
                chunk = slice(at, at + self.plan.chunk_bundles)
                outputs = own if sums else own[chunk]
                keep[chunk] = self._chunk(
                    np.arange(begin, begin + lane_bundles)[chunk], excluded, outputs, share
                )
                if sums:
                    accumulator.update(outputs, keep[chunk])
            if sums:
                tree.push(lane, *accumulator.take_partials())
            else:
                own[~keep] = 0  # what a lost bundle held must not show
                tree.push(lane, sum_fields(accumulator, own, keep), int(keep.sum()))
        share.nodes = tree.nodes
        return share

    def _room(self, share: Share, lanes: range) -> npt.NDArray[Any]:
        """Make room for the rows of some lanes; the rank of the first lane has room for the lease."""
        shape = self.form.shapes[-1]
        lane_bundles = self.plan.lease_bundles // self.plan.lanes
        if lanes.start == 0:
            share.room = self.form.empty()
            share.rows = self.form.arrays(share.room)[-1][: len(lanes) * lane_bundles]
        else:
            share.rows = np.empty((len(lanes) * lane_bundles, *shape[1:]), self.plan.dtype)
        return share.rows

    def _chunk(
        self,
        bundles: npt.NDArray[np.int64],
        excluded: frozenset[int],
        outputs: npt.NDArray[Any],
        share: Share,
    ) -> npt.NDArray[np.bool_]:
        """Evaluate consecutive bundles into `outputs`; tell which of them are whole."""
        keep = np.array([bundle not in excluded for bundle in bundles.tolist()])
        if not keep.any():
            return keep
        inputs = self.sampler.rows(int(bundles[0]), int(bundles[-1]) + 1)
        if not keep.all():
            inputs[~keep] = inputs[np.argmax(keep)]
        try:
            self.evaluate(inputs, outputs)
        except Exception as error:  # noqa: BLE001 - a user's model may raise anything
            traceback.print_exc(file=self.log)
            share.error = share.error or f"{type(error).__name__}: {error}"
            share.poisoned += self._bisect(bundles[keep])
            return np.zeros_like(keep)
        whole = whole_bundles(outputs, self.accumulator.masked)
        share.dropped += bundles[keep & ~whole].tolist()
        return keep & whole

    def evaluate(
        self, inputs: npt.NDArray[np.float64], into: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]:
        """Evaluate whole bundles in the plan's batches.

        Parameters
        ----------
        inputs : ndarray of float64, shape (n_bundles, n_rows, n_columns)
            Physical inputs.
        into : ndarray, shape (n_bundles, n_rows, n_cells), optional
            Where the outputs go.

        Returns
        -------
        ndarray of float32 or float64, shape (n_bundles, n_rows, n_cells)
        """
        n_bundles, n_rows, n_columns = inputs.shape
        flat = None if into is None else into.reshape(n_bundles * n_rows, -1)
        outputs = self.evaluator.evaluate(inputs.reshape(-1, n_columns), self.plan.batch, flat)
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
