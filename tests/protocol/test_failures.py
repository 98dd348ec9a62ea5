from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.protocol.actions import Action, Journal, Send, StartClient
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.messages import Abandon, Committed, Dropping, Failed, Grant, Stop
from parsl_sa.protocol.state import History
from support.desk import Desk, bodies, journaled, only, sent

if TYPE_CHECKING:
    from collections.abc import Sequence

NON_FINITE = "non-finite output"


def dropping(desk: Desk, client: str, lease: int, bundles: Sequence[int], attempt: int = 0) -> list[Action]:
    attempt = attempt or desk.attempt(client, lease)
    digest = lease_digest(lease, [], bundles)
    return desk.hear(client, Dropping(lease, attempt, list(bundles), digest))


def failed(desk: Desk, client: str, lease: int, poisoned: Sequence[int]) -> list[Action]:
    return desk.hear(client, Failed(lease, desk.attempt(client, lease), list(poisoned), "ValueError: no"))


def excludes(actions: Sequence[Action]) -> list[tuple[int, list[int]]]:
    return [(grant.lease, grant.exclude) for grant in bodies(actions, Grant) if grant.exclude]


def test_an_error_is_told_with_the_log_of_its_client() -> None:
    desk = Desk()
    a, _ = desk.begin()
    failed(desk, a, 0, [1])
    assert (desk.state.faults.last_error, desk.state.faults.last_log) == ("ValueError: no", f"{a}.log")


# Non-finite outputs


def test_drops_are_on_disk_before_the_client_is_told_that_it_may_send() -> None:
    desk = Desk()
    a, _ = desk.begin()
    actions = dropping(desk, a, 0, [1, 3])
    kinds = [action for action in actions if isinstance(action, Journal | Send)]
    assert kinds == [
        Journal({"record": "drop", "lease": 0, "bundles": [1, 3], "reason": NON_FINITE}, durable=True),
        Send(a, Committed(0, desk.attempt(a, 0))),
    ]


def test_drops_that_are_told_again_are_committed_again_and_journaled_once() -> None:
    desk = Desk()
    a, _ = desk.begin()
    dropping(desk, a, 0, [1])
    actions = dropping(desk, a, 0, [1])
    assert journaled(actions) == []
    assert bodies(actions, Committed) != []


def test_another_attempt_that_loses_the_same_is_committed() -> None:
    desk = Desk()
    a, b = desk.begin()
    dropping(desk, a, 0, [1])
    desk.client_ended(a)
    desk.tick()
    assert bodies(dropping(desk, b, 0, [1]), Committed) != []
    desk.got(0, b, dropped=[1])
    assert desk.outcome() == ""


@pytest.mark.parametrize("lost", [[1, 2], [2]])
def test_another_attempt_that_loses_other_bundles_ends_the_study(lost: list[int]) -> None:
    desk = Desk()
    a, b = desk.begin()
    dropping(desk, a, 0, [1])
    desk.client_ended(a)
    desk.tick()
    actions = dropping(desk, b, 0, lost)
    assert bodies(actions, Committed) == []
    assert desk.outcome() == "failed"
    assert "lease 0 lost different bundles: the model is not reproducible" in desk.state.reason


def test_another_attempt_that_loses_nothing_ends_the_study() -> None:
    desk = Desk()
    a, b = desk.begin()
    dropping(desk, a, 0, [1])
    desk.client_ended(a)
    desk.tick()
    desk.got(0, b)
    assert desk.outcome() == "failed"
    assert "not reproducible" in desk.state.reason


def test_an_attempt_that_loses_what_an_earlier_one_had_ends_the_study() -> None:
    desk = Desk()
    a, b = desk.begin()
    desk.got(0, a)
    desk.restart()
    desk.tick()
    assert desk.granted(b)[-1] == 0 or desk.granted(a)[-1] == 0
    holder = next(name for name in (a, b) if desk.ledger.holder(0, name))
    dropping(desk, holder, 0, [1])
    assert desk.outcome() == "failed"


def test_a_slab_that_lost_what_nobody_journaled_ends_the_study() -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.got(0, a, dropped=[1])
    assert desk.outcome() == "failed"


def test_what_earlier_lives_journaled_holds() -> None:
    history = History()
    for record in (
        {"record": "drop", "lease": 0, "bundles": [1], "reason": NON_FINITE},
        {"record": "drop", "lease": 1, "bundles": [5], "reason": "ValueError"},
        {"record": "exclude", "lease": 1, "bundles": [5]},
        {"record": "epoch", "epoch": 1},
    ):
        history.learn(record)
    desk = Desk(history=history)
    a, b = desk.begin()
    assert excludes(desk.done) == [(1, [5])]
    assert journaled(dropping(desk, a, 0, [1])) == []
    desk.got(1, b, exclude=[5])
    assert desk.outcome() == ""
    desk.got(0, a)
    assert desk.outcome() == "failed"


