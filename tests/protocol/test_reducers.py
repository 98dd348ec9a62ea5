from __future__ import annotations

import pytest

from parsl_sa.protocol.actions import Journal, KillShard, StartShard
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.messages import (
    Admit,
    Beat,
    Fence,
    Folded,
    Got,
    Register,
    ShardBeat,
    Stop,
    Summary,
    Welcome,
)
from parsl_sa.protocol.roster import Ending
from parsl_sa.protocol.state import History
from support.desk import Desk, bodies, journaled, only, sent
from support.plans import tiny_plan


def known(n_leases: int) -> History:
    """Return the history of a study that has received so many leases."""
    history = History()
    for lease in range(n_leases):
        digest = lease_digest(lease, [], [])
        history.learn({"record": "received", "lease": lease, "digest": digest, "checksum": f"sum {lease}"})
    return history


def test_a_reducer_is_admitted_under_an_incarnation_that_is_on_disk_first() -> None:
    desk = Desk()
    assert only(desk.tick(), StartShard) == [StartShard(0, 1)]
    actions = desk.register()
    assert actions[0] == Journal(
        {"record": "incarnation", "shard": 0, "epoch": 2, "incarnation": 1, "start": 0}, durable=True
    )
    assert sent(actions) == [("shard-0-1", Admit(0, 1, 0))]


def test_a_registration_that_comes_twice_gets_the_same_answer_and_changes_nothing() -> None:
    desk = Desk(history=known(8))
    desk.begin(generations=[4, 8])
    actions = desk.register(generations=[4, 8])
    assert sent(actions) == [("shard-0-1", Admit(0, 1, 8))]
    assert journaled(actions) == []


def test_a_reducer_starts_from_its_newest_checkpoint() -> None:
    desk = Desk(history=known(8))
    a, _ = desk.begin(generations=[4, 8])
    assert desk.ledger.prefix == 8
    assert desk.granted(a) == [8, 10]


def test_a_checkpoint_that_holds_a_lease_without_a_journaled_digest_is_not_used() -> None:
    history = known(8)
    del history.digests[5]
    desk = Desk(history=history)
    desk.tick()
    assert bodies(desk.register(generations=[4, 8]), Admit) == [Admit(0, 1, 4)]
    desk = Desk(history=known(8))
    desk.tick()
    assert bodies(desk.register(generations=[4, 8, 13]), Admit) == [Admit(0, 1, 8)]


def test_a_reducer_that_falls_back_to_an_older_checkpoint_gets_its_leases_again() -> None:
    desk = Desk()
    a, b = desk.begin()
    desk.fold(0, 4)
    desk.durable(2)
    desk.durable(4)
    assert set(desk.ledger.entries) == {4, 5, 6, 7, 8, 9}
    desk.fold(4, 6)
    desk.restart(generations=[2])
    assert desk.ledger.prefix == 2
    assert desk.state.shards[0].durable == 2
    for client in (a, b):
        for lease in list(desk.ledger.holding(client)):
            desk.got(lease, client)
    desk.tick()
    assert sorted(desk.granted(a)[-2:] + desk.granted(b)[-2:]) == [2, 3, 4, 5]


def test_what_was_folded_and_not_durable_is_handed_out_again() -> None:
    desk = Desk(slots=3, window=12)
    desk.begin()
    desk.fold(0, 4)
    desk.restart()
    assert sorted(desk.ledger.returned)[:4] == [0, 1, 2, 3]


@pytest.mark.parametrize("fence", [Fence("study", 1), Fence("study", 3), Fence("another", 2)])
def test_a_reducer_of_another_study_or_epoch_is_ignored(fence: Fence) -> None:
    desk = Desk()
    desk.tick()
    register = Register(0, [], "tcp://0", desk.plan.digest, "h", 1)
    assert desk.hear("shard-0-1", register, fence) == []
    assert not desk.state.shards[0].is_up
    desk.register()
    assert desk.hear("shard-0-1", Folded(0, 1, 5), fence) == []
    assert desk.state.faults.ignored == 2


