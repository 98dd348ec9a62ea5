"""Each safeguard is switched off in turn, and something notices: the checks here are worth their name.

Of the list in the protocol's description these live in the state machines. The rest is about files:
rename after fsync, fsync of the directory, data and prefix of one instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from parsl_sa.protocol import (
    actions,
    contribution,
    coordinator,
    failures,
    intake,
    ledger,
    messages,
    reducers,
    session,
    shard,
    wire,
)
from support.desk import FENCE, Desk
from support.plans import tiny_plan
from support.virtual_study import Setting, VirtualStudy, some_setting
from support.virtual_time import Weather

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = messages.Fence("study", FENCE.epoch - 1)


# Situations that are sound as long as the safeguards stand


def whole_studies() -> None:
    """Run studies in all weathers until one goes wrong."""
    for seed in range(40):
        study = VirtualStudy(seed, some_setting(seed))
        assert study.run().outcome == "complete"
        study.check_result()


def studies_of_a_model_that_is_not_reproducible() -> None:
    for seed in range(10):
        nan = frozenset(range(0, 64, 3))
        study = VirtualStudy(seed, Setting(nan=nan, flaky=0.3, weather=Weather(loss=0.05), disasters=12))
        if study.run().outcome == "complete":
            study.check_result()


def a_shard_hears_of_an_older_incarnation() -> None:
    machine = shard.Shard(FENCE, tiny_plan(), 0, 8, shard.ShardPolicy())
    machine.on_coordinator(wire.to_header(FENCE, messages.Admit(0, 2, 0)), 0.0)
    digest = shard.lease_digest(0, [], [])
    offer = messages.Ready(0, 1, 0, 1, 8, "sum", [], [], digest)
    assert machine.on_client("a", wire.to_header(FENCE, offer), 0.0) == []


def a_shard_hears_of_an_older_epoch() -> None:
    machine = shard.Shard(FENCE, tiny_plan(), 0, 8, shard.ShardPolicy())
    machine.on_coordinator(wire.to_header(OTHER, messages.Admit(0, 1, 5)), 0.0)
    assert machine.prefix == 0


def a_client_hears_of_an_older_incarnation() -> None:
    machine = _client_with_an_offer()
    received = messages.Received(0, 1, 3, 1)
    assert machine.on_shard(0, wire.to_header(FENCE, received)) == []
    assert machine.held


def a_client_hears_of_an_older_epoch() -> None:
    machine = _client_with_an_offer()
    received = messages.Received(0, 2, 3, 1)
    assert machine.on_shard(0, wire.to_header(OTHER, received)) == []
    assert machine.on_coordinator(wire.to_header(OTHER, messages.Stop("done")), 0.0) == []


def a_coordinator_hears_of_an_older_incarnation() -> None:
    desk = Desk()
    desk.begin()
    desk.restart()
    desk.hear("shard-0-1", messages.ShardBeat(0, 1, 0, 0))
    desk.hear("shard-0-2", messages.Summary(0, 1, {"n": 1}))
    assert desk.state.summary == {}


def a_coordinator_hears_of_an_older_epoch() -> None:
    desk = Desk()
    a, _ = desk.begin()
    desk.hear(a, messages.Bye("walltime"), OTHER)
    assert not desk.state.clients[a].leaving


def _client_with_an_offer() -> session.ClientSession:
    """Return a client that has offered lease 3 to the second incarnation of its shard."""
    machine = session.ClientSession(FENCE, 1, session.SessionPolicy())
    route: messages.Route = {"shard": 0, "incarnation": 2, "address": "tcp://here"}
    for body in (messages.Welcome([route]), messages.Grant(3, 1, [])):
        machine.on_coordinator(wire.to_header(FENCE, body), 0.0)
    machine.on_computed(3, 1, [], {0: contribution.Slab(8, "sum")}, 0.0)
    return machine


# The same without them


def read_any(header: dict[str, Any], fence: messages.Fence) -> messages.Body | None:
    """Read a message of any study and epoch."""
    return wire.read(header, messages.Fence(header["study"], header["epoch"]))


def act_then_journal(
    machine: coordinator.Coordinator, peer: str, header: dict[str, Any], now: float
) -> list[actions.Action]:
    done = ON_MESSAGE(machine, peer, header, now)
    return sorted(done, key=lambda action: isinstance(action, actions.Journal))


def forget_what_is_folded(book: ledger.Ledger, number: int, start: int) -> list[int]:
    """Hand nothing out again that was folded before."""
    folded = book.folded[number]
    back = RESTART(book, number, start)
    book.returned = {lease for lease in book.returned if lease >= folded}
    return back


def count_without_digests(book: ledger.Ledger, number: int, prefix: int) -> bool:
    book.folded[number] = max(prefix, book.folded[number])
    return True


ON_MESSAGE = coordinator.Coordinator.on_message
RESTART = ledger.Ledger.restart


@dataclass(frozen=True)
class Safeguard:
    """What is switched off, and where that must be noticed."""

    name: str
    situation: Callable[[], None]
    off: tuple[tuple[Any, str, Any], ...]


SAFEGUARDS = [
    Safeguard("duplicate check", whole_studies, ((shard.Shard, "_has", lambda *_: False),)),
    Safeguard(
        "duplicate check below the prefix",
        whole_studies,
        ((shard.Shard, "_has", lambda machine, lease: lease in machine.intake.buffered),),
    ),
    Safeguard(
        "duplicate check of what is buffered",
        whole_studies,
        ((shard.Shard, "_has", lambda machine, lease: lease < machine.prefix),),
    ),
    Safeguard(
        "incarnation check at the shard",
        a_shard_hears_of_an_older_incarnation,
        ((shard.Shard, "_is_mine", lambda machine, body: body.shard == machine.shard),),
    ),
    Safeguard(
        "incarnation check at the client",
        a_client_hears_of_an_older_incarnation,
        ((session.ClientSession, "_is_present", lambda *_: True),),
    ),
    Safeguard(
        "incarnation check at the coordinator",
        a_coordinator_hears_of_an_older_incarnation,
        ((reducers, "owns", lambda *_: True),),
    ),
    Safeguard("epoch check at the shard", a_shard_hears_of_an_older_epoch, ((shard, "read", read_any),)),
    Safeguard("epoch check at the client", a_client_hears_of_an_older_epoch, ((session, "read", read_any),)),
    Safeguard(
        "epoch check at the coordinator",
        a_coordinator_hears_of_an_older_epoch,
        ((coordinator, "read", read_any),),
    ),
    Safeguard(
        "window bound", whole_studies, ((ledger.Ledger, "limit", property(lambda book: book.n_leases)),)
    ),
    Safeguard(
        "head reservation",
        whole_studies,
        (
            (
                intake.Intake,
                "has_room",
                lambda way, lease, head: len(way.assembling) + len(way.buffered) < way.room,
            ),
        ),
    ),
    Safeguard(
        "journal before acting",
        whole_studies,
        ((coordinator.Coordinator, "on_message", act_then_journal),),
    ),
    Safeguard("forget only at DURABLE", whole_studies, ((ledger.Ledger, "restart", forget_what_is_folded),)),
    Safeguard(
        "a prefix counts only with its digests",
        whole_studies,
        ((ledger.Ledger, "on_folded", count_without_digests),),
    ),
    Safeguard(
        "exclusion and drops agreed",
        studies_of_a_model_that_is_not_reproducible,
        (
            (reducers, "is_agreed", lambda *_: True),
            (failures, "is_same_loss", lambda *_: True),
        ),
    ),
    Safeguard("lost grants are missed", whole_studies, ((ledger.Ledger, "missing", lambda *_: []),)),
    Safeguard("cuts are repeated", whole_studies, ((reducers, "cut_again", lambda *_: []),)),
    Safeguard(
        "stalled senders lose their place", whole_studies, ((intake.Intake, "drop_stalled", lambda *_: []),)
    ),
]


@pytest.mark.parametrize("guard", SAFEGUARDS, ids=lambda guard: guard.name)
def test_a_safeguard_that_is_switched_off_is_noticed(guard: Safeguard) -> None:
    with pytest.raises((AssertionError, KeyError)):  # KeyError: a shell asked for bytes that it has freed
        without(guard)


def without(guard: Safeguard) -> None:
    patches = [patch.object(*off) for off in guard.off]
    for one in patches:
        one.start()
    try:
        guard.situation()
    finally:
        for one in patches:
            one.stop()


@pytest.mark.parametrize(
    "situation",
    sorted({guard.situation for guard in SAFEGUARDS}, key=lambda one: one.__name__),
    ids=lambda one: one.__name__,
)
def test_with_all_safeguards_on_nothing_is_wrong(situation: Callable[[], None]) -> None:
    situation()
