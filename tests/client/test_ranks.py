"""The exchange of a client's ranks gives one rank's bits, whatever their number."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa.client.ranks import Ranks
from parsl_sa.client.workload import lanes_of
from parsl_sa.records import Layout
from parsl_sa.stats import LaneTree, assemble

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from parsl_sa.stats import Accumulator

LANES = 8


class World:
    """The collective calls of a communicator, among threads."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._meet = threading.Barrier(size)
        self._desk: list[Any] = [None] * size

    def comm(self, rank: int) -> Member:
        """Return one rank's communicator."""
        return Member(self, rank)

    def swap(self, rank: int, thing: Any) -> list[Any]:
        """Give a thing, get everybody's."""
        self._desk[rank] = thing
        self._meet.wait(10)
        everybody = list(self._desk)
        self._meet.wait(10)
        return everybody


class Member:
    """One rank of a `World`."""

    def __init__(self, world: World, rank: int) -> None:
        self.world, self.rank, self.size = world, rank, world.size

    def allgather(self, value: Any) -> list[Any]:
        return self.world.swap(self.rank, value)

    def Alltoallv(self, sent: list[Any], received: list[Any]) -> None:  # noqa: N802 - mpi4py's name
        buffer, counts = sent
        assert len(buffer) == sum(counts)
        mine = []
        for other, (theirs, lengths) in enumerate(self.world.swap(self.rank, (buffer.copy(), counts))):
            begin = sum(lengths[: self.rank])
            assert lengths[self.rank] == received[1][other]
            mine.append(theirs[begin : begin + lengths[self.rank]])
        received[0][:] = np.concatenate(mine)

    def Gatherv(self, sent: Any, received: list[Any] | None, root: int) -> None:  # noqa: N802 - see above
        parts = self.world.swap(self.rank, np.array(sent))
        if self.rank == root:
            assert received is not None
            assert [len(part) for part in parts] == received[1]
            received[0][:] = np.concatenate(parts)


def in_threads(size: int, work: Callable[[Ranks], Any]) -> list[Any]:
    """Call a function on every rank of a world and return what each returned."""
    world, told = World(size), [None] * size

    def run(rank: int) -> None:
        told[rank] = work(Ranks(world.comm(rank) if size > 1 else None))

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return told


@pytest.fixture(scope="module")
def lanes() -> list[npt.NDArray[np.float64]]:
    """Return rows of each lane, of widely different sizes so that the order of sums shows."""
    rng = np.random.default_rng(5)
    return [rng.normal(size=(3, 8, 5)) * 10.0 ** rng.integers(-6, 6, size=(3, 1, 5)) for _ in range(LANES)]


def accumulator_of(n_cells: int) -> Accumulator:
    return assemble(
        [{"name": "moments"}, {"name": "extrema"}, {"name": "sobol", "estimator": "azzini-rosati"}],
        Layout("pick-freeze", 3, both_ways=True),
        n_cells,
    )


def summed(ranks: Ranks, lanes: list[npt.NDArray[np.float64]]) -> list[npt.NDArray[np.float64]] | None:
    accumulator = accumulator_of(5)
    tree = LaneTree(accumulator.combine_partials)
    for lane in lanes_of(ranks.rank, ranks.size, LANES):
        accumulator.update(lanes[lane])
        tree.push(lane, *accumulator.take_partials())
    return ranks.sum_lanes(tree.nodes, LANES, accumulator)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 7, 8])
def test_any_number_of_ranks_gives_the_same_bits(size: int, lanes: list[npt.NDArray[np.float64]]) -> None:
    (alone,) = in_threads(1, lambda ranks: summed(ranks, lanes))
    first, *others = in_threads(size, lambda ranks: summed(ranks, lanes))
    assert others == [None] * (size - 1)
    assert len(first) == len(alone)
    for one, many in zip(alone, first, strict=True):
        assert one.shape == many.shape
        assert one.tobytes() == many.tobytes()


def test_the_order_of_sums_would_show(lanes: list[npt.NDArray[np.float64]]) -> None:
    """The test above can fail: another order gives other bits."""
    (alone,) = in_threads(1, lambda ranks: summed(ranks, lanes))
    (turned,) = in_threads(1, lambda ranks: summed(ranks, lanes[1:] + lanes[:1]))
    assert any(one.tobytes() != other.tobytes() for one, other in zip(alone, turned, strict=True))


@pytest.mark.parametrize("ranks", [1, 2, 3, 5, 8])
def test_lanes_are_dealt_once_and_in_order(ranks: int) -> None:
    dealt = [lane for rank in range(ranks) for lane in lanes_of(rank, ranks, LANES)]
    assert dealt == list(range(LANES))


def test_an_abort_without_mpi_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr("parsl_sa.client.ranks.os._exit", codes.append)
    Ranks(None).abort(6)
    assert codes == [6]
