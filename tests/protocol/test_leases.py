from __future__ import annotations

import time

from parsl_sa.protocol.messages import Abandon, Grant
from support.desk import Desk, bodies, sent
from support.plans import tiny_plan


def test_leases_go_to_the_emptiest_client_first_in_order() -> None:
    desk = Desk(window=12)
    a, b = desk.begin(clients=2)
    assert desk.granted(a) == [0, 2, 4]
    assert desk.granted(b) == [1, 3, 5]


def test_a_client_holds_no_more_than_its_capacity() -> None:
    desk = Desk(window=12, slots=1)
    (name,) = desk.begin()
    assert desk.granted(name) == [0, 1, 2]
    desk.tick(1.0)
    assert desk.granted(name) == [0, 1, 2]
    desk.got(0, name)
    desk.tick()
    assert desk.granted(name) == [0, 1, 2, 3]


def test_no_lease_goes_out_beyond_the_window() -> None:
    desk = Desk(window=4)
    a, b = desk.begin()
    assert sorted(desk.granted(a) + desk.granted(b)) == [0, 1, 2, 3]
    for lease in (1, 2, 3):
        desk.got(lease, a)
        desk.got(lease, b)
    desk.tick()
    assert sorted(desk.granted(a) + desk.granted(b)) == [0, 1, 2, 3]
    desk.got(0)
    desk.folded(4)
    desk.tick()
    assert sorted(desk.granted(a) + desk.granted(b)) == list(range(8))


def test_nothing_goes_out_while_a_shard_is_missing() -> None:
    desk = Desk(plan=tiny_plan(shards=2))
    desk.tick()
    desk.register(0)
    desk.tick()
    assert desk.state.clients == {}  # not even a client is asked for
    desk.register(1)
    desk.tick()
    a, _ = desk.state.clients
    desk.hello(a)
    desk.shard_ended(1)
    desk.tick()
    assert desk.granted(a) == []
    desk.register(1)
    desk.tick()
    assert desk.granted(a) == [0, 1, 2]


def test_a_head_that_lags_goes_to_a_second_client_once_and_the_first_answer_wins() -> None:
    desk = Desk(lag_floor_s=10.0)
    a, b = desk.begin()
    assert 0 in desk.granted(a)
    for lease in (1, 2, 3, 4, 5):
        desk.got(lease, a if lease in desk.granted(a) else b)
    slow = desk.attempt(a, 0)
    desk.wait(9.0, a, b)
    assert desk.granted(b).count(0) == 0
    desk.wait(3.0, a, b)
    assert desk.granted(b).count(0) == 1
    desk.wait(30.0, a, b)
    assert desk.granted(a).count(0) + desk.granted(b).count(0) == 2
    assert bodies(desk.done, Abandon) == []  # the slow one is left alone until the copy is there
    assert sent(desk.got(0, b)) == [(a, Abandon(0, slow))]
    assert desk.state.faults.retries == 1


def test_the_slow_one_may_win_and_then_its_copy_is_abandoned() -> None:
    desk = Desk(lag_floor_s=10.0)
    a, b = desk.begin()
    for lease in (1, 2, 3, 4, 5):
        desk.got(lease, a if lease in desk.granted(a) else b)
    desk.wait(12.0, a, b)
    copy = desk.attempt(b, 0)
    assert sent(desk.got(0, a)) == [(b, Abandon(0, copy))]


def test_a_head_lags_by_the_measure_of_what_leases_take() -> None:
    desk = Desk(lag_floor_s=10.0, lag_factor=4.0)
    a, b = desk.begin()
    desk.wait(8.0, a, b)
    for lease in (1, 2, 3, 4, 5):
        desk.got(lease, a if lease in desk.granted(a) else b)
    desk.wait(20.0, a, b)  # out for 28 s, and leases take 8 s
    assert desk.granted(b).count(0) == 0
    desk.wait(6.0, a, b)
    assert desk.granted(b).count(0) == 1


def test_when_all_are_full_the_highest_lease_makes_way_for_a_head_that_nobody_has() -> None:
    desk = Desk(window=12, slots=3)
    a, b, c = desk.begin()
    assert desk.granted(a) == [0, 3, 6]
    assert desk.granted(c) == [2, 5, 8]
    dropped = desk.attempt(c, 8)
    desk.client_ended(a)
    actions = desk.tick()
    assert Abandon(8, dropped) in bodies(actions, Abandon)
    assert desk.granted(c) == [2, 5, 8, 0]
    assert sorted(desk.ledger.returned) == [3, 6, 8]
    assert desk.granted(b) == [1, 4, 7]


def test_when_all_are_full_the_highest_lease_makes_way_for_a_head_that_lags() -> None:
    desk = Desk(window=12, slots=2, lag_floor_s=10.0)
    a, b = desk.begin()
    assert desk.granted(b) == [1, 3, 5]
    actions = desk.wait(12.0, a, b)
    assert [abandon.lease for abandon in bodies(actions, Abandon)] == [5]
    assert desk.granted(b) == [1, 3, 5, 0]
    desk.wait(30.0, a, b)
    assert len(bodies(desk.done, Abandon)) == 1


def test_no_head_is_rescued_while_somebody_has_room() -> None:
    desk = Desk(window=12, slots=2)
    a, b = desk.begin(clients=2)
    desk.got(1, b)
    desk.client_ended(a)
    actions = desk.tick()
    assert bodies(actions, Abandon) == []
    assert desk.granted(b)[-1] == 0


def test_a_thousand_clients_cost_little_a_tick() -> None:
    desk = Desk(plan=tiny_plan(100_000), slots=1000, window=6000)
    names = desk.begin()
    assert len(bodies(desk.done, Grant)) == 3000
    desk.fold(0, 1000)
    began_at = time.process_time()
    for lease in range(1000, 1100):
        desk.got(lease)
        desk.folded(lease + 1)
        desk.beat(names[lease - 1000])
        desk.tick()
    # About 1 ms a tick; an order of magnitude is left for a busy machine.
    assert time.process_time() - began_at < 2.0
