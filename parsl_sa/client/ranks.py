"""The ranks of a client: orders from rank 0, and an exchange that sums lanes in one fixed tree."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from parsl_sa.client.workload import lanes_of
from parsl_sa.stats import LaneTree, Node, merge_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from parsl_sa.stats import Accumulator

_ORDER_TAG = 7
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

    def sum_lanes(
        self, nodes: dict[tuple[int, int], Node], lanes: int, accumulator: Accumulator
    ) -> list[npt.NDArray[np.float64]] | None:
        """Merge the nodes of all ranks to the root of the tree.

        Parameters
        ----------
        nodes : dict
            This rank's sums.
        lanes : int
            Lanes of the lease.
        accumulator : Accumulator
            Knows the shapes and how to merge.

        Returns
        -------
        list of ndarray of float64, or None
            On rank 0 the partials of the lease, whole; None on the others.

        Notes
        -----
        Every rank merges one slab of cells: it receives that slab of every node, completes the tree, and
        rank 0 gathers the slabs. Merging is per cell, so slabs do not change bits.
        """
        if self.size == 1:
            return merge_nodes(nodes, lanes, accumulator.combine_partials).partials
        rows = [k for k, _ in accumulator.partial_shapes()]
        edges = [accumulator.n_cells * rank // self.size for rank in range(self.size + 1)]
        widths = [edges[rank + 1] - edges[rank] for rank in range(self.size)]
        places = [_places(rank, self.size, lanes) for rank in range(self.size)]
        mine = [nodes[place] for place in places[self.rank]]
        outgoing = [_pack(mine, slice(edges[rank], edges[rank + 1])) for rank in range(self.size)]
        incoming = np.empty(sum(rows) * widths[self.rank] * sum(map(len, places)), dtype=np.float64)
        self._comm.Alltoallv(
            [np.concatenate(outgoing), [len(part) for part in outgoing]],
            [incoming, [sum(rows) * widths[self.rank] * len(of_rank) for of_rank in places]],
        )
        order = [place for of_rank in places for place in of_rank]
        received = _unpack(incoming, order, rows, widths[self.rank])
        slab = _pack([merge_nodes(received, lanes, accumulator.combine_partials)], slice(None))
        if self.rank:
            self._comm.Gatherv(slab, None, root=0)
            return None
        whole = np.empty(sum(rows) * accumulator.n_cells, dtype=np.float64)
        counts = [sum(rows) * width for width in widths]
        self._comm.Gatherv(slab, [whole, counts], root=0)
        parts = np.split(whole, np.cumsum(counts)[:-1])
        slabs = [
            _unpack(part, [(0, 0)], rows, width)[0, 0].partials
            for part, width in zip(parts, widths, strict=True)
        ]
        return [np.concatenate(pieces, axis=1) for pieces in zip(*slabs, strict=True)]


def _places(rank: int, ranks: int, lanes: int) -> list[tuple[int, int]]:
    """Nodes that a rank ends up with; every rank knows them of every other."""
    tree = LaneTree(lambda into, other: None)  # noqa: ARG005 - only the shape of the tree is wanted
    for lane in lanes_of(rank, ranks, lanes):
        tree.push(lane, [], 0)
    return sorted(tree.nodes)


def _pack(nodes: Sequence[Node], cells: slice) -> npt.NDArray[np.float64]:
    pieces = [part[:, cells].ravel() for node in nodes for part in node.partials]
    return np.concatenate(pieces) if pieces else np.empty(0)


def _unpack(
    buffer: npt.NDArray[np.float64], places: Sequence[tuple[int, int]], rows: Sequence[int], width: int
) -> dict[tuple[int, int], Node]:
    nodes, at = {}, 0
    for place in places:
        partials = []
        for k in rows:
            partials.append(buffer[at : at + k * width].reshape(k, width))
            at += k * width
        nodes[place] = Node(partials, 0)
    return nodes
