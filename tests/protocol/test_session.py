from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.protocol.actions import Action, Compute, Connect, Free, Leave, SendCoordinator, Transmit
from parsl_sa.protocol.contribution import Slab
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.messages import (
    Abandon,
    Beat,
    Body,
    Bye,
    ClientBeat,
    Committed,
    Dropping,
    Failed,
    Fence,
    Go,
    Grant,
    Hello,
    Ready,
    Received,
    Refused,
    Stop,
    Welcome,
    Withdraw,
)
from parsl_sa.protocol.session import ClientSession, SessionPolicy
from parsl_sa.protocol.wire import to_header
from support.desk import bodies, only

if TYPE_CHECKING:
    from collections.abc import Sequence

FENCE = Fence("study", 2)
HELLO = Hello("plan", {}, 2, 3, "h", 1)


class Client:
    """A session that is fed by hand."""

    def __init__(self, shards: int = 1, *, welcome: bool = True, **policy: Any) -> None:
        self.machine = ClientSession(FENCE, shards, SessionPolicy(**policy))
        self.shards = shards
        self.now = 100.0
        self.machine.start(HELLO, self.now)
        if welcome:
            self.welcome(1)

    def tell(self, body: Body, fence: Fence = FENCE) -> list[Action]:
        return self.machine.on_coordinator(to_header(fence, body), self.now)

    def welcome(self, incarnation: int, shards: Sequence[int] | None = None) -> list[Action]:
        shards = range(self.shards) if shards is None else shards
        return self.tell(
            Welcome(
                [
                    {"shard": shard, "incarnation": incarnation, "address": f"tcp://{shard}-{incarnation}"}
                    for shard in shards
                ]
            )
        )

    def hear_shard(self, body: Body, shard: int = 0, fence: Fence = FENCE) -> list[Action]:
        return self.machine.on_shard(shard, to_header(fence, body))

    def grant(self, lease: int, attempt: int = 1, exclude: Sequence[int] = ()) -> list[Action]:
        return self.tell(Grant(lease, attempt, list(exclude)))

    def computed(self, lease: int, attempt: int = 1, dropped: Sequence[int] = ()) -> list[Action]:
        slabs = {shard: Slab(20, f"sum {shard}") for shard in range(self.shards)}
        return self.machine.on_computed(lease, attempt, dropped, slabs, self.now)

    def tick(self, after_s: float = 0.0) -> list[Action]:
        self.now += after_s
        return self.machine.on_tick(self.now)


def orders(actions: Sequence[Action]) -> list[int]:
    return [order.lease for order in only(actions, Compute)]


def test_it_says_hello_until_it_is_welcomed() -> None:
    client = Client(welcome=False, resend_s=5.0)
    assert client.tick(1.0) == []
    assert client.tick(5.0) == [SendCoordinator(HELLO)]
    assert client.tick(1.0) == []
    client.welcome(1)
    assert bodies(client.tick(6.0), Hello) == []


def test_it_computes_one_lease_at_a_time_the_lowest_first() -> None:
    client = Client()
    assert orders(client.grant(5)) == [5]
    assert orders(client.grant(7)) == []
    assert orders(client.grant(2)) == []
    assert orders(client.computed(5)) == [2]
    assert orders(client.computed(2)) == [7]
    assert orders(client.computed(7)) == []


def test_a_grant_that_comes_twice_is_computed_once() -> None:
    client = Client()
    client.grant(5)
    client.grant(5)
    assert orders(client.computed(5)) == []
    assert client.grant(5) == []


def test_a_contribution_is_offered_sent_and_freed() -> None:
    client = Client()
    client.grant(5, exclude=[21])
    actions = client.computed(5)
    digest = lease_digest(5, [21], [])
    assert bodies(actions, Ready) == [Ready(0, 1, 5, 1, 20, "sum 0", [21], [], digest)]
    assert client.hear_shard(Go(0, 1, 5, 1)) == [Transmit(0, 1, 5, 1)]
    assert client.hear_shard(Received(0, 1, 5, 1)) == [Free(5, 1)]
    assert client.hear_shard(Received(0, 1, 5, 1)) == []
    assert client.machine.held == {}


