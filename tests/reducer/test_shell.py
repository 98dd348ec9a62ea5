"""The reducer's shell between a coordinator and a client that are played by the test, without sockets."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pytest

from parsl_sa.arrays import checksum
from parsl_sa.channel.in_process import InProcessChannel
from parsl_sa.channel.protocol import Message
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.messages import (
    Admit,
    Body,
    Chunk,
    Cut,
    Durable,
    Fence,
    Folded,
    Go,
    Got,
    Ready,
    Received,
    Register,
    Stop,
    Summary,
)
from parsl_sa.protocol.shard import Shard, ShardPolicy
from parsl_sa.protocol.wire import from_header, to_header
from parsl_sa.reducer import checkpoints
from parsl_sa.reducer import shell as shells
from parsl_sa.reducer.__main__ import load_accumulator
from parsl_sa.reducer.shell import Shell
from parsl_sa.stats import Form

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from parsl_sa.channel.protocol import Dialer, Server
    from parsl_sa.records import Plan
    from parsl_sa.stats import Accumulator
    from parsl_sa.studydir import StudyDir

FENCE = Fence("study", 3)
NAME = "shard-0-1"

B = TypeVar("B", bound=Body)


@dataclass
class Stage:
    """A reducer in a thread, and the ends that the test holds."""

    plan: Plan
    accumulator: Accumulator
    channel: InProcessChannel
    coordinator: Server
    client: Dialer
    codes: list[int]
    thread: threading.Thread
    directory: Path
    heard: list[Body] = field(default_factory=list)

    def tell(self, body: Body) -> None:
        """Speak as the coordinator."""
        self._until(lambda: self.coordinator.send(NAME, Message(to_header(FENCE, body))), f"{body} taken")

    def offer(self, body: Body, *arrays: npt.NDArray[Any]) -> None:
        """Speak as the client."""
        self._until(lambda: self.client.send(Message(to_header(FENCE, body), arrays)), f"{body} taken")

    def hear(self, kind: type[B], **values: Any) -> B:
        """Return the next message of a kind with these values, to coordinator or client."""
        found: list[B] = []

        def comes() -> bool:
            self.channel.wait([self.coordinator, self.client], 0.02)
            self.heard += [from_header(m.header)[1] for _, m in self.coordinator.receive()]
            self.heard += [from_header(m.header)[1] for m in self.client.receive()]
            for index, body in enumerate(self.heard):
                same = isinstance(body, kind) and all(getattr(body, k) == v for k, v in values.items())
                if same:
                    found.append(body)  # type: ignore[arg-type]
                    del self.heard[index]
                    return True
            return False

        self._until(comes, kind.__name__)
        return found[0]

    @staticmethod
    def _until(holds: Any, what: str) -> None:
        deadline = time.monotonic() + 5
        while not holds():
            assert time.monotonic() < deadline, f"not within 5 s: {what}"
            time.sleep(0.002)

    def contribute(self, lease: int, values: npt.NDArray[np.float64], attempt: int = 1) -> None:
        """Offer a contribution and send it when there is room."""
        whole = values.view(np.uint8)
        digest = lease_digest(lease, (), ())
        ready = Ready(0, 1, lease, attempt, whole.nbytes, checksum(whole), [], [], digest)
        self.offer(ready)
        self.hear(Go, lease=lease, attempt=attempt)
        half = whole.nbytes // 16 * 8
        self.offer(Chunk(0, 1, lease, attempt, 0), whole[:half])
        self.offer(Chunk(0, 1, lease, attempt, half), whole[half:])

    @property
    def size(self) -> int:
        """Numbers of one contribution."""
        return self.form.size_bytes // 8

    @property
    def form(self) -> Form:
        """How a contribution lies in memory."""
        return Form.of(self.plan, self.accumulator)

    def parts(self, values: npt.NDArray[np.float64]) -> list[npt.NDArray[Any]]:
        """Cut the numbers of a contribution into its parts."""
        return self.form.arrays(values.view(np.uint8))


@pytest.fixture
def stage(study: StudyDir, tmp_path: Path) -> Iterator[Stage]:
    plan = study.read_plan()
    accumulator = load_accumulator(study, plan)
    mine, theirs = InProcessChannel(), InProcessChannel()
    coordinator = mine.serve("desk")
    size_bytes = Form.of(plan, accumulator).size_bytes
    shard = Shard(FENCE, plan, 0, size_bytes, ShardPolicy(coordinator_silent_s=30.0, beat_s=0.1))
    address, ready = [], threading.Event()
    codes: list[int] = []

    def serve() -> None:
        server, dialer = theirs.serve("shard"), theirs.dial(coordinator.address, NAME)
        address.append(server.address)
        ready.set()
        register = Register(0, [], server.address, plan.digest, "here", 1)
        codes.append(Shell(shard, accumulator, (theirs, server, dialer), tmp_path).run(register))
        theirs.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ready.wait(5)
    client = mine.dial(address[0], "client-3-1")
    stage = Stage(plan, accumulator, mine, coordinator, client, codes, thread, tmp_path)
    stage.hear(Register)
    stage.tell(Admit(0, 1, 0))
    yield stage
    if thread.is_alive():
        stage.tell(Stop("the test is over"))
    thread.join(5)
    mine.close()
    assert codes == [0]


def values_of(stage: Stage, lease: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(lease).normal(size=stage.size)


def assert_sums(stage: Stage, state: dict[str, Any], total: npt.NDArray[np.float64]) -> None:
    """Fail unless the open parts that are sums hold these numbers."""
    opened = {name: array for name, array in state.items() if name.endswith(".open")}
    assert {"moments.open", "sobol.open"} <= opened.keys()
    for (name, array), part in zip(opened.items(), stage.parts(total), strict=True):
        if name != "extrema.open":
            np.testing.assert_array_equal(array, part)


def test_contributions_are_folded_in_order_whatever_order_they_come_in(stage: Stage) -> None:
    for lease in (1, 2, 0):
        stage.contribute(lease, values_of(stage, lease))
        stage.hear(Received, lease=lease)
        stage.hear(Got, lease=lease)
    stage.hear(Folded, prefix=3)
    stage.tell(Stop("look at it"))
    stage.thread.join(5)
    expected = [values_of(stage, lease) for lease in (0, 1, 2)]
    total = (expected[0] + expected[1]) + expected[2]
    assert_sums(stage, stage.accumulator.state(), total)
    assert stage.accumulator.n_bundles_open == 48


def test_a_damaged_contribution_is_not_folded(stage: Stage) -> None:
    whole = values_of(stage, 0).view(np.uint8)
    ready = Ready(0, 1, 0, 1, whole.nbytes, checksum(whole), [], [], lease_digest(0, (), ()))
    damaged = whole.copy()
    damaged[5] ^= 1
    stage.offer(ready)
    stage.hear(Go, lease=0)
    stage.offer(Chunk(0, 1, 0, 1, 0), damaged)
    stage.offer(ready)  # the client has had no answer
    stage.hear(Go, lease=0)
    stage.offer(Chunk(0, 1, 0, 1, 0), whole)
    stage.hear(Folded, prefix=1)
    stage.tell(Stop("look at it"))
    stage.thread.join(5)
    state = next(iter(stage.accumulator.state().values()))
    np.testing.assert_array_equal(state.ravel(), values_of(stage, 0)[: state.size])


def test_what_is_not_a_chunk_of_this_life_is_ignored(stage: Stage) -> None:
    whole = values_of(stage, 0).view(np.uint8)
    stage.offer(Chunk(0, 7, 0, 1, 0), whole)  # an incarnation that nobody issued
    stage.offer(Chunk(0, 1, 0, 1, 0), whole)  # never granted
    stage.offer(Chunk(0, 1, 0, 1, 0), whole.view(np.float64))  # no bytes
    stage.contribute(0, values_of(stage, 0))
    stage.hear(Folded, prefix=1)


def test_a_checkpoint_holds_the_state_at_its_cut(stage: Stage) -> None:
    stage.tell(Cut(0, 1, 2, last=False))
    for lease in range(3):
        stage.contribute(lease, values_of(stage, lease))
    stage.hear(Durable, prefix=2)
    stage.hear(Folded, prefix=3)
    assert [g.prefix for g in checkpoints.generations(stage.directory)] == [2]
    saved = checkpoints.load(stage.directory, 2, stage.plan.digest)
    assert_sums(stage, saved, values_of(stage, 0) + values_of(stage, 1))


def test_a_full_disk_is_waited_for_and_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shells, "_DISK_RETRY_S", 1.5)
    save, calls = checkpoints.save, []

    def full_at_first(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        return save(*args, **options)

    monkeypatch.setattr(checkpoints, "save", full_at_first)
    stage.tell(Cut(0, 1, 1, last=False))
    stage.contribute(0, values_of(stage, 0))
    deadline = time.monotonic() + 5
    while "trouble" not in (values := stage.hear(Summary).values):
        assert time.monotonic() < deadline
    assert "No space left" in values["trouble"]
    stage.hear(Durable, prefix=1)
    assert len(calls) == 2


def test_the_widest_interval_is_told_after_some_replicates(stage: Stage) -> None:
    for lease in range(4 * 9):
        stage.contribute(lease, values_of(stage, lease))
        stage.hear(Received, lease=lease)
    deadline = time.monotonic() + 8
    while (values := stage.hear(Summary).values)["n_replicates"] < 9:
        assert time.monotonic() < deadline
    assert set(values["widest"]) == {"S1", "ST"}
    assert values["n_bundles"] == 9 * 64


def test_intervals_are_told_after_a_checkpoint_that_was_written_meanwhile(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, written = checkpoints.save, threading.Event()

    def slow(*args: Any, **options: Any) -> Any:
        assert written.wait(10)
        return save(*args, **options)

    monkeypatch.setattr(checkpoints, "save", slow)
    stage.tell(Cut(0, 1, 32, last=False))
    for lease in range(32):  # the eighth replicate closes as the checkpoint begins
        stage.contribute(lease, values_of(stage, lease))
        stage.hear(Received, lease=lease)
    time.sleep(shells._SUMMARY_S + 0.2)
    written.set()
    deadline = time.monotonic() + 8
    while (values := stage.hear(Summary).values)["n_replicates"] < 8:
        assert time.monotonic() < deadline
    assert set(values["widest"]) == {"S1", "ST"}