@pytest.mark.parametrize(
    ("lease", "bundles", "digest"),
    [
        (0, [4], None),
        (0, [1, 1], None),
        (0, [], None),
        (0, [1], "0"),
        (12, [48], None),
        (10**12, [4 * 10**12], None),
    ],
)
def test_drops_that_are_unsound_are_not_journaled(lease: int, bundles: list[int], digest: str | None) -> None:
    desk = Desk()
    a, _ = desk.begin()
    digest = digest or lease_digest(lease, [], bundles)
    actions = desk.hear(a, Dropping(lease, 1, bundles, digest))
    assert sent(actions) == [(a, Abandon(lease, 1))]
    assert journaled(actions) == []
    assert desk.state.history.dropped == {}
    assert lease in range(12) or lease not in desk.ledger.entries


def test_drops_are_not_taken_from_a_client_that_was_given_up() -> None:
    desk = Desk()
    a, _ = desk.begin()
    attempt = desk.attempt(a, 0)
    desk.client_ended(a)
    assert sent(dropping(desk, a, 0, [1], attempt=attempt)) == [(a, Stop("replaced"))]
    assert desk.state.history.dropped == {}


def test_too_many_drops_end_the_study_and_nothing_is_committed() -> None:
    desk = Desk(max_dropped=2)
    a, _ = desk.begin()
    dropping(desk, a, 0, [1, 3])
    assert desk.outcome() == ""
    actions = dropping(desk, a, 2, [9])
    assert bodies(actions, Committed) == []
    assert desk.outcome() == "failed"
    assert "3 of 48 bundles are lost" in desk.state.reason
    assert "stop.max_dropped_fraction allows 2" in desk.state.reason
    # The loss is on disk all the same: a resumed study knows it.
    assert [record["record"] for record in journaled(actions)] == ["drop", "end"]


def test_drops_of_earlier_lives_count() -> None:
    history = History(dropped={0: NON_FINITE, 1: NON_FINITE})
    desk = Desk(history=history, max_dropped=2)
    a, _ = desk.begin()
    dropping(desk, a, 2, [9])
    assert desk.outcome() == "failed"


# Models that raise


def test_a_bundle_is_given_up_when_two_clients_agree_that_it_fails_alone() -> None:
    desk = Desk()
    a, b = desk.begin()
    actions = failed(desk, a, 0, [1])
    assert journaled(actions) == []
    assert excludes(actions) == []
    desk.tick()
    desk.got(1, b)
    desk.tick()
    assert desk.granted(b)[-1] == 0
    actions = failed(desk, b, 0, [1])
    assert only(actions, Journal) == [
        Journal({"record": "drop", "lease": 0, "bundles": [1], "reason": "ValueError: no"}, durable=True),
        Journal({"record": "exclude", "lease": 0, "bundles": [1]}, durable=True),
    ]
    assert excludes(desk.tick()) == [(0, [1])]
    holder = next(name for name in (a, b) if desk.ledger.holder(0, name))
    desk.got(0, holder, exclude=[1])
    assert desk.outcome() == ""
    assert desk.state.history.dropped == {1: "ValueError: no"}


def test_one_bundle_too_many_that_raises_ends_the_study() -> None:
    desk = Desk(max_dropped=0)
    a, b = desk.begin()
    failed(desk, a, 0, [1])
    desk.got(1, b)
    desk.tick()
    actions = failed(desk, b, 0, [1])
    assert [record["record"] for record in journaled(actions)] == ["drop", "end"]
    assert "1 of 48 bundles are lost (ValueError: no)" in desk.state.reason


def test_the_word_of_one_client_is_not_enough_even_twice() -> None:
    desk = Desk(slots=3)
    a, b, c = desk.begin()
    failed(desk, a, 0, [1])
    desk.ledger.entry(0).failed_on.update({b: frozenset(), c: frozenset()})  # nobody else is left
    desk.tick()
    assert desk.granted(a)[-1] == 0
    failed(desk, a, 0, [1])
    assert desk.state.history.dropped == {}


def test_clients_that_name_different_bundles_give_nothing_up() -> None:
    desk = Desk()
    a, b = desk.begin()
    failed(desk, a, 0, [1])
    desk.got(1, b)
    desk.tick()
    failed(desk, b, 0, [2])
    assert desk.state.history.dropped == {}


def test_the_only_client_is_replaced_so_that_another_process_confirms_the_failure() -> None:
    desk = Desk(slots=1)
    (a,) = desk.begin()
    actions = failed(desk, a, 0, [1])
    assert isinstance(sent(actions)[0][1], Stop)
    assert desk.state.clients[a].leaving
    (started,) = only(desk.tick(), StartClient)
    desk.client_ended(a, 0)
    assert desk.state.faults.client_deaths == 0
    desk.hello(started.client)
    desk.tick()
    assert desk.granted(started.client)[0] == 0
    failed(desk, started.client, 0, [1])
    assert desk.state.history.dropped == {1: "ValueError: no"}
    assert desk.outcome() == ""