def test_every_shard_must_have_its_slab_before_any_is_freed() -> None:
    client = Client(shards=2)
    client.grant(5)
    assert [ready.shard for ready in bodies(client.computed(5), Ready)] == [0, 1]
    assert client.hear_shard(Received(1, 1, 5, 1), shard=1) == []
    assert [ready.shard for ready in bodies(client.tick(6.0), Ready)] == [0]
    assert client.hear_shard(Received(0, 1, 5, 1), shard=0) == [Free(5, 1)]


def test_drops_are_reported_and_nothing_is_offered_before_they_are_committed() -> None:
    client = Client()
    client.grant(5)
    actions = client.computed(5, dropped=[22, 20])
    digest = lease_digest(5, [], [20, 22])
    assert bodies(actions, Dropping) == [Dropping(5, 1, [22, 20], digest)]
    assert bodies(actions, Ready) == []
    assert bodies(client.tick(1.0), Dropping) == []
    actions = client.tick(6.0)
    assert len(bodies(actions, Dropping)) == 1
    assert bodies(actions, Ready) == []
    assert bodies(client.tell(Committed(5, 1)), Ready)[0].digest == digest
    assert client.tell(Committed(5, 1)) == []
    assert bodies(client.tick(1.0), Dropping) == []


def test_a_commitment_of_what_is_not_computed_offers_nothing() -> None:
    client = Client()
    client.grant(5)
    client.grant(6)
    assert client.tell(Committed(5, 1)) == []
    assert client.tell(Committed(6, 1)) == []
    assert client.tell(Committed(9, 1)) == []


def test_an_offer_without_an_answer_is_made_again() -> None:
    client = Client(resend_s=5.0)
    client.grant(5)
    client.computed(5)
    assert bodies(client.tick(4.0), Ready) == []
    assert len(bodies(client.tick(2.0), Ready)) == 1
    assert bodies(client.tick(1.0), Ready) == []
    client.now += 3.0
    client.machine.on_transmitted(5, 1, client.now)
    assert bodies(client.tick(3.0), Ready) == []  # it was being sent all the time


def test_an_offer_that_is_asked_for_twice_is_sent_twice() -> None:
    client = Client()
    client.grant(5)
    client.computed(5)
    assert client.hear_shard(Go(0, 1, 5, 1)) == [Transmit(0, 1, 5, 1)]
    assert client.hear_shard(Go(0, 1, 5, 1)) == [Transmit(0, 1, 5, 1)]


def test_a_new_incarnation_is_offered_all_that_is_still_held() -> None:
    client = Client()
    for lease in (5, 6, 7):
        client.grant(lease)
    client.computed(5)
    client.computed(6)
    client.hear_shard(Received(0, 1, 5, 1))
    actions = client.welcome(2)
    assert only(actions, Connect) == [Connect(0, "tcp://0-2")]
    assert [(ready.lease, ready.incarnation) for ready in bodies(actions, Ready)] == [(6, 2)]
    assert client.welcome(2) == []
    assert client.welcome(1) == []
    assert client.hear_shard(Received(0, 1, 6, 1)) == []
    assert client.hear_shard(Go(0, 1, 6, 1)) == []
    assert client.machine.ignored == 2
    assert client.hear_shard(Received(0, 2, 6, 1)) == [Free(6, 1)]


def test_a_shard_that_comes_back_gets_its_slab_again_while_another_lacks_its_own() -> None:
    client = Client(shards=2)
    client.grant(5)
    client.computed(5)
    client.hear_shard(Received(0, 1, 5, 1), shard=0)
    actions = client.welcome(2, [0])
    assert [ready.shard for ready in bodies(actions, Ready)] == [0]
    assert client.hear_shard(Received(1, 1, 5, 1), shard=1) == []
    assert client.hear_shard(Received(0, 2, 5, 1), shard=0) == [Free(5, 1)]


def test_what_is_computed_before_a_shard_is_known_is_offered_when_it_is() -> None:
    client = Client(welcome=False)
    client.tell(Welcome([]))
    client.grant(5)
    assert bodies(client.computed(5), Ready) == []
    assert bodies(client.welcome(1), Ready)[0].lease == 5


def test_a_route_to_a_shard_that_is_not_in_the_plan_is_ignored() -> None:
    assert Client().welcome(1, [7]) == []


