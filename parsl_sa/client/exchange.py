"""Sums of lanes, merged across ranks a stretch of cells at a time: no rank holds copies of a field."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.client.workload import lanes_of
from parsl_sa.stats import LaneTree, Node, merge_nodes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.stats import Accumulator

    Floats = npt.NDArray[np.float64]
    Nodes = Mapping[tuple[int, int], Node]

EXCHANGE_BYTES = 64 << 20
"""What a rank receives of all ranks at a time."""

_BLOCK = 1024


class Exchange:
    """The merging of lanes that are spread over ranks.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Of at least two ranks.
    lanes : int
        Lanes of a lease.
    accumulator : Accumulator
        Knows the shapes and how to merge.

    Notes
    -----
    In a round every rank merges one stretch of cells: it receives that stretch of every node, completes
    the tree, and rank 0 gathers the stretches. Merging is per cell, so stretches do not change bits.
    """

    def __init__(self, comm: Any, lanes: int, accumulator: Accumulator) -> None:
        self._comm = comm
        self._lanes = lanes
        self._accumulator = accumulator
        self._small = len(accumulator.aggregates.statistics)
        self._rows = [k for k, _ in accumulator.partial_shapes()[self._small :]]
        self._places = [places_of(rank, comm.size, lanes) for rank in range(comm.size)]

    def merge(self, nodes: Nodes, into: Sequence[Floats]) -> None:
        """Merge the nodes of all ranks to the root of the tree, and bring it to rank 0.

        Parameters
        ----------
        nodes : mapping
            This rank's sums.
        into : sequence of ndarray of float64, shape (k, n_cells)
            On rank 0, where the root goes: the parts of the cells, without those of whole fields.
        """
        comm, n_cells = self._comm, self._accumulator.n_cells
        mine = [nodes[place].partials[self._small :] for place in self._places[comm.rank]]
        width = _width(sum(self._rows), sum(map(len, self._places)), n_cells, comm.size)
        for first in range(0, n_cells, width * comm.size):
            self._round(mine, [min(first + rank * width, n_cells) for rank in range(comm.size + 1)], into)

    def _round(self, mine: Sequence[Sequence[Floats]], edges: Sequence[int], into: Sequence[Floats]) -> None:
        """Merge one stretch on every rank."""
        comm, depth = self._comm, sum(self._rows)
        widths = [last - first for first, last in pairwise(edges)]
        counts = [depth * widths[comm.rank] * len(of_rank) for of_rank in self._places]
        outgoing = [_pack(mine, slice(first, last)) for first, last in pairwise(edges)]
        incoming = np.empty(sum(counts))
        comm.Alltoallv([np.concatenate(outgoing), [len(part) for part in outgoing]], [incoming, counts])
        order = [place for of_rank in self._places for place in of_rank]
        nodes = self._unpack(incoming, order, widths[comm.rank])
        root = merge_nodes(nodes, self._lanes, self._accumulator.combine_partials)
        slab = _pack([root.partials], slice(None))
        if comm.rank:
            comm.Gatherv(slab, None, root=0)
            return
        sizes = [depth * width for width in widths]
        whole = np.empty(sum(sizes))
        comm.Gatherv(slab, [whole, sizes], root=0)
        for rank, part in enumerate(np.split(whole, np.cumsum(sizes)[:-1])):
            pieces = self._unpack(part, [(0, 0)], widths[rank])[0, 0].partials
            for target, piece in zip(into, pieces, strict=True):
                target[:, edges[rank] : edges[rank + 1]] = piece

    def _unpack(self, buffer: Floats, places: Sequence[tuple[int, int]], width: int) -> Nodes:
        nodes, at = {}, 0
        for place in places:
            partials = []
            for k in self._rows:
                partials.append(buffer[at : at + k * width].reshape(k, width))
                at += k * width
            nodes[place] = Node(partials, 0)
        return nodes


def places_of(rank: int, ranks: int, lanes: int) -> list[tuple[int, int]]:
    """Return the nodes that a rank ends up with; every rank knows them of every other.

    Examples
    --------
    >>> [places_of(rank, 3, 8) for rank in range(3)]
    [[(1, 0)], [(0, 4), (1, 1)], [(0, 5), (1, 3)]]
    """
    tree = LaneTree(lambda into, other: None)  # noqa: ARG005 - only the shape of the tree is wanted
    for lane in lanes_of(rank, ranks, lanes):
        tree.push(lane, [], 0)
    return sorted(tree.nodes)


def _width(depth: int, n_nodes: int, n_cells: int, ranks: int) -> int:
    """Return the cells of a stretch: an equal share, unless that would be too much at a time.

    Examples
    --------
    >>> _width(22, 2, 1000, 2), _width(22, 2, 1_000_000, 2)
    (500, 190464)
    """
    most = max(1, EXCHANGE_BYTES // (8 * max(1, depth) * n_nodes * _BLOCK)) * _BLOCK
    return max(1, min(-(-n_cells // ranks), most))


def _pack(nodes: Sequence[Sequence[Floats]], cells: slice) -> Floats:
    pieces = [part[:, cells].ravel() for node in nodes for part in node]
    return np.concatenate(pieces) if pieces else np.empty(0)