@pytest.mark.parametrize(
    ("peer", "shard", "plan"),
    [("shard-0-1", 0, "another plan"), ("shard-0-2", 0, ""), ("shard-1-1", 1, ""), ("client-2-1", 0, "")],
)
def test_whoever_is_not_the_reducer_that_was_started_is_sent_away(peer: str, shard: int, plan: str) -> None:
    desk = Desk()
    desk.tick()
    register = Register(shard, [], "tcp://0", plan or desk.plan.digest, "h", 1)
    assert isinstance(sent(desk.hear(peer, register))[0][1], Stop)
    assert not desk.state.shards[0].is_up


def test_an_old_incarnation_is_sent_away_and_changes_nothing() -> None:
    desk = Desk()
    desk.begin()
    desk.fold(0, 2)
    desk.restart()
    assert desk.state.shards[0].incarnation == 2
    digest = lease_digest(0, [], [])
    for peer, incarnation in (("shard-0-1", 1), ("shard-0-1", 2), ("shard-0-2", 1)):
        for body in (
            Folded(0, incarnation, 2),
            Got(0, incarnation, 0, 1, digest, "sum 0", [], []),
            ShardBeat(0, incarnation, 2, 2),
            Summary(0, incarnation, {"n": 1}),
        ):
            assert sent(desk.hear(peer, body)) == [(peer, Stop("replaced"))]
    assert desk.ledger.prefix == 0
    assert desk.state.shards[0].durable == 0
    assert desk.state.summary == {}


def test_a_frozen_reducer_that_is_back_before_its_successor_is_sent_away() -> None:
    desk = Desk(shard_silent_s=15.0)
    a, b = desk.begin()
    while not only(desk.done, KillShard):
        desk.beat(a)
        desk.beat(b)
        desk.tick(1.0)
    assert only(desk.done, KillShard) == [KillShard(0, 1)]
    assert only(desk.done, StartShard) == [StartShard(0, 1)]
    assert sent(desk.hear("shard-0-1", ShardBeat(0, 1, 0, 0))) == [("shard-0-1", Stop("replaced"))]
    assert only(desk.tick(), StartShard) == [StartShard(0, 2)]
    register = Register(0, [], "tcp://0", desk.plan.digest, "h", 1)
    assert sent(desk.hear("shard-0-1", register)) == [("shard-0-1", Stop("replaced"))]
    assert sent(desk.hear("shard-0-2", register))[0] == ("shard-0-2", Admit(0, 2, 0))


def test_clients_hear_of_a_new_reducer_at_once() -> None:
    desk = Desk()
    a, b = desk.begin()
    actions = desk.restart()
    assert [peer for peer, body in sent(actions) if isinstance(body, Welcome)] == [a, b]


def test_a_reducer_that_dies_is_killed_whole_and_started_again_with_patience() -> None:
    desk = Desk(max_deaths=9, backoff_s=4.0)
    desk.begin()
    assert only(desk.shard_ended(), KillShard) == [KillShard(0, 1)]
    assert only(desk.tick(), StartShard) == [StartShard(0, 2)]
    desk.shard_ended()
    assert only(desk.tick(3.9), StartShard) == []
    assert only(desk.tick(0.2), StartShard) == [StartShard(0, 3)]


def test_the_end_of_an_earlier_life_is_no_news() -> None:
    desk = Desk()
    desk.begin()
    desk.shard_ended()
    assert desk.shard_ended() == []
    desk.tick()
    desk.register()
    assert desk.machine.on_shard_ended(0, 1, Ending(-9), desk.now) == []
    assert desk.machine.on_shard_ended(7, 1, Ending(-9), desk.now) == []
    assert desk.state.shards[0].is_up
    assert desk.state.shards[0].deaths == 1


