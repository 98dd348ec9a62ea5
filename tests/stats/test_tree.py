"""The lane tree: the same bits however lanes are spread over ranks."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsl_sa.records import Layout
from parsl_sa.stats import LaneTree, Node, assemble, merge_nodes

LANES = 16
STUDY = assemble(["moments", "extrema", "sobol"], Layout("pick-freeze", 2, both_ways=True), 5)


def lane_partials(seed: int) -> list[tuple[list[np.ndarray], int]]:
    rng = np.random.default_rng(seed)
    client = assemble(["moments", "extrema", "sobol"], STUDY.layout, STUDY.n_cells)
    lanes = []
    for _ in range(LANES):
        n = int(rng.integers(0, 4))  # a lane may have lost all its bundles
        client.update(rng.normal(1.0, 1e3, (n, 6, 5)))
        lanes.append(client.take_partials())
    return lanes


def copied(parts: list[np.ndarray]) -> list[np.ndarray]:
    return [part.copy() for part in parts]


def in_tree_order(lanes: list[tuple[list[np.ndarray], int]]) -> list[np.ndarray]:
    """The tree by recursion over stored lanes."""
    if len(lanes) == 1:
        return copied(lanes[0][0])
    left, right = in_tree_order(lanes[: len(lanes) // 2]), in_tree_order(lanes[len(lanes) // 2 :])
    STUDY.combine_partials(left, right)
    return left


def spread(lanes: list[tuple[list[np.ndarray], int]], edges: list[int]) -> dict[tuple[int, int], Node]:
    nodes: dict[tuple[int, int], Node] = {}
    for first, last in zip([0, *edges], [*edges, LANES], strict=True):
        tree = LaneTree(STUDY.combine_partials)
        for lane in range(first, last):
            tree.push(lane, copied(lanes[lane][0]), lanes[lane][1])
        nodes |= tree.nodes
    return nodes


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 99), edges=st.lists(st.integers(0, LANES), max_size=6).map(sorted))
def test_any_spread_over_ranks_gives_the_same_bits(seed: int, edges: list[int]) -> None:
    lanes = lane_partials(seed)
    root = merge_nodes(spread(lanes, edges), LANES, STUDY.combine_partials)
    assert root.n_bundles == sum(n for _, n in lanes)
    assert [part.tobytes() for part in root.partials] == [part.tobytes() for part in in_tree_order(lanes)]


def test_the_order_of_summation_does_reach_the_bits() -> None:
    """Else the test above would show nothing."""

    def in_sequence(lanes: list[tuple[list[np.ndarray], int]]) -> list[np.ndarray]:
        def step(into: list[np.ndarray], lane: tuple[list[np.ndarray], int]) -> list[np.ndarray]:
            STUDY.combine_partials(into, lane[0])
            return into

        return reduce(step, lanes[1:], copied(lanes[0][0]))

    lanes = lane_partials(0)
    pairs = zip(in_sequence(lanes), in_tree_order(lanes), strict=True)
    assert any(left.tobytes() != right.tobytes() for left, right in pairs)


def test_slabs_of_nodes_complete_to_slabs_of_the_root() -> None:
    lanes = lane_partials(3)
    whole = in_tree_order(lanes)
    for cells in (slice(0, 2), slice(2, 5)):
        nodes = spread(lanes, [5, 11])
        slabs = {
            place: Node([part[:, cells] for part in node.partials], node.n_bundles)
            for place, node in nodes.items()
        }
        root = merge_nodes(slabs, LANES, STUDY.combine_partials)
        assert all(a.tobytes() == b[:, cells].tobytes() for a, b in zip(root.partials, whole, strict=True))


def test_an_aligned_block_holds_few_nodes() -> None:
    tree = LaneTree(lambda into, other: None)
    held = []
    for lane in range(32, 64):
        tree.push(lane, [], 1)
        held.append(len(tree.nodes))
    assert max(held) <= 5
    assert tree.nodes.keys() == {(5, 1)}
    assert tree.nodes[5, 1].n_bundles == 32


def test_lanes_out_of_order_are_refused() -> None:
    tree = LaneTree(lambda into, other: None)
    tree.push(2, [], 1)
    with pytest.raises(ValueError, match="expected 3"):
        tree.push(4, [], 1)


@pytest.mark.parametrize(
    ("places", "lanes"),
    [([(1, 0)], 4), ([(2, 0), (0, 3)], 4), ([(1, 0), (0, 3)], 4), ([], 1), ([(0, 0)], 3), ([(2, 0)], 2)],
)
def test_nodes_that_do_not_cover_the_lanes_once_are_refused(
    places: list[tuple[int, int]], lanes: int
) -> None:
    with pytest.raises(ValueError, match="lanes"):
        merge_nodes({place: Node([], 1) for place in places}, lanes, lambda into, other: None)
