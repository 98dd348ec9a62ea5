"""The client's shell between a coordinator and a shard that are played by the test, without sockets."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pytest

from parsl_sa.arrays import checksum
from parsl_sa.channel.in_process import InProcessChannel
from parsl_sa.channel.protocol import Message
from parsl_sa.client import shell as shells
from parsl_sa.client.shell import Outcome, Shell, patience_of
from parsl_sa.protocol.actions import Compute, Leave
from parsl_sa.protocol.messages import (
    Body,
    Bye,
    Chunk,
    Committed,
    Dropping,
    Failed,
    Fence,
    Go,
    Grant,
    Hello,
    Ready,
    Received,
    Stop,
    Welcome,
)
from parsl_sa.protocol.session import ClientSession, SessionPolicy
from parsl_sa.protocol.wire import from_header, to_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from parsl_sa.channel.protocol import Server
    from parsl_sa.studydir import StudyDir

FENCE = Fence("study", 1)
NAME = "client-1-1"
HELLO = Hello("plan", {}, 1, 3, "here", 7)
ORDER = Compute(4, 1, ())

B = TypeVar("B", bound=Body)


@dataclass
class Stage:
    """A shell, and the ends that the test holds."""

    shell: Shell
    channel: InProcessChannel
    coordinator: Server
    shards: list[Server]
    aborted: list[int]
    inbox: list[tuple[Body, tuple[npt.NDArray[Any], ...]]] = field(default_factory=list)

    def say(self, end: Server, body: Body) -> None:
        """Send a message to the client."""
        deadline = time.monotonic() + 5
        while not end.send(NAME, Message(to_header(FENCE, body))):
            assert time.monotonic() < deadline, f"{body} was not taken"
            time.sleep(0.005)

    def hear(self, end: Server, kind: type[B]) -> tuple[B, tuple[npt.NDArray[Any], ...]]:
        """Return the next message of a kind; others that came before it are passed over."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            self.channel.wait([end], 0.05)
            self.inbox += [(from_header(m.header)[1], m.arrays) for _, m in end.receive()]
            for index, (body, arrays) in enumerate(self.inbox):
                if isinstance(body, kind):
                    del self.inbox[: index + 1]
                    return body, arrays
        raise AssertionError(f"no {kind.__name__}")

    def welcome(self, shard: Server, incarnation: int) -> None:
        route = {"shard": 0, "incarnation": incarnation, "address": shard.address}
        self.say(self.coordinator, Welcome([route]))  # type: ignore[list-item]


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    aborted: list[int] = []
    mine, theirs = InProcessChannel(), InProcessChannel()
    coordinator, shards = mine.serve("desk"), [mine.serve("shard"), mine.serve("shard")]
    session = ClientSession(FENCE, 1, SessionPolicy(coordinator_silent_s=30.0, beat_s=0.05))
    shell = Shell(
        session,
        theirs,
        (coordinator.address, NAME),
        leave_at=getattr(request, "param", None),
        abort=aborted.append,
    )
    shell.start(HELLO)
    stage = Stage(shell, mine, coordinator, shards, aborted)
    yield stage
    if shell._thread.is_alive():
        stage.say(coordinator, Stop("the test is over"))
        while not isinstance(stage.shell.orders.get(timeout=5), Leave):
            pass
    shell.join()
    mine.close()


def outcome_of(order: Compute, values: npt.NDArray[np.float64], dropped: tuple[int, ...] = ()) -> Outcome:
    return Outcome(order, values.ravel().view(np.uint8), list(dropped), [], "")


def draw(stage: Stage) -> Compute:
    """Introduce the client, give it a lease, and return the order that comes out."""
    stage.hear(stage.coordinator, Hello)
    stage.welcome(stage.shards[0], 1)
    stage.say(stage.coordinator, Grant(ORDER.lease, ORDER.attempt, []))
    order = stage.shell.orders.get(timeout=5)
    assert order == ORDER
    return ORDER


def test_a_contribution_is_offered_sent_and_freed(stage: Stage) -> None:
    order, values = draw(stage), np.arange(12.0).reshape(3, 4)
    stage.shell.report(outcome_of(order, values))
    ready, _ = stage.hear(stage.shards[0], Ready)
    whole = values.ravel().view(np.uint8)
    assert (ready.lease, ready.size_bytes, ready.checksum) == (4, 96, checksum(whole))
    stage.say(stage.shards[0], Go(0, 1, 4, 1))
    chunk, (data,) = stage.hear(stage.shards[0], Chunk)
    assert chunk.offset == 0
    assert data.tobytes() == values.tobytes()
    assert stage.shell._buffers
    stage.say(stage.shards[0], Received(0, 1, 4, 1))
    deadline = time.monotonic() + 5
    while stage.shell._buffers and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not stage.shell._buffers
    assert stage.aborted == []


