from __future__ import annotations

import pytest

from parsl_sa.protocol.actions import KillClient, Log, StartClient
from parsl_sa.protocol.messages import (
    Abandon,
    Admit,
    Bye,
    ClientBeat,
    Fence,
    Grant,
    Received,
    Refused,
    Stop,
    Welcome,
)
from support.desk import Desk, bodies, only, sent


def started(actions: list) -> list[str]:
    return [action.client for action in only(actions, StartClient)]


def test_clients_are_submitted_once_the_shard_is_there_as_many_as_slots() -> None:
    desk = Desk(slots=3)
    assert started(desk.tick()) == []
    desk.register()
    assert started(desk.tick()) == ["client-2-1", "client-2-2", "client-2-3"]
    assert started(desk.tick(1.0)) == []


def test_no_more_clients_than_leases_are_left() -> None:
    desk = Desk(slots=5)
    desk.tick()
    desk.state.history.digests.update(dict.fromkeys(range(10), ("d", "c")))
    desk.register(generations=[10])
    assert len(started(desk.tick())) == 2


def test_a_welcome_names_the_shards() -> None:
    desk = Desk()
    desk.tick()
    desk.register()
    (name, _) = started(desk.tick())
    ((peer, welcome),) = sent(desk.hello(name))
    assert peer == name
    assert welcome == Welcome([{"shard": 0, "incarnation": 1, "address": "tcp://0"}])


def test_every_sign_of_life_is_a_welcome_so_that_a_lost_one_does_no_harm() -> None:
    desk = Desk()
    (a,) = desk.begin(clients=1)
    actions = desk.tick(1.0)
    assert [peer for peer, body in sent(actions) if isinstance(body, Welcome)] == [a]
    desk.restart()
    assert bodies(desk.tick(1.0), Welcome)[0].routes[0]["incarnation"] == 2


def test_a_hello_that_comes_twice_is_answered_twice_and_counts_once() -> None:
    desk = Desk()
    a, _ = desk.begin()
    granted = desk.granted(a)
    actions = desk.hello(a)
    assert bodies(actions, Welcome) != []
    assert only(actions, Log) == []
    desk.tick()
    assert desk.granted(a) == granted


@pytest.mark.parametrize(
    ("hello", "reason"),
    [({"plan": "another"}, "another plan"), ({"hardware": {"machine": "x"}}, "machine is x, the plan has m")],
)
def test_a_client_that_would_give_other_bits_is_refused(hello: dict, reason: str) -> None:
    desk = Desk()
    desk.tick()
    desk.register()
    name, *_ = started(desk.tick())
    ((_, refused),) = sent(desk.hello(name, **hello))
    assert isinstance(refused, Refused)
    assert reason in refused.reason
    desk.tick()
    assert desk.granted(name) == []


@pytest.mark.parametrize("fence", [Fence("study", 1), Fence("study", 3), Fence("another", 2)])
def test_words_of_another_study_or_epoch_are_ignored(fence: Fence) -> None:
    desk = Desk()
    a, _ = desk.begin()
    assert desk.hear(a, Bye("walltime"), fence) == []
    assert not desk.state.clients[a].leaving
    assert desk.state.faults.ignored == 1


def test_noise_is_counted_and_ignored() -> None:
    desk = Desk()
    a, _ = desk.begin()
    assert desk.machine.on_message(a, {"noise": 1}, desk.now) == []
    assert desk.hear(a, Grant(0, 1, [])) == []
    assert desk.hear(a, Admit(0, 1, 0)) == []
    assert desk.hear(a, Received(0, 1, 0, 1)) == []
    assert desk.hear(a, ClientBeat([[1, 2, 3], []])) == []
    assert desk.state.faults.ignored == 4


@pytest.mark.parametrize("peer", ["client-1-1", "client-2-99", "shard-0-1", ""])
def test_whoever_is_not_known_is_told_to_leave(peer: str) -> None:
    desk = Desk()
    desk.begin()
    assert sent(desk.hear(peer, ClientBeat([]))) == [(peer, Stop("replaced"))]
    assert peer not in desk.state.clients


def test_nothing_is_taken_from_a_client_that_was_not_welcomed() -> None:
    desk = Desk()
    desk.tick()
    desk.register()
    name, *_ = started(desk.tick())
    assert desk.hear(name, ClientBeat([])) == []
    desk.tick()
    assert desk.granted(name) == []


def test_the_leases_of_a_client_that_dies_go_to_others_and_a_new_one_is_started() -> None:
    desk = Desk()
    a, b = desk.begin()
    for lease in desk.granted(b):
        desk.got(lease, b)
    desk.client_ended(a)
    actions = desk.tick()
    assert desk.granted(b)[-3:] == [0, 2, 4]
    assert len(started(actions)) == 1
    assert desk.state.faults.retries == 3


def test_the_words_of_a_client_that_ended_come_late_and_change_nothing() -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.client_ended(a)
    before = set(desk.ledger.returned)
    assert sent(desk.hear(a, ClientBeat([[0, 1]]))) == [(a, Stop("replaced"))]
    assert sent(desk.hello(a)) == [(a, Stop("replaced"))]
    assert desk.ledger.returned == before
    assert desk.client_ended(a) == []


