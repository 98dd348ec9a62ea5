"""The reducer shard: admits contributions, folds them in lease order, cuts checkpoints. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.protocol.actions import (
    Action,
    Assemble,
    Discard,
    Fold,
    Leave,
    Load,
    Send,
    SendCoordinator,
    Write,
)
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.messages import (
    Admit,
    Beat,
    Body,
    Chunk,
    Cut,
    Durable,
    Fence,
    Folded,
    Go,
    Got,
    Ready,
    Received,
    Register,
    ShardBeat,
    Stop,
)
from parsl_sa.protocol.wire import MalformedMessageError, from_header

if TYPE_CHECKING:
    from parsl_sa.records import Plan


@dataclass
class Assembly:
    """A contribution on its way in."""

    peer: str
    ready: Ready
    received_bytes: int
    progress_at: float


@dataclass(frozen=True)
class ShardPolicy:
    """Bounds and timeouts of a shard.

    Parameters
    ----------
    room : int
        Contributions held at a time, counting those being received; one place is kept for the head.
    stall_s : float
        A sender without progress for so long loses its place.
    coordinator_silent_s : float
        Without a word from the coordinator for so long the reducer leaves.
    beat_s : float
        Time between signs of life.
    """

    room: int = 8
    stall_s: float = 10.0
    coordinator_silent_s: float = 20.0
    beat_s: float = 1.0


class Shard:
    """State machine of one reducer life.

    Parameters
    ----------
    fence : Fence
        Study and epoch; messages of any other are ignored.
    plan : Plan
        The frozen plan.
    shard : int
        Number of this shard.
    size_bytes : int
        Size of every contribution to this shard.
    policy : ShardPolicy
        Bounds and timeouts.

    Notes
    -----
    `prefix` leases are folded; `buffered` complete contributions wait for their turn. A contribution of a
    lease below the prefix, or already buffered, is acknowledged and ignored.
    """

    def __init__(self, fence: Fence, plan: Plan, shard: int, size_bytes: int, policy: ShardPolicy) -> None:
        self.fence = fence
        self.plan = plan
        self.shard = shard
        self.size_bytes = size_bytes
        self.policy = policy
        self.incarnation = 0
        self.prefix = 0
        self.waiting: dict[int, dict[int, tuple[str, Ready]]] = {}
        self.assembling: dict[int, Assembly] = {}
        self.buffered: dict[int, Ready] = {}
        self.cuts: list[int] = []
        self.last_cut: int | None = None
        self.writing: int | None = None
        self.write_began_at = 0.0
        self.ignored = 0
        self.heard_at = 0.0
        self.beat_at = 0.0

    # Events

    def start(self, register: Register, now: float) -> list[Action]:
        """Introduce the reducer to the coordinator."""
        self.heard_at = now
        return [SendCoordinator(register)]

    def on_coordinator(self, header: dict[str, Any], now: float) -> list[Action]:
        """Take a message from the coordinator."""
        body = self._parse(header)
        if body is None:
            return []
        self.heard_at = now
        if isinstance(body, Stop):
            return [Leave(0, body.reason)]
        if isinstance(body, Admit) and body.shard == self.shard and self.incarnation == 0:
            self.incarnation, self.prefix = body.incarnation, body.start
            return [Load(body.start), SendCoordinator(Folded(self.shard, self.incarnation, self.prefix))]
        if isinstance(body, Cut) and self._is_mine(body):
            return self._cut(body, now)
        if not isinstance(body, Beat):
            self.ignored += 1
        return []

    def on_client(self, peer: str, header: dict[str, Any], now: float) -> list[Action]:
        """Take a READY from a client."""
        body = self._parse(header)
        if not isinstance(body, Ready) or not self._is_mine(body) or not self._is_sound(body):
            self.ignored += 1
            return []
        if body.lease < self.prefix or body.lease in self.buffered:
            return [
                Send(peer, Received(self.shard, self.incarnation, body.lease, body.attempt)),
                SendCoordinator(self._got(body)),
            ]
        current = self.assembling.get(body.lease)
        if current is not None and current.ready.attempt == body.attempt:
            del self.assembling[body.lease]  # the client starts over after a reconnection
        self.waiting.setdefault(body.lease, {})[body.attempt] = (peer, body)
        return self._admit_waiting(now)

    def on_chunk(self, peer: str, header: dict[str, Any], length: int, now: float) -> Chunk | None:
        """Return the chunk if its bytes are to be kept, None if they are to be ignored."""
        body = self._parse(header)
        if not isinstance(body, Chunk) or not self._is_mine(body):
            self.ignored += 1
            return None
        assembly = self.assembling.get(body.lease)
        expected = (
            assembly is not None
            and assembly.peer == peer
            and assembly.ready.attempt == body.attempt
            and assembly.received_bytes == body.offset
            and 0 < length <= self.size_bytes - body.offset
        )
        if assembly is None or not expected:
            self.ignored += 1
            return None
        assembly.received_bytes += length
        assembly.progress_at = now
        return body

    def is_complete(self, lease: int) -> bool:
        """Tell whether all bytes of a lease are there."""
        assembly = self.assembling.get(lease)
        return assembly is not None and assembly.received_bytes == self.size_bytes

    def on_assembled(self, lease: int, checksum: str, now: float) -> list[Action]:
        """Take a complete contribution whose bytes have this checksum."""
        assembly = self.assembling.pop(lease)
        ready = assembly.ready
        if checksum != ready.checksum:
            self.ignored += 1
            self.waiting.setdefault(lease, {})[ready.attempt] = (assembly.peer, ready)
            return [Discard(lease, ready.attempt), *self._admit_waiting(now)]
        self.buffered[lease] = ready
        actions: list[Action] = [
            Send(assembly.peer, Received(self.shard, self.incarnation, lease, ready.attempt)),
            SendCoordinator(self._got(ready)),
        ]
        for peer, late in self.waiting.pop(lease, {}).values():
            actions += [
                Send(peer, Received(self.shard, self.incarnation, lease, late.attempt)),
                SendCoordinator(self._got(late)),
            ]
        return actions + self._advance(now)

    def on_written(self, prefix: int, now: float) -> list[Action]:
        """Take the news that a checkpoint is durable."""
        self.writing = None
        durable = Durable(self.shard, self.incarnation, prefix, round(now - self.write_began_at, 3))
        return [SendCoordinator(durable), *self._advance(now)]

    def on_tick(self, now: float) -> list[Action]:
        """Let time pass: signs of life, stalled senders, a lost coordinator."""
        if now - self.heard_at > self.policy.coordinator_silent_s:
            return [Leave(3, "no word from the coordinator")]
        actions: list[Action] = []
        for lease, assembly in list(self.assembling.items()):
            if now - assembly.progress_at > self.policy.stall_s:
                del self.assembling[lease]
                actions.append(Discard(lease, assembly.ready.attempt))
        if self.incarnation and now - self.beat_at >= self.policy.beat_s:
            self.beat_at = now
            actions.append(SendCoordinator(ShardBeat(self.shard, self.incarnation)))
        return actions + self._admit_waiting(now)

    # Rules

    def _parse(self, header: dict[str, Any]) -> Body | None:
        try:
            fence, body = from_header(header)
        except MalformedMessageError:
            self.ignored += 1
            return None
        if fence != self.fence:
            self.ignored += 1
            return None
        return body

    def _is_mine(self, body: Ready | Chunk | Cut) -> bool:
        return bool(self.incarnation) and (body.shard, body.incarnation) == (self.shard, self.incarnation)

    def _is_sound(self, ready: Ready) -> bool:
        """Check everything that a READY states about itself."""
        first, last = self.plan.bundles(ready.lease)
        absent = [*ready.exclude, *ready.dropped]
        return (
            ready.lease < self.plan.n_leases
            and ready.size_bytes == self.size_bytes
            and len(set(absent)) == len(absent)
            and all(first <= bundle < last for bundle in absent)
            and ready.digest == lease_digest(ready.lease, ready.exclude, ready.dropped)
        )

    def _got(self, ready: Ready) -> Got:
        return Got(
            self.shard, self.incarnation, ready.lease, ready.attempt, ready.digest, ready.checksum,
            ready.exclude, ready.dropped,
        )  # fmt: skip

    def _admit_waiting(self, now: float) -> list[Action]:
        """Grant room in lease order; the head always has its place."""
        actions: list[Action] = []
        for lease in sorted(self.waiting):
            if lease in self.assembling:
                continue
            others = sum(1 for held in (*self.assembling, *self.buffered) if held != self.prefix)
            if lease != self.prefix and others >= self.policy.room - 1:
                break
            attempts = self.waiting[lease]
            attempt = min(attempts)
            peer, ready = attempts.pop(attempt)
            if not attempts:
                del self.waiting[lease]
            self.assembling[lease] = Assembly(peer, ready, 0, now)
            actions += [
                Assemble(lease, attempt, self.size_bytes),
                Send(peer, Go(self.shard, self.incarnation, lease, attempt)),
            ]
        return actions

    def _cut(self, cut: Cut, now: float) -> list[Action]:
        if cut.last:
            self.last_cut = cut.prefix
            if cut.prefix < self.prefix:  # it had folded further: say so, and wait for the common cut
                return [SendCoordinator(Folded(self.shard, self.incarnation, self.prefix))]
        if cut.prefix >= self.prefix and cut.prefix not in self.cuts:
            self.cuts = sorted([*self.cuts, cut.prefix])
        return self._advance(now)

    def _advance(self, now: float) -> list[Action]:
        """Fold whatever is in order, up to the next cut; begin the cut when it is reached."""
        if self.writing is not None:
            return []
        actions: list[Action] = []
        began_at = self.prefix
        while self.prefix in self.buffered and self.prefix not in self.cuts and not self._is_held():
            ready = self.buffered.pop(self.prefix)
            n_bundles = self.plan.lease_bundles - len(ready.exclude) - len(ready.dropped)
            closes = (self.prefix + 1) % self.plan.leases_per_replicate == 0
            actions.append(Fold(self.prefix, ready.attempt, n_bundles, closes))
            self.prefix += 1
        if self.prefix != began_at:
            actions.append(SendCoordinator(Folded(self.shard, self.incarnation, self.prefix)))
        if self.prefix in self.cuts:
            self.cuts = [cut for cut in self.cuts if cut > self.prefix]
            self.writing, self.write_began_at = self.prefix, now
            actions.append(Write(self.prefix, self.incarnation))
        return actions + self._admit_waiting(now)

    def _is_held(self) -> bool:
        return self.last_cut is not None and self.prefix >= self.last_cut
