"""The ranks of a client as threads of one process: MPI's calls without MPI."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.client.ranks import Ranks

if TYPE_CHECKING:
    from collections.abc import Callable


class World:
    """The collective calls of a communicator, among threads."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._meet = threading.Barrier(size)
        self._desk: list[Any] = [None] * size
        self.mail: dict[tuple[int, int], SimpleQueue[Any]] = {
            (source, dest): SimpleQueue() for source in range(size) for dest in range(size)
        }

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

    def Send(self, sent: Any, dest: int, tag: int) -> None:  # noqa: N802 - see above
        self.world.mail[self.rank, dest].put((tag, np.array(sent)))

    def Recv(self, received: Any, source: int, tag: int) -> None:  # noqa: N802 - see above
        sent_tag, sent = self.world.mail[source, self.rank].get(timeout=10)
        assert (sent_tag, sent.shape, sent.dtype) == (tag, received.shape, received.dtype)
        received[:] = sent

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
