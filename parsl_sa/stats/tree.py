"""The fixed binary tree in which the lanes of a lease are summed.

A lease's bundles go to a power-of-two number of lanes. However the lanes are spread over ranks,
their partial sums are merged in one and the same tree: node (level, index) covers the lanes
[index 2^level, (index + 1) 2^level) and is the sum of its two halves, left plus right. So floating
point gives the same bits for any number of ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import numpy.typing as npt

    Combine = Callable[[list[npt.NDArray[np.float64]], list[npt.NDArray[np.float64]]], None]

    GiveBack = Callable[[list[npt.NDArray[np.float64]]], None]

Place = tuple[int, int]
"""(level, index) of a node."""


@dataclass
class Node:
    """The sum of a run of lanes.

    Parameters
    ----------
    partials : list of ndarray of float64, shape (k, cells)
        One open part a statistic; any slice of the cells.
    n_bundles : int
        Bundles in them.
    """

    partials: list[npt.NDArray[np.float64]]
    n_bundles: int

    def absorb(self, right: Node, combine: Combine, give_back: GiveBack | None = None) -> None:
        """Merge the right sibling into this left one, in place, and give back what is not needed then."""
        combine(self.partials, right.partials)
        self.n_bundles += right.n_bundles
        if give_back is not None:
            give_back(right.partials)


class LaneTree:
    """The lanes of one rank, pushed in order and merged as soon as a pair is complete.

    Parameters
    ----------
    combine : callable
        Merges the open parts of its second argument into those of its first, in place
        (`Accumulator.combine_partials`).
    give_back : callable, optional
        Takes the open parts that have been merged into others (`Accumulator.give_back`).

    Notes
    -----
    Works as a binary counter: of m lanes pushed, at most about 2 log2(m) nodes are held at a time,
    log2(m) + 1 where the run is aligned.

    Examples
    --------
    >>> import numpy as np
    >>> def combine(into, other):
    ...     into[0] += other[0]
    >>> tree = LaneTree(combine)
    >>> for lane in range(1, 4):
    ...     tree.push(lane, [np.array([[float(lane)]])], n_bundles=2)
    >>> sorted(tree.nodes)
    [(0, 1), (1, 1)]
    >>> tree.nodes[1, 1].n_bundles
    4
    """

    def __init__(self, combine: Combine, give_back: GiveBack | None = None) -> None:
        self._combine = combine
        self._give_back = give_back
        self._next: int | None = None
        self.nodes: dict[Place, Node] = {}

    def push(self, lane: int, partials: list[npt.NDArray[np.float64]], n_bundles: int) -> None:
        """Add a lane's open parts, which the tree owns and changes from here on.

        Raises
        ------
        ValueError
            If the lane does not follow the one before it.
        """
        if lane < 0 or (self._next is not None and lane != self._next):
            raise ValueError(f"lane {lane} pushed, expected {self._next or 0}")
        self._next = lane + 1
        node, level, index = Node(partials, n_bundles), 0, lane
        while index % 2 and (level, index - 1) in self.nodes:
            left = self.nodes.pop((level, index - 1))
            left.absorb(node, self._combine, self._give_back)
            node, level, index = left, level + 1, index // 2
        self.nodes[level, index] = node


def merge_nodes(
    nodes: Mapping[Place, Node], lanes: int, combine: Combine, give_back: GiveBack | None = None
) -> Node:
    """Complete the tree to its root.

    Parameters
    ----------
    nodes : mapping of (level, index) to Node
        Nodes that cover each lane once, from however many ranks; their arrays are changed.
    lanes : int
        Lanes of the lease, a power of two.
    combine : callable
        As for `LaneTree`.
    give_back : callable, optional
        As for `LaneTree`.

    Returns
    -------
    Node
        The sum of all lanes, bitwise independent of how they were spread over ranks.

    Raises
    ------
    ValueError
        If `lanes` is not a power of two, or the nodes do not cover each lane exactly once.

    Examples
    --------
    >>> import numpy as np
    >>> def combine(into, other):
    ...     into[0] += other[0]
    >>> nodes = {(0, 0): Node([np.array([1.0])], 2), (0, 1): Node([np.array([2.0])], 2)}
    >>> merge_nodes(nodes, 2, combine)
    Node(partials=[array([3.])], n_bundles=4)
    """
    if lanes < 1 or lanes & (lanes - 1):
        raise ValueError(f"lanes must be a power of two, not {lanes}")
    depth = lanes.bit_length() - 1
    covered = sorted((index << level, (index + 1) << level) for level, index in nodes)
    edges = [0, *(last for _, last in covered)]
    if [first for first, _ in covered] != edges[:-1] or edges[-1] != lanes:
        raise ValueError(f"nodes {sorted(nodes)} do not cover each of {lanes} lanes once")
    pending = dict(nodes)
    for level in range(depth):
        for index in sorted(index for at, index in pending if at == level and index % 2 == 0):
            left, right = pending.pop((level, index)), pending.pop((level, index + 1))
            left.absorb(right, combine, give_back)
            pending[level + 1, index // 2] = left
    return pending[depth, 0]
