"""The ranks of a client: orders from rank 0, and an exchange that sums lanes in one fixed tree."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from parsl_sa.client.exchange import Exchange
from parsl_sa.client.workload import lanes_of
from parsl_sa.stats import ROWS, Node, flat, merge_nodes, views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from parsl_sa.client.workload import Share, Workload
    from parsl_sa.stats import Accumulator

_ORDER_TAG, _ROWS_TAG = 7, 8
_PIECE_ITEMS = 16 << 20
_POLL_S = 0.0005


class Ranks:
    """The MPI world of a client.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm or None
        None where the client is one plain process.

    Notes
    -----
    No MPI reduction touches statistics: its summation order depends on message size and rank count.
    """

    def __init__(self, comm: Any) -> None:
        self._comm = comm
        self.rank: int = comm.rank if comm is not None else 0
        self.size: int = comm.size if comm is not None else 1

    def order(self, values: Sequence[int]) -> None:
        """Send an order from rank 0 to all others."""
        message = np.array([len(values), *values], dtype=np.int64)
        for rank in range(1, self.size):
            self._comm.Send(message, dest=rank, tag=_ORDER_TAG)

    def await_order(self) -> list[int]:
        """Wait for an order of rank 0, asleep: a blocking receive would keep a core busy."""
        from mpi4py import MPI  # noqa: PLC0415 - only a client of several ranks needs it

        status = MPI.Status()
        while not self._comm.Iprobe(source=0, tag=_ORDER_TAG, status=status):
            time.sleep(_POLL_S)
        message = np.empty(status.Get_count(MPI.INT64_T), dtype=np.int64)
        self._comm.Recv(message, source=0, tag=_ORDER_TAG)
        return [int(value) for value in message[1:]]

    def gather(self, value: Any) -> list[Any]:
        """Return every rank's value, on every rank."""
        return [value] if self.size == 1 else list(self._comm.allgather(value))

    def abort(self, code: int) -> NoReturn:
        """End every rank at once; does not return."""
        if self._comm is not None:
            self._comm.Abort(code)
        os._exit(code)

    def collect(self, share: Share, workload: Workload) -> npt.NDArray[np.uint8] | None:
        """Bring the shares of all ranks together to the contribution of a lease.

        Parameters
        ----------
        share : Share
            What this rank made of its lanes; used up.
        workload : Workload
            Knows the form of a contribution.

        Returns
        -------
        ndarray of uint8, or None
            The contribution on rank 0; None on the others.
        """
        if workload.form.kind == ROWS:
            return self._collect_rows(share, workload)
        parts = self.sum_lanes(share.nodes, workload.plan.lanes, workload.accumulator)
        return None if parts is None else flat(parts).view(np.uint8)

    def sum_lanes(
        self, nodes: dict[tuple[int, int], Node], lanes: int, accumulator: Accumulator
    ) -> list[npt.NDArray[np.float64]] | None:
        """Merge the nodes of all ranks to the root of the tree.

        Parameters
        ----------
        nodes : dict
            This rank's sums; their memory goes back to the accumulator.
        lanes : int
            Lanes of the lease.
        accumulator : Accumulator
            Knows the shapes and how to merge.

        Returns
        -------
        list of ndarray of float64, or None
            On rank 0 the partials of the lease, whole; None on the others.
        """
        if self.size == 1:
            return merge_nodes(nodes, lanes, accumulator.combine_partials, accumulator.give_back).partials
        small = self._sum_fields(nodes, lanes, accumulator)
        shapes = accumulator.partial_shapes() if self.rank == 0 else []
        parts = views(np.empty(sum(k * width for k, width in shapes)), shapes)
        for target, part in zip(parts, small, strict=False):
            target[:] = part
        Exchange(self._comm, lanes, accumulator).merge(nodes, parts[len(small) :])
        for node in nodes.values():
            accumulator.give_back(node.partials)
        return parts or None

    def _collect_rows(self, share: Share, workload: Workload) -> npt.NDArray[np.uint8] | None:
        """Put the rows of all ranks one after the other, behind the sums over whole fields."""
        plan = workload.plan
        small = self._sum_fields(share.nodes, plan.lanes, workload.accumulator)
        lane_bundles = plan.lease_bundles // plan.lanes
        room = share.room
        if self.rank or room is None:  # behind ranks without lanes another may have the first, and room too
            for piece in _pieces(share.rows):
                self._comm.Send(piece, dest=0, tag=_ROWS_TAG)
            return None
        *parts, rows = workload.form.arrays(room)
        for target, part in zip(parts, small, strict=True):
            target[:] = part
        for rank in range(1, self.size):
            lanes = lanes_of(rank, self.size, plan.lanes)
            for piece in _pieces(rows[lanes.start * lane_bundles : lanes.stop * lane_bundles]):
                self._comm.Recv(piece, source=rank, tag=_ROWS_TAG)
        return room

    def _sum_fields(
        self, nodes: dict[tuple[int, int], Node], lanes: int, accumulator: Accumulator
    ) -> list[npt.NDArray[np.float64]]:
        """Merge the small parts of all ranks: they are few numbers, and every rank merges them all."""
        aggregates = accumulator.aggregates
        n_parts = len(aggregates.statistics)
        if not n_parts:
            return []
        told = self.gather({place: node.partials[:n_parts] for place, node in nodes.items()})
        all_nodes = {
            place: Node([part.copy() for part in parts], 0)
            for of_rank in told
            for place, parts in of_rank.items()
        }
        return merge_nodes(all_nodes, lanes, aggregates.combine).partials


def _pieces(rows: npt.NDArray[Any] | None) -> Iterator[npt.NDArray[Any]]:
    """Cut rows into messages that MPI can count."""
    whole = np.empty(0) if rows is None else rows.reshape(-1)
    for first in range(0, whole.size, _PIECE_ITEMS):
        yield whole[first : first + _PIECE_ITEMS]