def test_what_a_dead_client_had_sent_still_counts() -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.client_ended(a)
    desk.tick()
    desk.got(0)
    desk.folded(1)
    assert 0 not in desk.ledger.returned
    assert desk.ledger.prefix == 1


def test_a_silent_client_is_killed_and_its_leases_go_to_others() -> None:
    desk = Desk(client_silent_s=15.0)
    a, b = desk.begin()
    desk.wait(14.0, b)
    assert only(desk.done, KillClient) == []
    actions = desk.wait(3.0, b)
    assert only(actions, KillClient) == [KillClient(a)]
    assert len(started(actions)) == 1
    assert list(desk.ledger.holding(a)) == []
    assert sent(desk.beat(a)) == [(a, Stop("replaced"))]  # it was only frozen
    assert desk.state.clients[a].killed
    desk.client_ended(a)
    assert desk.state.faults.client_deaths == 1


def test_a_client_may_wait_in_a_queue_and_then_has_time_to_start() -> None:
    desk = Desk(start_grace_s=100.0, queue_grace_s=1000.0)
    desk.tick()
    desk.register()
    name, *_ = started(desk.tick())
    desk.wait(900.0)
    desk.machine.on_started(name, desk.now)
    desk.wait(99.0)
    assert only(desk.done, KillClient) == []
    desk.machine.on_started(name, desk.now)  # said twice, it counts once
    desk.wait(3.0)
    assert KillClient(name) in only(desk.done, KillClient)


def test_a_client_that_says_goodbye_is_replaced_and_no_death_is_counted() -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.hear(a, Bye("walltime nears"))
    assert sorted(desk.ledger.returned) == [0, 2, 4]
    assert len(started(desk.tick())) == 1
    desk.client_ended(a, 0)
    assert desk.state.faults.client_deaths == 0


def test_a_client_that_is_to_leave_is_told_until_it_does() -> None:
    desk = Desk(slots=1)
    (a,) = desk.begin()
    desk.state.clients[a].leaving = True
    assert [peer for peer, body in sent(desk.tick(1.0)) if isinstance(body, Stop)] == [a]
    assert isinstance(sent(desk.beat(a))[0][1], Stop)
    assert isinstance(sent(desk.hello(a))[0][1], Stop)


def test_deaths_in_a_row_are_answered_with_patience_and_progress_is_rewarded() -> None:
    desk = Desk(slots=1, max_deaths=5, backoff_s=4.0)
    (name,) = desk.begin()
    desk.client_ended(name)
    (name,) = started(desk.tick())
    desk.hello(name)
    desk.client_ended(name)
    assert started(desk.tick(3.9)) == []
    (name,) = started(desk.tick(0.2))
    desk.hello(name)
    desk.tick()
    desk.fold(0, 1)
    assert desk.state.faults.client_deaths == 0
    desk.client_ended(name)
    assert len(started(desk.tick())) == 1


def test_deaths_without_any_progress_end_the_study() -> None:
    desk = Desk(slots=1, max_deaths=3)
    desk.begin()
    for _ in range(3):
        assert desk.outcome() == ""
        (name,) = desk.state.clients
        desk.hello(name)
        desk.client_ended(name, -9, "Killed\nout of memory\n\n")
        desk.wait(61.0)
    assert desk.outcome() == "failed"
    assert "3 clients died without any progress: out of memory" in desk.state.reason
    assert desk.state.faults.last_log == f"{name}.log"


def test_clients_that_cannot_start_end_the_study() -> None:
    desk = Desk(slots=1, max_start_failures=3)
    desk.begin(clients=0)
    for _ in range(3):
        assert desk.outcome() == ""
        (name,) = desk.state.clients
        desk.client_ended(name, 1, "ModuleNotFoundError: no torch")
        desk.wait(61.0)
    assert desk.outcome() == "failed"
    assert "ModuleNotFoundError: no torch" in desk.state.reason


def test_one_client_that_starts_clears_the_failures_to_start() -> None:
    desk = Desk(slots=1, max_start_failures=2, max_deaths=9)
    desk.begin(clients=0)
    for _ in range(3):
        (name,) = desk.state.clients
        desk.client_ended(name, 1)
        desk.wait(61.0)
        (name,) = desk.state.clients
        desk.hello(name)
        desk.client_ended(name, 1)
        desk.wait(61.0)
    assert desk.outcome() == ""


def test_a_grant_that_was_lost_is_made_again() -> None:
    desk = Desk(slots=1, beat_s=1.0)
    (a,) = desk.begin()
    lost = desk.attempt(a, 1)
    for _ in range(3):
        desk.beat(a, without=[1])
        desk.tick(1.0)
    assert desk.granted(a) == [0, 1, 2]
    for _ in range(2):
        desk.beat(a, without=[1])
        desk.tick(1.0)
    assert desk.granted(a) == [0, 1, 2, 1]
    assert desk.attempt(a, 1) != lost


def test_what_a_client_lists_without_having_it_is_abandoned() -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.got(0, a)
    assert sent(desk.hear(a, ClientBeat([[0, 1], [2, desk.attempt(a, 2)], [4, 77]]))) == [
        (a, Abandon(0, 1)),
        (a, Abandon(4, 77)),
    ]
