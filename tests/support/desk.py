"""A coordinator on a desk: events are put in by hand, and what it does about them is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from parsl_sa.protocol import actions as do
from parsl_sa.protocol.coordinator import Coordinator
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.messages import (
    Body,
    ClientBeat,
    Durable,
    Fence,
    Folded,
    Got,
    Hello,
    Register,
    ShardBeat,
)
from parsl_sa.protocol.policy import Policy
from parsl_sa.protocol.roster import Ending
from parsl_sa.protocol.state import History
from parsl_sa.protocol.wire import to_header
from support.plans import tiny_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parsl_sa.protocol.ledger import Ledger
    from parsl_sa.protocol.state import State
    from parsl_sa.records import Plan

FENCE = Fence("study", 2)
PATIENT = Policy(
    slots=2, window=6, max_dropped=9, checkpoint_s=60.0, lag_floor_s=10.0, client_silent_s=15.0,
    shard_silent_s=15.0, start_grace_s=100.0, queue_grace_s=1000.0, max_start_failures=3, max_deaths=3,
    max_errors=6, stop_grace_s=30.0,
)  # fmt: skip

A = TypeVar("A", bound="do.Action")
B = TypeVar("B", bound=Body)


class Desk:
    """Drives one coordinator; everything it ever did is in `done`."""

    def __init__(self, plan: Plan | None = None, history: History | None = None, **policy: Any) -> None:
        self.plan = plan or tiny_plan()
        self.machine = Coordinator(FENCE, self.plan, replace(PATIENT, **policy), history or History())
        self.now = 1000.0
        self.done: list[do.Action] = []

    @property
    def state(self) -> State:
        return self.machine.state

    @property
    def ledger(self) -> Ledger:
        return self.machine.state.ledger

    # Events

    def tick(self, after_s: float = 0.0) -> list[do.Action]:
        """Let time pass, in one step."""
        self.now += after_s
        return self._note(self.machine.on_tick(self.now))

    def wait(self, for_s: float, *peers: str) -> list[do.Action]:
        """Let time pass in steps, the shards and these clients being alive."""
        actions: list[do.Action] = []
        until = self.now + for_s
        while self.now < until:
            for peer in peers:
                self.beat(peer)
            for shard in range(self.plan.shards):
                if self.state.shards[shard].is_up:
                    self.shard_beat(shard)
            actions += self.tick(min(1.0, until - self.now))
        return actions

    def hear(self, peer: str, body: Body, fence: Fence = FENCE) -> list[do.Action]:
        return self._note(self.machine.on_message(peer, to_header(fence, body), self.now))

    def register(self, shard: int = 0, generations: Sequence[int] = (), **other: Any) -> list[do.Action]:
        plain = {"plan": self.plan.digest, "host": "h", "pid": 1, "address": f"tcp://{shard}", **other}
        life = self.state.shards[shard].life
        return self.hear(f"shard-{shard}-{life}", Register(shard, list(generations), **plain))

    def hello(self, client: str, capacity: int = 3, **other: Any) -> list[do.Action]:
        plain = {"plan": self.plan.digest, "hardware": self.plan.hardware, **other}
        return self.hear(client, Hello(ranks=1, capacity=capacity, host="h", pid=1, **plain))

    def beat(self, client: str, *, without: Sequence[int] = ()) -> list[do.Action]:
        """Let a client say what it holds, which is what it should unless some is left out."""
        held = [
            [lease, self.attempt(client, lease)]
            for lease in self.ledger.holding(client)
            if lease not in without
        ]
        return self.hear(client, ClientBeat(held))

    def got(self, lease: int, client: str = "", shard: int = 0, **other: Any) -> list[do.Action]:
        plain: dict[str, Any] = {"exclude": [], "dropped": [], "checksum": f"sum {lease}", **other}
        plain.setdefault("digest", lease_digest(lease, plain["exclude"], plain["dropped"]))
        holder = self.ledger.holder(lease, client) if client else None
        plain.setdefault("attempt", holder.attempt if holder else 0)
        return self.of_shard(Got, shard, lease=lease, **plain)

    def folded(self, prefix: int, shard: int = 0) -> list[do.Action]:
        return self.of_shard(Folded, shard, prefix=prefix)

    def durable(self, prefix: int, shard: int = 0, pause_s: float = 0.1) -> list[do.Action]:
        return self.of_shard(Durable, shard, prefix=prefix, pause_s=pause_s)

    def shard_beat(self, shard: int = 0) -> list[do.Action]:
        durable = self.state.shards[shard].durable
        return self.of_shard(ShardBeat, shard, prefix=self.ledger.folded[shard], durable=durable)

    def of_shard(self, kind: type[Body], shard: int, **fields: Any) -> list[do.Action]:
        life = self.state.shards[shard]
        body = kind(shard=shard, incarnation=life.incarnation, **fields)
        return self.hear(f"shard-{shard}-{life.life}", body)

    def client_ended(self, client: str, code: int = -9, tail: str = "") -> list[do.Action]:
        return self._note(self.machine.on_client_ended(client, Ending(code, tail, f"{client}.log"), self.now))

    def shard_ended(self, shard: int = 0, code: int = -9) -> list[do.Action]:
        life = self.state.shards[shard].life
        return self._note(self.machine.on_shard_ended(shard, life, Ending(code), self.now))

    # Short ways

    def begin(self, generations: Sequence[int] = (), clients: int | None = None) -> list[str]:
        """Bring up every shard, and as many clients as there are slots; return the clients' names."""
        self.tick()
        for shard in range(self.plan.shards):
            self.register(shard, generations)
        names = [action.client for action in self.tick() if isinstance(action, do.StartClient)]
        for name in names[:clients]:
            self.hello(name)
        self.tick()
        return names[:clients]

    def fold(self, first: int, last: int) -> None:
        """Let every shard receive and fold the leases [first, last)."""
        for shard in range(self.plan.shards):
            for lease in range(first, last):
                self.got(lease, shard=shard)
            self.folded(last, shard)
        self.tick()

    def restart(self, shard: int = 0, generations: Sequence[int] = ()) -> list[do.Action]:
        """Kill a reducer and let its next life register."""
        self.shard_ended(shard)
        self.tick(61.0 if self.state.shards[shard].deaths > 1 else 0.0)
        return self.register(shard, generations)

    def attempt(self, client: str, lease: int) -> int:
        holder = self.ledger.holder(lease, client)
        assert holder is not None, f"{client} does not hold {lease}"
        return holder.attempt

    def granted(self, client: str) -> list[int]:
        """List the leases that a client was ever granted, in order."""
        return [body.lease for peer, body in sent(self.done) if peer == client and body.kind == "grant"]

    def outcome(self) -> str:
        ends = only(self.done, do.End)
        assert len(ends) <= 1
        return ends[0].outcome if ends else ""

    def _note(self, actions: list[do.Action]) -> list[do.Action]:
        self.done += actions
        return actions


def only(actions: Sequence[do.Action], kind: type[A]) -> list[A]:
    return [action for action in actions if isinstance(action, kind)]


def sent(actions: Sequence[do.Action]) -> list[tuple[str, Body]]:
    return [(action.peer, action.body) for action in actions if isinstance(action, do.Send)]


def bodies(actions: Sequence[do.Action], kind: type[B]) -> list[B]:
    """List the messages of a kind among what is sent to anybody."""
    bearing = (do.Send, do.SendShard, do.SendCoordinator)
    return [a.body for a in actions if isinstance(a, bearing) and isinstance(a.body, kind)]


def journaled(actions: Sequence[do.Action]) -> list[dict[str, Any]]:
    return [action.record for action in actions if isinstance(action, do.Journal)]
