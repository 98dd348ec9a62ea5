from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.protocol.actions import Action, Discard, Fold, Leave, Load, Send, SendCoordinator, Write
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.messages import (
    Admit,
    Beat,
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
    ShardBeat,
    Stop,
    Welcome,
    Withdraw,
)
from parsl_sa.protocol.shard import Shard, ShardPolicy
from parsl_sa.protocol.wire import to_header
from support.desk import bodies, only
from support.plans import tiny_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

FENCE = Fence("study", 2)
INCARNATION = 3
SIZE = 20


class Reducer:
    """A shard that is fed by hand."""

    def __init__(self, start: int | None = 0, **policy: Any) -> None:
        self.machine = Shard(FENCE, tiny_plan(), 0, SIZE, ShardPolicy(**policy))
        self.now = 100.0
        self.machine.start(Register(0, [], "tcp://here", "plan", "h", 1), self.now)
        if start is not None:
            self.tell(Admit(0, INCARNATION, start))

    def tell(self, body: Body, fence: Fence = FENCE) -> list[Action]:
        return self.machine.on_coordinator(to_header(fence, body), self.now)

    def tick(self, after_s: float = 0.0) -> list[Action]:
        self.now += after_s
        return self.machine.on_tick(self.now)

    def offer(self, lease: int, peer: str = "a", fence: Fence = FENCE, **other: Any) -> list[Action]:
        return self.machine.on_client(peer, to_header(fence, offer(lease, **other)), self.now)

    def chunk(self, lease: int, attempt: int = 1, peer: str = "a", **other: Any) -> Chunk | None:
        plain = {"shard": 0, "incarnation": INCARNATION, "offset": 0, **other}
        length = plain.pop("length", SIZE)
        header = to_header(FENCE, Chunk(lease=lease, attempt=attempt, **plain))
        return self.machine.on_chunk(peer, header, length, self.now)

    def receive(
        self, lease: int, attempt: int = 1, peer: str = "a", dropped: Sequence[int] = ()
    ) -> list[Action]:
        actions = self.offer(lease, peer, attempt=attempt, dropped=list(dropped))
        assert self.chunk(lease, attempt, peer) is not None
        assert self.machine.is_complete(lease)
        return [*actions, *self.machine.on_assembled(lease, f"sum {lease}", self.now)]


def offer(lease: int, **other: Any) -> Ready:
    plain: dict[str, Any] = {
        "shard": 0, "incarnation": INCARNATION, "attempt": 1, "size_bytes": SIZE,
        "checksum": f"sum {lease}", "exclude": [], "dropped": [], **other,
    }  # fmt: skip
    plain.setdefault("digest", lease_digest(lease, plain["exclude"], plain["dropped"]))
    return Ready(lease=lease, **plain)


def folds(actions: Sequence[Action]) -> list[int]:
    return [action.lease for action in only(actions, Fold)]


def test_it_registers_until_it_is_admitted_and_once() -> None:
    reducer = Reducer(start=None)
    assert bodies(reducer.tick(1.0), Register) == []
    assert len(bodies(reducer.tick(5.0), Register)) == 1
    assert reducer.tell(Admit(0, INCARNATION, 4)) == [Load(4)]
    assert reducer.machine.prefix == 4
    assert reducer.tell(Admit(0, INCARNATION, 4)) == []
    assert reducer.tell(Admit(0, INCARNATION + 1, 0)) == []
    assert reducer.machine.incarnation == INCARNATION
    assert bodies(reducer.tick(5.0), Register) == []


def test_before_it_is_admitted_it_takes_nothing() -> None:
    reducer = Reducer(start=None)
    assert reducer.offer(0, incarnation=0) == []
    assert reducer.tell(Cut(0, 0, 0, last=False)) == []
    assert reducer.machine.ignored == 2


def test_a_contribution_is_admitted_received_told_and_folded() -> None:
    reducer = Reducer()
    actions = reducer.offer(0)
    assert bodies(actions, Go) == [Go(0, INCARNATION, 0, 1)]
    assert reducer.chunk(0, length=8) is not None
    assert not reducer.machine.is_complete(0)
    assert reducer.chunk(0, offset=8, length=12) is not None
    actions = reducer.machine.on_assembled(0, "sum 0", reducer.now)
    assert bodies(actions, Received) == [Received(0, INCARNATION, 0, 1)]
    assert [got.lease for got in bodies(actions, Got)] == [0]
    assert only(actions, Fold) == [Fold(0, 1, 4, closes=False)]
    assert bodies(actions, Folded) == [Folded(0, INCARNATION, 1)]
    # The coordinator hears what the lease lacks before it hears that it is folded.
    told = [action.body for action in only(actions, SendCoordinator)]
    assert [type(body) for body in told] == [Got, Folded]


