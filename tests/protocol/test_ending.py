from __future__ import annotations

import pytest

from parsl_sa.protocol.actions import End, Journal, StartClient, StartShard
from parsl_sa.protocol.messages import Beat, Cut, Grant, Hello, Stop
from parsl_sa.protocol.state import History
from support.desk import Desk, bodies, journaled, only, sent
from support.plans import tiny_plan

N = 12


def complete(desk: Desk) -> list[str]:
    """Fold everything; return the clients."""
    names = desk.begin()
    for first in range(0, N, 4):
        desk.fold(first, first + 4)
    return names


def test_a_study_ends_when_everything_is_durable() -> None:
    desk = Desk()
    a, b = complete(desk)
    assert desk.outcome() == ""
    assert [peer for peer, body in sent(desk.done) if body == Stop("done")] == [a, b]
    assert {(cut.prefix, cut.last) for cut in bodies(desk.done, Cut)} == {(N, True)}
    desk.durable(N)
    actions = desk.tick()
    assert only(actions, End) == [End("complete", "", N)]
    # The end is on disk before anybody is told.
    assert isinstance(actions[0], Journal)
    assert actions[0].durable
    assert ("shard-0-1", Stop("complete")) in sent(actions)


def test_no_lease_and_no_client_is_started_when_all_is_folded() -> None:
    desk = Desk()
    a, _ = complete(desk)
    desk.client_ended(a, 0)
    assert only(desk.wait(5.0), StartClient) == []


def test_the_last_cut_is_repeated_until_it_is_made() -> None:
    desk = Desk()
    complete(desk)
    for _ in range(100):
        assert bodies(desk.wait(1.0), Cut) == [Cut(0, 1, N, last=True)]
    assert desk.outcome() == ""


def test_a_study_whose_checkpoints_hold_everything_ends_at_once() -> None:
    desk = Desk()
    desk.tick()
    desk.state.history.digests.update(dict.fromkeys(range(N), ("d", "c")))
    desk.register(generations=[8, N])
    actions = desk.tick()
    assert only(actions, End) == [End("complete", "", N)]
    assert only(desk.done, StartClient) == []


def test_a_reducer_lost_before_the_last_checkpoint_brings_the_work_back() -> None:
    desk = Desk()
    complete(desk)
    desk.durable(8)
    desk.shard_ended()
    actions = desk.tick()
    assert only(actions, StartShard) == [StartShard(0, 2)]
    desk.register(generations=[4, 8])
    assert desk.state.outcome == ""
    started = only(desk.tick(), StartClient)
    assert len(started) == 2  # the others were sent home
    desk.hello(started[0].client)
    desk.tick()
    assert desk.granted(started[0].client) == [8, 9, 10]
    desk.fold(8, N)
    desk.durable(N)
    desk.tick()
    assert desk.outcome() == "complete"


def test_a_reducer_lost_after_the_last_checkpoint_of_which_no_word_came_ends_the_study() -> None:
    desk = Desk()
    complete(desk)
    desk.shard_ended()
    desk.tick()
    desk.register(generations=[8, N])
    desk.tick()
    assert desk.outcome() == "complete"


def test_an_interrupted_study_keeps_one_common_prefix() -> None:
    desk = Desk(plan=tiny_plan(shards=2))
    names = desk.begin()
    for shard, prefix in ((0, 3), (1, 2)):
        for lease in range(4):
            desk.got(lease, shard=shard)
        desk.folded(prefix, shard)
    actions = desk.machine.stop("interrupted", "Ctrl-C", desk.now)
    assert {(cut.prefix, cut.last) for cut in bodies(actions, Cut)} == {(3, True)}
    assert desk.machine.stop("interrupted", "Ctrl-C", desk.now) == []
    assert bodies(desk.wait(2.0, *names), Grant) == []
    desk.folded(3, 1)
    desk.durable(3, 0)
    desk.tick()
    assert desk.outcome() == ""
    desk.durable(3, 1)
    actions = desk.tick()
    assert only(actions, End) == [End("interrupted", "Ctrl-C", 3)]
    assert {peer for peer, body in sent(actions) if isinstance(body, Stop)} == {
        *names, "shard-0-1", "shard-1-1",
    }  # fmt: skip


def test_a_shard_that_had_gone_further_moves_the_last_cut() -> None:
    desk = Desk(plan=tiny_plan(shards=2))
    desk.begin()
    desk.fold(0, 2)
    desk.machine.stop("interrupted", "Ctrl-C", desk.now)
    desk.got(2, shard=0)
    desk.folded(3, shard=0)
    assert {(cut.prefix, cut.last) for cut in bodies(desk.tick(), Cut)} == {(3, True)}
    desk.durable(2, 1)
    desk.durable(3, 0)
    desk.tick()
    assert desk.outcome() == ""
    desk.got(2, shard=1)
    desk.folded(3, 1)
    desk.durable(3, 1)
    desk.tick()
    assert desk.outcome() == "interrupted"


