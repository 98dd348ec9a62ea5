from __future__ import annotations

from parsl_sa.protocol.actions import Journal
from parsl_sa.protocol.messages import Cut
from support.desk import Desk, bodies, journaled, only
from support.plans import tiny_plan


def test_a_cut_is_announced_where_no_shard_can_be_yet() -> None:
    desk = Desk(plan=tiny_plan(shards=2), checkpoint_s=60.0)
    desk.begin()
    desk.fold(0, 2)
    desk.wait(58.0, *desk.state.clients)
    assert bodies(desk.done, Cut) == []
    actions = desk.wait(3.0, *desk.state.clients)
    cuts = bodies(actions, Cut)
    assert {cut.shard for cut in cuts} == {0, 1}
    assert {(cut.prefix, cut.last) for cut in cuts} == {(desk.ledger.next, False)}


def test_nothing_is_cut_where_nothing_is_new() -> None:
    desk = Desk(checkpoint_s=10.0)
    names = desk.begin()
    desk.wait(30.0, *names)
    assert bodies(desk.done, Cut) == []
    desk.fold(0, 1)
    desk.wait(11.0, *names)
    assert bodies(desk.done, Cut) != []


def test_a_cut_is_repeated_until_it_is_durable_and_only_one_is_under_way() -> None:
    desk = Desk(checkpoint_s=10.0)
    names = desk.begin()
    desk.fold(0, 1)
    desk.wait(40.0, *names)
    cuts = bodies(desk.done, Cut)
    assert len(cuts) > 3
    assert {cut.prefix for cut in cuts} == {7}
    desk.fold(1, 7)
    desk.durable(7)
    assert bodies(desk.wait(5.0, *names), Cut) == []
    desk.fold(7, 8)
    assert {cut.prefix for cut in bodies(desk.wait(11.0, *names), Cut)} == {desk.ledger.next}


def test_a_shard_that_has_cut_is_not_asked_again() -> None:
    desk = Desk(plan=tiny_plan(shards=2), checkpoint_s=10.0)
    names = desk.begin()
    desk.fold(0, 1)
    desk.wait(11.0, *names)
    prefix = desk.state.cuts.prefix
    assert prefix is not None
    desk.fold(1, prefix)
    desk.durable(prefix, shard=0)
    assert {cut.shard for cut in bodies(desk.wait(3.0, *names), Cut)} == {1}
    desk.durable(prefix, shard=1)
    assert desk.state.cuts.prefix is None


def test_pauses_stay_under_five_per_cent() -> None:
    desk = Desk(checkpoint_s=10.0)
    desk.begin()
    desk.fold(0, 6)
    desk.durable(2, pause_s=0.1)
    assert desk.state.cuts.every_s == 10.0
    desk.durable(4, pause_s=3.0)
    assert desk.state.cuts.every_s == 60.0
    desk.durable(6, pause_s=0.2)
    assert desk.state.cuts.every_s == 10.0


def test_a_write_that_waited_for_disk_space_does_not_put_the_next_one_off_for_a_day() -> None:
    desk = Desk(checkpoint_s=10.0, checkpoint_at_most_s=3600.0)
    desk.begin()
    desk.fold(0, 2)
    desk.durable(2, pause_s=20_000.0)
    assert desk.state.cuts.every_s == 3600.0


def test_leases_are_forgotten_only_when_they_are_durable_on_every_shard() -> None:
    desk = Desk(plan=tiny_plan(shards=2))
    desk.begin()
    desk.fold(0, 4)
    assert min(desk.ledger.entries) == 0
    desk.durable(3, shard=0)
    assert min(desk.ledger.entries) == 0
    desk.durable(2, shard=1)
    assert min(desk.ledger.entries) == 2


def test_what_is_durable_is_on_disk_here_too() -> None:
    desk = Desk()
    desk.begin()
    desk.fold(0, 4)
    actions = desk.durable(4)
    assert only(actions, Journal) == [Journal({"record": "durable", "shard": 0, "prefix": 4}, durable=True)]
    assert journaled(desk.durable(4)) == []
    assert journaled(desk.durable(2)) == []
    assert desk.state.shards[0].durable == 4


def test_a_checkpoint_ahead_of_what_was_heard_counts_later() -> None:
    desk = Desk()
    desk.begin()
    desk.got(0)
    desk.got(1)
    desk.folded(3)
    assert desk.durable(3) == []
    assert desk.state.shards[0].durable == 0
    desk.got(2)
    desk.folded(3)
    desk.durable(3)
    assert desk.state.shards[0].durable == 3


def test_a_reducer_that_is_lost_during_a_cut_does_not_block_the_next() -> None:
    desk = Desk(checkpoint_s=10.0)
    names = desk.begin()
    desk.fold(0, 1)
    desk.wait(11.0, *names)
    assert desk.state.cuts.prefix is not None
    desk.restart()
    assert desk.state.cuts.prefix is None
    desk.tick()
    desk.fold(0, 1)
    assert {cut.incarnation for cut in bodies(desk.wait(11.0, *names), Cut)} == {2}