def test_contributions_are_folded_in_lease_order_and_replicates_closed() -> None:
    reducer = Reducer()
    assert folds(reducer.receive(2)) == []
    assert folds(reducer.receive(1)) == []
    actions = reducer.receive(0)
    assert folds(actions) == [0, 1, 2]
    assert [fold.closes for fold in only(actions, Fold)] == [False, True, False]
    assert bodies(actions, Folded) == [Folded(0, INCARNATION, 3)]


def test_a_fold_counts_the_bundles_that_are_left() -> None:
    reducer = Reducer()
    (fold,) = only(reducer.receive(0, dropped=[1, 3]), Fold)
    assert fold.n_bundles == 2


def test_a_duplicate_below_the_prefix_is_acknowledged_and_ignored() -> None:
    reducer = Reducer()
    reducer.receive(0)
    actions = reducer.offer(0, peer="b", attempt=2)
    assert bodies(actions, Received) == [Received(0, INCARNATION, 0, 2)]
    assert [got.attempt for got in bodies(actions, Got)] == [2]
    assert bodies(actions, Go) == []
    assert folds(actions) == []


def test_a_duplicate_of_what_is_buffered_is_acknowledged_and_ignored() -> None:
    reducer = Reducer()
    reducer.receive(1)
    actions = reducer.offer(1, peer="b", attempt=2)
    assert bodies(actions, Received) == [Received(0, INCARNATION, 1, 2)]
    assert bodies(actions, Go) == []
    assert folds(reducer.receive(0)) == [0, 1]


def test_a_second_attempt_waits_and_is_answered_by_the_first() -> None:
    reducer = Reducer()
    reducer.offer(0)
    assert bodies(reducer.offer(0, peer="b", attempt=2), Go) == []
    assert reducer.chunk(0) is not None
    actions = reducer.machine.on_assembled(0, "sum 0", reducer.now)
    received = {action.peer: action.body for action in only(actions, Send)}
    assert received == {"a": Received(0, INCARNATION, 0, 1), "b": Received(0, INCARNATION, 0, 2)}
    assert folds(actions) == [0]


def test_a_second_attempt_takes_over_when_the_first_stalls() -> None:
    reducer = Reducer(stall_s=10.0)
    reducer.offer(0)
    assert reducer.chunk(0, length=8) is not None
    reducer.offer(0, peer="b", attempt=2)
    reducer.tell(Beat(0))
    actions = reducer.tick(11.0)
    assert Discard(0, 1) in actions
    assert [(action.peer, action.body) for action in only(actions, Send)] == [("b", Go(0, INCARNATION, 0, 2))]
    assert reducer.chunk(0, offset=8, length=12) is None
    assert folds(reducer.receive(0, 2, "b")) == [0]


def test_bytes_with_another_checksum_are_thrown_away_and_may_come_again() -> None:
    reducer = Reducer()
    reducer.offer(0)
    reducer.offer(0, peer="b", attempt=2)
    assert reducer.chunk(0) is not None
    actions = reducer.machine.on_assembled(0, "other", reducer.now)
    assert Discard(0, 1) in actions
    assert bodies(actions, Received) == []
    assert bodies(actions, Go) == [Go(0, INCARNATION, 0, 2)]  # whoever waits has his turn first
    assert reducer.machine.ignored == 1
    reducer.machine.intake.refuse(0)
    assert folds(reducer.receive(0)) == [0]


def test_the_head_has_a_place_when_all_others_are_taken() -> None:
    reducer = Reducer(room=3)
    for lease in (1, 2):
        reducer.receive(lease)
    assert bodies(reducer.offer(3), Go) == []
    actions = reducer.offer(0)
    assert bodies(actions, Go) == [Go(0, INCARNATION, 0, 1)]
    assert reducer.chunk(0) is not None
    actions = reducer.machine.on_assembled(0, "sum 0", reducer.now)
    assert folds(actions) == [0, 1, 2]
    assert bodies(actions, Go) == [Go(0, INCARNATION, 3, 1)]