def test_with_nothing_new_an_interrupted_study_ends_at_once() -> None:
    desk = Desk()
    desk.begin()
    desk.fold(0, 2)
    desk.durable(2)
    desk.machine.stop("interrupted", "Ctrl-C", desk.now)
    assert only(desk.tick(), End) == [End("interrupted", "Ctrl-C", 2)]


def test_an_interrupted_study_without_a_reducer_ends_at_once() -> None:
    desk = Desk()
    desk.begin()
    desk.fold(0, 2)
    desk.durable(2)
    desk.shard_ended()
    assert only(desk.machine.stop("interrupted", "Ctrl-C", desk.now), End) == [
        End("interrupted", "Ctrl-C", 2)
    ]


def test_a_resumed_study_that_is_stopped_before_its_reducer_is_up_still_has_its_checkpoint() -> None:
    history = History()
    for prefix in (2, 4):
        history.learn({"record": "durable", "shard": 0, "prefix": prefix})
    desk = Desk(history=history)
    desk.tick()
    assert only(desk.machine.stop("interrupted", "Ctrl-C", desk.now), End) == [
        End("interrupted", "Ctrl-C", 4)
    ]


def test_a_reducer_that_dies_during_the_last_cut_of_an_interrupted_study_ends_it() -> None:
    desk = Desk()
    desk.begin()
    desk.fold(0, 2)
    desk.durable(2)
    desk.fold(2, 4)
    desk.machine.stop("interrupted", "Ctrl-C", desk.now)
    assert only(desk.shard_ended(), End) == [End("interrupted", "Ctrl-C", 2)]


def test_an_interrupted_study_does_not_wait_for_ever() -> None:
    desk = Desk(stop_grace_s=30.0)
    desk.begin()
    desk.fold(0, 2)
    desk.done += desk.machine.stop("interrupted", "Ctrl-C", desk.now)
    desk.wait(29.0)
    assert desk.outcome() == ""
    desk.wait(3.0)
    assert only(desk.done, End) == [End("interrupted", "Ctrl-C", 0)]


def test_a_complete_study_whose_last_checkpoint_does_not_come_can_be_interrupted() -> None:
    desk = Desk(stop_grace_s=30.0)
    complete(desk)
    desk.done += desk.machine.stop("interrupted", "Ctrl-C", desk.now)
    desk.wait(29.0)
    assert desk.outcome() == ""
    desk.wait(3.0)
    assert only(desk.done, End) == [End("interrupted", "Ctrl-C", 0)]


def test_a_complete_study_that_is_interrupted_and_then_gets_its_checkpoint_is_complete() -> None:
    desk = Desk(stop_grace_s=30.0)
    complete(desk)
    desk.done += desk.machine.stop("interrupted", "Ctrl-C", desk.now)
    desk.durable(N)
    desk.tick()
    assert only(desk.done, End) == [End("complete", "", N)]


def test_a_budget_that_is_spent_stops_the_study() -> None:
    desk = Desk(budget_s=100.0)
    names = desk.begin()
    desk.fold(0, 2)
    desk.wait(99.0, *names)
    assert desk.state.outcome == ""
    desk.wait(2.0, *names)
    assert desk.state.outcome == "budget"
    desk.durable(2)
    desk.tick()
    assert desk.outcome() == "budget"
    assert desk.state.reason == "the budget of 100 s is spent"


@pytest.mark.parametrize("outcome", ["complete", "failed"])
def test_after_the_end_everything_is_ignored(outcome: str) -> None:
    desk = Desk()
    a, _ = complete(desk)
    if outcome == "failed":
        desk.done += desk.machine.fail("the disk is gone", desk.now)
    else:
        desk.durable(N)
        desk.tick()
    assert desk.outcome() == outcome
    assert desk.hear(a, Hello(desk.plan.digest, {}, 1, 1, "h", 1)) == []
    assert desk.durable(N) == []
    assert desk.shard_beat() == []
    assert desk.register() == []
    assert desk.client_ended(a) == []
    assert desk.shard_ended() == []
    assert desk.tick(100.0) == []
    assert desk.machine.stop("interrupted", "Ctrl-C", desk.now) == []
    assert desk.machine.fail("again", desk.now) == []
    assert len(only(desk.done, End)) == 1


def test_a_failure_ends_the_study_at_what_is_durable() -> None:
    desk = Desk()
    desk.begin()
    desk.fold(0, 4)
    desk.durable(3)
    actions = desk.machine.fail("the disk is gone", desk.now)
    assert journaled(actions) == [
        {"record": "end", "outcome": "failed", "reason": "the disk is gone", "prefix": 3}
    ]
    assert only(actions, End) == [End("failed", "the disk is gone", 3)]


def test_two_shards_that_are_lost_at_once_end_the_study_once() -> None:
    desk = Desk(plan=tiny_plan(shards=2), shard_silent_s=15.0, max_deaths=1)
    desk.begin()
    desk.tick(100.0)
    assert desk.outcome() == "failed"
    assert bodies(desk.tick(), Beat) == []
