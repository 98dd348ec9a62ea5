"""The client session: draws leases, offers contributions, survives new reducers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.protocol.actions import (
    Action,
    Compute,
    Connect,
    Free,
    Leave,
    SendCoordinator,
    SendShard,
    Transmit,
)
from parsl_sa.protocol.contribution import Held
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.messages import (
    Abandon,
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
from parsl_sa.protocol.wire import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from parsl_sa.protocol.contribution import Slab

Key = tuple[int, int]


@dataclass(frozen=True)
class SessionPolicy:
    """Timeouts of a client session.

    Parameters
    ----------
    coordinator_silent_s : float
        Without a word from the coordinator for so long the client leaves.
    resend_s : float
        What has had no answer for so long is said again.
    beat_s : float
        Time between signs of life.
    """

    coordinator_silent_s: float = 20.0
    resend_s: float = 5.0
    beat_s: float = 1.0


class ClientSession:
    """State machine of one client process.

    Parameters
    ----------
    fence : Fence
        Study and epoch; messages of any other are ignored.
    shards : int
        Number of shards of the plan.
    policy : SessionPolicy
        Timeouts.

    Notes
    -----
    One lease is computed at a time, the lowest first. A contribution stays in memory until every shard
    has acknowledged it; when a shard comes back under a new incarnation, everything still held is offered
    to it again.
    """

    def __init__(self, fence: Fence, shards: int, policy: SessionPolicy) -> None:
        self.fence = fence
        self.shards = shards
        self.policy = policy
        self.held: dict[Key, Held] = {}
        self.queue: list[Key] = []
        self.computing: Key | None = None
        self.incarnations: dict[int, int] = {}
        self.ignored = 0
        self.heard_at = 0.0
        self.beat_at = 0.0
        self._hello: Hello | None = None  # until it is answered
        self._hello_at = 0.0

    # Events

    def start(self, hello: Hello, now: float) -> list[Action]:
        """Introduce the client to the coordinator."""
        self.heard_at = self._hello_at = now
        self._hello = hello
        return [SendCoordinator(hello)]

    def on_coordinator(self, header: dict[str, Any], now: float) -> list[Action]:
        """Take a message from the coordinator."""
        body = self._read(header)
        if body is None:
            return []
        self.heard_at = now
        if isinstance(body, Grant):
            return self._take((body.lease, body.attempt), body.exclude)
        if isinstance(body, Welcome):
            return self._route(body, now)
        if isinstance(body, Committed):
            return self._commit((body.lease, body.attempt), now)
        if isinstance(body, Abandon):
            return self._forget((body.lease, body.attempt))
        if isinstance(body, Stop):
            return [Leave(0, body.reason)]
        if isinstance(body, Refused):
            return [Leave(5, body.reason)]
        self.ignored += 1
        return []

    def on_shard(self, shard: int, header: dict[str, Any]) -> list[Action]:
        """Take a message from a shard."""
        body = self._read(header)
        if not isinstance(body, Go | Received) or not self._is_present(shard, body.incarnation):
            self.ignored += body is not None
            return []
        key = (body.lease, body.attempt)
        held = self.held.get(key)
        if held is None or shard not in held.pending:
            return self._withdraw(key, [shard]) if isinstance(body, Go) else []
        if isinstance(body, Go):
            return [Transmit(shard, body.incarnation, *key)]
        held.pending.discard(shard)
        return [] if held.pending else self._forget(key)

    def on_computed(
        self, lease: int, attempt: int, dropped: Sequence[int], slabs: Mapping[int, Slab], now: float
    ) -> list[Action]:
        """Take the contribution of the lease being computed."""
        key = (lease, attempt)
        self.computing = None
        held = self.held.get(key)
        if held is None:  # abandoned meanwhile
            return [Free(*key), *self._next()]
        held.dropped, held.slabs, held.asked_at = tuple(dropped), slabs, now
        if dropped:
            dropping = Dropping(lease, attempt, list(dropped), self._digest(key))
            return [SendCoordinator(dropping), *self._next()]
        return [*self._commit(key, now), *self._next()]

    def on_failed(self, lease: int, attempt: int, poisoned: Sequence[int], error: str) -> list[Action]:
        """Take the news that the model raised on the lease being computed."""
        self.computing = None
        known = self.held.pop((lease, attempt), None) is not None
        failed = [SendCoordinator(Failed(lease, attempt, list(poisoned), error))] if known else []
        return [*failed, *self._next()]

    def leave(self, reason: str) -> list[Action]:
        """Say goodbye, so that the leases held go to others at once."""
        return [SendCoordinator(Bye(reason)), Leave(0, reason)]

    def on_tick(self, now: float) -> list[Action]:
        """Let time pass: signs of life, repeated offers, a lost coordinator."""
        if now - self.heard_at > self.policy.coordinator_silent_s:
            return [Leave(3, "no word from the coordinator")]
        actions: list[Action] = []
        if self._hello is not None:
            if now - self._hello_at > self.policy.resend_s:
                self._hello_at = now
                actions.append(SendCoordinator(self._hello))
            return actions
        if now - self.beat_at >= self.policy.beat_s:
            self.beat_at = now
            actions.append(SendCoordinator(ClientBeat([list(key) for key in sorted(self.held)])))
        for key, held in self.held.items():
            if not held.slabs or now - held.asked_at <= self.policy.resend_s:
                continue
            if held.committed:
                actions += self._offer(key, sorted(held.pending), now)
            else:
                held.asked_at = now
                actions.append(SendCoordinator(Dropping(*key, list(held.dropped), self._digest(key))))
        return actions

    def on_transmitted(self, lease: int, attempt: int, now: float) -> list[Action]:
        """Take the news that bytes of a contribution have been handed to the socket."""
        held = self.held.get((lease, attempt))
        if held is not None:
            held.asked_at = now
        return []

    # Rules

    def _read(self, header: dict[str, Any]) -> Body | None:
        body = read(header, self.fence)
        self.ignored += body is None
        return body

    def _is_present(self, shard: int, incarnation: int) -> bool:
        """Tell whether a word comes from the reducer that has the shard now."""
        return incarnation == self.incarnations.get(shard)

    def _digest(self, key: Key) -> str:
        held = self.held[key]
        return lease_digest(key[0], held.exclude, held.dropped)

    def _take(self, key: Key, exclude: Sequence[int]) -> list[Action]:
        if key in self.held:
            return []
        self.held[key] = Held(tuple(exclude))
        self.queue.append(key)
        return self._next()

    def _next(self) -> list[Action]:
        if self.computing is not None or not self.queue:
            return []
        self.computing = min(self.queue)
        self.queue.remove(self.computing)
        return [Compute(*self.computing, self.held[self.computing].exclude)]

    def _commit(self, key: Key, now: float) -> list[Action]:
        held = self.held.get(key)
        if held is None or held.committed or not held.slabs:
            return []
        held.committed, held.pending = True, set(range(self.shards))
        return self._offer(key, sorted(held.pending), now)

    def _offer(self, key: Key, shards: Sequence[int], now: float) -> list[Action]:
        held = self.held[key]
        held.asked_at = now
        return [
            SendShard(
                shard,
                Ready(
                    shard, self.incarnations[shard], *key, held.slabs[shard].size_bytes,
                    held.slabs[shard].checksum, list(held.exclude), list(held.dropped), self._digest(key),
                ),
            )
            for shard in shards
            if shard in self.incarnations
        ]  # fmt: skip

    def _forget(self, key: Key) -> list[Action]:
        """Drop a lease; one being computed is freed when its answer comes."""
        held = self.held.pop(key, None)
        if held is None:
            return []
        if key in self.queue:
            self.queue.remove(key)
            return []
        if key == self.computing:
            return []
        return [Free(*key), *self._withdraw(key, sorted(held.pending))]

    def _withdraw(self, key: Key, shards: Sequence[int]) -> list[Action]:
        """Tell shards not to wait for what is here no more."""
        return [
            SendShard(shard, Withdraw(shard, self.incarnations[shard], *key))
            for shard in shards
            if shard in self.incarnations
        ]

    def _route(self, welcome: Welcome, now: float) -> list[Action]:
        actions: list[Action] = []
        self._hello = None
        for route in welcome.routes:
            shard, incarnation = route["shard"], route["incarnation"]
            if not (shard < self.shards and incarnation > self.incarnations.get(shard, 0)):
                continue  # known, or what was true before
            self.incarnations[shard] = incarnation
            actions.append(Connect(shard, route["address"]))
            for key, held in self.held.items():
                if held.committed:
                    held.pending.add(shard)
                    actions += self._offer(key, [shard], now)
        return actions