@pytest.mark.parametrize(
    "other",
    [
        {"incarnation": INCARNATION - 1},
        {"incarnation": INCARNATION + 1},
        {"shard": 1},
        {"fence": Fence("study", 1)},
        {"fence": Fence("another", 2)},
        {"size_bytes": SIZE + 1},
        {"digest": "0"},
        {"dropped": [1, 1]},
        {"dropped": [1], "exclude": [1]},
        {"dropped": [4]},
        {"exclude": [99]},
    ],
    ids=str,
)
def test_an_offer_that_is_fenced_or_unsound_leaves_no_trace(other: dict[str, Any]) -> None:
    reducer = Reducer()
    assert reducer.offer(0, **other) == []
    assert reducer.machine.intake.waiting == {}
    assert reducer.machine.intake.assembling == {}
    assert reducer.machine.ignored == 1


@pytest.mark.parametrize("lease", [12, 13, 10**15])
def test_an_offer_of_a_lease_beyond_the_plan_leaves_no_trace(lease: int) -> None:
    reducer = Reducer()
    assert reducer.offer(lease) == []
    assert reducer.machine.intake.waiting == {}


@pytest.mark.parametrize("other", [{"incarnation": 2}, {"shard": 1}, {"attempt": 2}, {"peer": "b"}], ids=str)
def test_chunks_that_were_not_asked_for_are_ignored(other: dict[str, Any]) -> None:
    reducer = Reducer()
    reducer.offer(0)
    assert reducer.chunk(0, **other) is None
    assert reducer.chunk(1) is None
    assert reducer.machine.on_chunk("a", {"noise": 1}, 8, reducer.now) is None
    assert reducer.machine.ignored == 3
    assert reducer.chunk(0) is not None


def test_noise_is_counted_and_ignored() -> None:
    reducer = Reducer()
    assert reducer.machine.on_client("a", {"kind": "ready"}, reducer.now) == []
    assert reducer.machine.on_client("a", to_header(FENCE, Stop("go")), reducer.now) == []
    assert reducer.machine.on_coordinator({"kind": 1}, reducer.now) == []
    assert reducer.tell(Welcome([])) == []
    assert reducer.tell(Stop("of another life"), Fence("study", 1)) == []
    assert reducer.machine.ignored == 5


def test_what_a_client_withdraws_makes_room() -> None:
    reducer = Reducer(room=2)
    reducer.offer(1)
    reducer.offer(2, peer="b")
    actions = reducer.machine.on_client("a", to_header(FENCE, Withdraw(0, INCARNATION, 1, 1)), reducer.now)
    assert Discard(1, 1) in actions
    assert bodies(actions, Go) == [Go(0, INCARNATION, 2, 1)]
    stale = to_header(FENCE, Withdraw(0, INCARNATION - 1, 2, 1))
    assert reducer.machine.on_client("b", stale, reducer.now) == []


def test_it_beats_and_leaves_when_the_coordinator_is_silent() -> None:
    reducer = Reducer(coordinator_silent_s=20.0)
    assert bodies(reducer.tick(1.0), ShardBeat) == [ShardBeat(0, INCARNATION, 0, 0)]
    assert bodies(reducer.tick(0.1), ShardBeat) == []
    reducer.now += 10.0
    reducer.tell(Beat(0))
    assert only(reducer.tick(15.0), Leave) == []
    assert only(reducer.tick(6.0), Leave)[0].code == 3


def test_repeated_registration_does_not_hide_the_coordinators_silence() -> None:
    reducer = Reducer(start=None, coordinator_silent_s=20.0, resend_s=3.0)
    left = [leave for _ in range(25) for leave in only(reducer.tick(1.0), Leave)]
    assert left
    assert left[0].code == 3


def test_it_leaves_when_told() -> None:
    assert Reducer().tell(Stop("done")) == [Leave(0, "done")]