def test_a_large_contribution_goes_in_chunks(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shells, "CHUNK_BYTES", 40)
    order, values = draw(stage), np.arange(12.0).reshape(3, 4)
    stage.shell.report(outcome_of(order, values))
    stage.hear(stage.shards[0], Ready)
    stage.say(stage.shards[0], Go(0, 1, 4, 1))
    parts = [stage.hear(stage.shards[0], Chunk) for _ in range(3)]
    assert [chunk.offset for chunk, _ in parts] == [0, 40, 80]
    assert b"".join(data.tobytes() for _, (data,) in parts) == values.tobytes()


def test_the_next_reducer_is_offered_what_is_held(stage: Stage) -> None:
    order, values = draw(stage), np.arange(12.0).reshape(3, 4)
    stage.shell.report(outcome_of(order, values))
    stage.hear(stage.shards[0], Ready)
    stage.say(stage.shards[0], Go(0, 1, 4, 1))
    stage.hear(stage.shards[0], Chunk)  # and then it dies without a word
    stage.welcome(stage.shards[1], 2)
    ready, _ = stage.hear(stage.shards[1], Ready)
    assert (ready.incarnation, ready.lease, ready.attempt) == (2, 4, 1)
    stage.say(stage.shards[1], Go(0, 2, 4, 1))
    _, (data,) = stage.hear(stage.shards[1], Chunk)
    assert data.tobytes() == values.tobytes()


def test_drops_are_committed_before_anything_is_offered(stage: Stage) -> None:
    order, values = draw(stage), np.arange(12.0).reshape(3, 4)
    stage.shell.report(outcome_of(order, values, dropped=(65,)))
    dropping, _ = stage.hear(stage.coordinator, Dropping)
    assert (dropping.lease, dropping.dropped) == (4, [65])
    stage.channel.wait([stage.shards[0]], 0.2)
    assert stage.shards[0].receive() == []
    stage.say(stage.coordinator, Committed(4, 1))
    ready, _ = stage.hear(stage.shards[0], Ready)
    assert ready.dropped == [65]


def test_a_failure_of_the_model_goes_to_the_coordinator(stage: Stage) -> None:
    order = draw(stage)
    stage.shell.report(Outcome(order, None, [], [66], "ValueError: no"))
    failed, _ = stage.hear(stage.coordinator, Failed)
    assert (failed.lease, failed.poisoned, failed.error) == (4, [66], "ValueError: no")


def test_a_computing_thread_that_obeys_is_not_aborted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shells, "_LEAVE_GRACE_S", 0.2)
    draw(stage)
    stage.say(stage.coordinator, Stop("done"))
    assert stage.shell.orders.get(timeout=5) == Leave(0, "done")
    stage.shell.join()
    time.sleep(0.5)  # MPI's own end may take longer than the grace
    assert stage.aborted == []


def test_a_computing_thread_that_does_not_come_back_is_aborted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shells, "_LEAVE_GRACE_S", 0.1)
    draw(stage)
    stage.say(stage.coordinator, Stop("done"))
    deadline = time.monotonic() + 5
    while not stage.aborted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stage.aborted == [8]


@pytest.mark.parametrize("stage", [0.0], indirect=True)
def test_a_client_whose_walltime_nears_says_goodbye(stage: Stage) -> None:
    bye, _ = stage.hear(stage.coordinator, Bye)
    assert bye.reason == "walltime nears"
    assert isinstance(stage.shell.orders.get(timeout=5), Leave)
    stage.shell.join()


def test_a_lease_that_never_ends_aborts_the_client(stage: Stage) -> None:
    stage.shell._patience_s = 0.3
    draw(stage)
    deadline = time.monotonic() + 5
    while not stage.aborted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stage.aborted[:1] == [9]


def test_patience_grows_with_the_leases_seen(stage: Stage) -> None:
    stage.shell._patience_s = 0.3
    order = draw(stage)
    time.sleep(0.15)
    stage.shell.report(outcome_of(order, np.arange(12.0).reshape(3, 4)))
    stage.hear(stage.shards[0], Ready)
    assert stage.shell._patience_s >= 20 * 0.15
    time.sleep(0.5)  # nothing is computed: nothing can hang
    assert stage.aborted == []


def test_patience_is_a_multiple_of_what_the_probe_has_seen(study: StudyDir) -> None:
    plan = dataclasses.replace(study.read_plan(), forward_s=6.0)  # 8 batches a lease, 4 a rank
    assert patience_of(plan, 2) == pytest.approx(20 * 4 * 6.0)
    assert patience_of(study.read_plan(), 2) == 60.0