def test_a_model_that_raises_again_and_again_ends_the_study() -> None:
    desk = Desk(slots=1, max_errors=3, max_deaths=99)
    desk.begin()
    for _ in range(3):
        assert desk.outcome() == ""
        name = next(name for name, client in desk.state.clients.items() if not client.leaving)
        desk.hello(name)
        desk.tick()
        failed(desk, name, 0, [])
        desk.client_ended(name, 0)
        desk.tick()
    assert desk.outcome() == "failed"
    assert "the model raised 3 times on lease 0: ValueError: no" in desk.state.reason


def test_a_lease_may_have_more_bad_bundles_than_errors_are_allowed() -> None:
    desk = Desk(slots=1, max_errors=3)
    desk.begin()
    for bundle in range(3):
        for _ in range(2):
            name = next(name for name, client in desk.state.clients.items() if not client.leaving)
            desk.hello(name)
            desk.tick()
            failed(desk, name, 0, [bundle])
            if desk.state.clients[name].leaving:
                desk.client_ended(name, 0)
            desk.tick()
    assert desk.outcome() == ""
    assert desk.ledger.excluded == {0: (0, 1, 2)}


def test_all_attempts_without_the_exclusion_are_abandoned() -> None:
    desk = Desk(slots=3, lag_floor_s=10.0)
    a, b, c = desk.begin()
    failed(desk, a, 0, [1])
    desk.got(1, b)
    desk.tick()
    assert desk.granted(b)[-1] == 0
    desk.ledger._hand(0, c, desk.now, copy=True)
    stale = desk.attempt(c, 0)
    actions = failed(desk, b, 0, [1])
    assert (c, Abandon(0, stale)) in sent(actions)
    assert 0 in desk.ledger.returned
    # Its answer, if it comes all the same, shows a model that does not fail every time.
    desk.got(0, attempt=stale)
    assert desk.outcome() == "failed"


def test_a_failure_of_what_had_arrived_before_ends_the_study() -> None:
    desk = Desk()
    a, b = desk.begin()
    desk.got(0, a)
    desk.restart()
    desk.ledger.entry(0).failed_on["client-2-99"] = frozenset([1])
    desk.tick()
    holder = next(name for name in (a, b) if desk.ledger.holder(0, name))
    failed(desk, holder, 0, [1])
    assert desk.outcome() == "failed"
    assert "not reproducible" in desk.state.reason
    assert desk.state.history.dropped == {}


def test_a_life_that_was_lost_between_drop_and_exclusion_finds_the_failure_again() -> None:
    history = History(dropped={1: "ValueError: no"})
    desk = Desk(history=history)
    a, b = desk.begin()
    failed(desk, a, 0, [1])
    desk.got(1, b)
    desk.tick()
    actions = failed(desk, b, 0, [1])
    assert journaled(actions) == [{"record": "exclude", "lease": 0, "bundles": [1]}]
    assert desk.outcome() == ""


@pytest.mark.parametrize(
    "body",
    [
        Failed(0, 99, [1], "of another attempt"),
        Failed(1, 1, [5], "of a lease that it does not hold"),
        Failed(10**12, 1, [], "of a lease that there is not"),
        Failed(0, 1, [4], "a bundle of another lease"),
        Failed(0, 1, [1, 1], "a bundle twice"),
    ],
    ids=lambda body: body.error,
)
def test_failures_that_are_unsound_are_ignored(body: Failed) -> None:
    desk = Desk()
    a, _ = desk.begin()
    held = sorted(desk.ledger.holding(a))
    assert desk.attempt(a, 0) == 1
    assert desk.hear(a, body) == []
    assert sorted(desk.ledger.holding(a)) == held
    assert desk.state.faults.ignored == 1
    assert set(desk.ledger.entries) <= set(range(12))


# Shards and attempts agree


@pytest.mark.parametrize(
    "other",
    [{"digest": "0"}, {"exclude": [1]}, {"dropped": [1]}, {"dropped": [1], "exclude": [1]}],
    ids=str,
)
def test_a_second_attempt_with_another_digest_ends_the_study(other: dict[str, Any]) -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.got(0, a)
    desk.got(0, a)
    assert desk.outcome() == ""
    desk.got(0, **other)
    assert desk.outcome() == "failed"


def test_other_bits_of_the_same_lease_are_counted_and_told() -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.got(0, a)
    desk.got(0, checksum="sum 0")
    assert desk.state.faults.other_bits == 0
    desk.got(0, checksum="other")
    assert desk.state.faults.other_bits == 1
    assert desk.outcome() == ""