def test_what_the_coordinator_has_not_confirmed_is_said_again() -> None:
    reducer = Reducer(resend_s=3.0)
    for lease in (0, 1, 3):
        reducer.receive(lease)
    assert bodies(reducer.tell(Beat(0)), Got) == []
    reducer.now += 4.0
    assert [got.lease for got in bodies(reducer.tell(Beat(1)), Got)] == [1, 3]
    assert bodies(reducer.tell(Beat(1)), Got) == []
    reducer.now += 4.0
    assert [got.lease for got in bodies(reducer.tell(Beat(2)), Got)] == [3]
    assert set(reducer.machine.told) == {3}


def test_a_cut_is_made_when_exactly_so_many_leases_are_folded() -> None:
    reducer = Reducer()
    reducer.receive(0)
    assert reducer.tell(Cut(0, INCARNATION, 3, last=False)) == []
    reducer.receive(3)
    reducer.receive(2)
    actions = reducer.receive(1)
    assert folds(actions) == [1, 2]
    assert only(actions, Write) == [Write(3, INCARNATION)]
    assert folds(reducer.receive(4)) == []  # receiving goes on, folding pauses
    reducer.now += 2.0
    actions = reducer.machine.on_written(3, reducer.now)
    assert bodies(actions, Durable) == [Durable(0, INCARNATION, 3, 2.0)]
    assert folds(actions) == [3, 4]
    assert bodies(reducer.tick(1.0), ShardBeat) == [ShardBeat(0, INCARNATION, 5, 3)]


def test_room_is_given_during_a_write() -> None:
    reducer = Reducer(room=3)
    reducer.receive(0)
    assert only(reducer.tell(Cut(0, INCARNATION, 1, last=False)), Write) == [Write(1, INCARNATION)]
    reducer.offer(1)
    reducer.offer(2)
    reducer.offer(3)
    reducer.offer(4)
    assert reducer.chunk(1) is not None
    assert set(reducer.machine.intake.waiting) == {4}
    actions = reducer.machine.on_assembled(1, "sum 1", reducer.now)
    assert folds(actions) == []
    assert len(reducer.machine.intake.assembling) + len(reducer.machine.intake.buffered) == 3


@pytest.mark.parametrize("last", [False, True])
def test_a_cut_that_is_said_again_is_made_once(last: bool) -> None:
    reducer = Reducer()
    reducer.receive(0)
    cut = Cut(0, INCARNATION, 1, last)
    assert only(reducer.tell(cut), Write) == [Write(1, INCARNATION)]
    assert only(reducer.tell(cut), Write) == []
    assert only(reducer.machine.on_written(1, reducer.now), Write) == []
    assert only(reducer.tell(cut), Write) == []


def test_a_second_cut_during_a_write_follows_it() -> None:
    reducer = Reducer()
    reducer.receive(0)
    reducer.tell(Cut(0, INCARNATION, 1, last=False))
    reducer.receive(1)
    assert only(reducer.tell(Cut(0, INCARNATION, 2, last=True)), Write) == []
    actions = reducer.machine.on_written(1, reducer.now)
    assert folds(actions) == [1]
    assert only(actions, Write) == [Write(2, INCARNATION)]


def test_nothing_is_folded_beyond_the_last_cut() -> None:
    reducer = Reducer()
    reducer.tell(Cut(0, INCARNATION, 1, last=True))
    reducer.receive(1)
    actions = reducer.receive(0)
    assert folds(actions) == [0]
    assert only(actions, Write) == [Write(1, INCARNATION)]
    assert folds(reducer.machine.on_written(1, reducer.now)) == []


def test_a_last_cut_that_comes_too_late_is_answered_with_the_prefix_and_moved() -> None:
    reducer = Reducer()
    reducer.receive(0)
    reducer.receive(1)
    actions = reducer.tell(Cut(0, INCARNATION, 1, last=True))
    assert bodies(actions, Folded) == [Folded(0, INCARNATION, 2)]
    assert only(actions, Write) == []
    assert folds(reducer.receive(2)) == []  # it holds until the common cut is known
    actions = reducer.tell(Cut(0, INCARNATION, 3, last=True))
    assert folds(actions) == [2]
    assert only(actions, Write) == [Write(3, INCARNATION)]


@pytest.mark.parametrize("cut", [Cut(0, INCARNATION - 1, 1, last=True), Cut(1, INCARNATION, 1, last=True)])
def test_a_cut_for_another_reducer_is_ignored(cut: Cut) -> None:
    reducer = Reducer()
    reducer.receive(0)
    assert reducer.tell(cut) == []
    assert reducer.machine.last_cut is None