def test_deaths_without_any_progress_end_the_study() -> None:
    desk = Desk(max_deaths=3)
    desk.begin()
    for _ in range(3):
        assert desk.outcome() == ""
        desk.shard_ended()
        desk.wait(61.0)
        if not desk.outcome():
            desk.register()
    assert desk.outcome() == "failed"
    assert "the reducer died 3 times without progress" in desk.state.reason


def test_progress_clears_the_deaths() -> None:
    desk = Desk(max_deaths=2)
    desk.begin()
    for first in range(4):
        desk.restart(generations=[first])
        desk.tick()
        desk.fold(first, first + 1)
        desk.durable(first + 1)
    assert desk.outcome() == ""


def test_a_reducer_may_wait_in_a_queue_and_then_has_time_to_start() -> None:
    desk = Desk(start_grace_s=100.0, queue_grace_s=1000.0)
    desk.tick()
    desk.wait(900.0)
    desk.machine.on_started("shard-0-1", desk.now)
    desk.wait(99.0)
    assert only(desk.done, KillShard) == []
    desk.wait(3.0)
    assert only(desk.done, KillShard) == [KillShard(0, 1)]


def test_its_sign_of_life_says_what_is_known_of_it() -> None:
    desk = Desk()
    desk.begin()
    desk.fold(0, 3)
    assert bodies(desk.tick(1.0), Beat) == [Beat(3)]


def test_a_prefix_counts_only_as_far_as_digests_are_journaled() -> None:
    desk = Desk()
    desk.begin()
    desk.got(0)
    desk.got(2)
    desk.folded(3)
    assert desk.ledger.prefix == 1
    assert bodies(desk.tick(1.0), Beat) == [Beat(1)]
    desk.got(1)
    desk.of_shard(ShardBeat, 0, prefix=3, durable=0)
    assert desk.ledger.prefix == 3
    assert [r["lease"] for r in journaled(desk.done) if r["record"] == "received"] == [0, 2, 1]


def test_a_sign_of_life_tells_what_a_lost_word_would_have() -> None:
    desk = Desk()
    desk.begin()
    for lease in range(4):
        desk.got(lease)
    desk.of_shard(ShardBeat, 0, prefix=4, durable=2)
    assert desk.ledger.prefix == 4
    assert desk.state.shards[0].durable == 2


@pytest.mark.parametrize("lease", [6, 11, 12, 10**12])
def test_the_arrival_of_a_lease_that_never_went_out_leaves_no_trace(lease: int) -> None:
    desk = Desk(window=6)
    desk.begin()
    assert desk.got(lease) == []
    assert lease not in desk.ledger.entries
    assert lease not in desk.state.history.digests
    assert desk.outcome() == ""


def test_every_digest_is_journaled_once() -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.got(0, a)
    desk.got(0, a)
    desk.restart()
    desk.got(0)
    assert [record["record"] for record in journaled(desk.done)].count("received") == 1


def test_shards_keep_to_one_prefix_and_agree_on_what_a_lease_lost() -> None:
    desk = Desk(plan=tiny_plan(shards=2))
    a, _ = desk.begin()
    desk.got(0, a, shard=0)
    desk.folded(1, shard=0)
    assert desk.ledger.prefix == 0
    assert 0 in desk.ledger.holding(a)
    desk.got(0, a, shard=1, checksum="another slab has other bytes")
    assert desk.state.faults.other_bits == 0
    assert 0 not in desk.ledger.holding(a)
    desk.folded(1, shard=1)
    assert desk.ledger.prefix == 1
    desk.got(1, shard=0)
    desk.got(1, shard=1, exclude=[4])
    assert desk.outcome() == "failed"


def test_summaries_are_kept_for_whoever_looks() -> None:
    desk = Desk()
    desk.begin()
    desk.of_shard(Summary, 0, values={"widest": {"S1": 0.1}})
    assert desk.state.summary == {0: {"widest": {"S1": 0.1}}}