@pytest.mark.parametrize("fence", [Fence("study", 1), Fence("study", 3), Fence("another", 2)])
def test_words_of_another_study_or_epoch_are_ignored(fence: Fence) -> None:
    client = Client()
    client.grant(5)
    client.computed(5)
    assert client.tell(Stop("done"), fence) == []
    assert client.tell(Grant(6, 1, []), fence) == []
    assert client.hear_shard(Go(0, 1, 5, 1), fence=fence) == []
    assert client.machine.on_coordinator({"noise": 1}, client.now) == []
    assert client.tell(Beat(0)) == []
    assert client.machine.ignored == 5


def test_a_lease_abandoned_before_it_is_computed_is_not_computed() -> None:
    client = Client()
    client.grant(5)
    client.grant(6)
    assert client.tell(Abandon(6, 1)) == []
    assert orders(client.computed(5)) == []
    assert list(client.machine.held) == [(5, 1)]


def test_a_lease_abandoned_while_it_is_computed_is_freed_afterwards() -> None:
    client = Client()
    client.grant(5)
    client.grant(6)
    assert client.tell(Abandon(5, 1)) == []
    actions = client.computed(5)
    assert only(actions, Free) == [Free(5, 1)]
    assert bodies(actions, Ready) == []
    assert orders(actions) == [6]


def test_a_lease_abandoned_when_it_is_offered_is_freed_and_withdrawn() -> None:
    client = Client()
    client.grant(5)
    client.computed(5)
    actions = client.tell(Abandon(5, 1))
    assert only(actions, Free) == [Free(5, 1)]
    assert bodies(actions, Withdraw) == [Withdraw(0, 1, 5, 1)]
    assert client.tell(Abandon(5, 1)) == []
    # A place that the shard granted meanwhile is given back, too.
    actions = client.hear_shard(Go(0, 1, 5, 1))
    assert only(actions, Transmit) == []
    assert bodies(actions, Withdraw) == [Withdraw(0, 1, 5, 1)]


def test_another_attempt_is_not_abandoned() -> None:
    client = Client()
    client.grant(5, attempt=1)
    assert client.tell(Abandon(5, 2)) == []
    assert bodies(client.computed(5), Ready) != []


def test_a_failure_is_reported_and_the_next_lease_begun() -> None:
    client = Client()
    client.grant(5)
    client.grant(6)
    actions = client.machine.on_failed(5, 1, [21], "ValueError: no")
    assert bodies(actions, Failed) == [Failed(5, 1, [21], "ValueError: no")]
    assert orders(actions) == [6]
    assert list(client.machine.held) == [(6, 1)]


def test_the_failure_of_an_abandoned_lease_is_nobodys_business() -> None:
    client = Client()
    client.grant(5)
    client.tell(Abandon(5, 1))
    assert client.machine.on_failed(5, 1, [21], "ValueError: no") == []


def test_it_beats_with_all_that_it_holds() -> None:
    client = Client(beat_s=1.0)
    client.grant(5)
    client.grant(6, attempt=4)
    client.computed(5)
    assert bodies(client.tick(1.0), ClientBeat) == [ClientBeat([[5, 1], [6, 4]])]
    assert bodies(client.tick(0.5), ClientBeat) == []


def test_it_leaves_when_told_refused_or_forgotten() -> None:
    assert Client().tell(Stop("done")) == [Leave(0, "done")]
    assert Client().tell(Refused("other bits")) == [Leave(5, "other bits")]
    client = Client(coordinator_silent_s=20.0)
    client.now += 15.0
    client.tell(Welcome([]))
    assert only(client.tick(19.0), Leave) == []
    assert only(client.tick(2.0), Leave)[0].code == 3


def test_unanswered_hellos_do_not_hide_the_coordinators_silence() -> None:
    client = Client(welcome=False, coordinator_silent_s=20.0)
    left = [leave for _ in range(25) for leave in only(client.tick(1.0), Leave)]
    assert left
    assert left[0].code == 3


def test_it_says_goodbye() -> None:
    actions = Client().machine.leave("walltime nears")
    assert bodies(actions, Bye) == [Bye("walltime nears")]
    assert only(actions, Leave) == [Leave(0, "walltime nears")]
