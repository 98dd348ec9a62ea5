"""The reducer shard: admits contributions, folds them in lease order, cuts checkpoints. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.protocol.actions import Action, Fold, Leave, Load, Send, SendCoordinator, Write
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.intake import Intake
from parsl_sa.protocol.messages import (
    Admit,
    Beat,
    Body,
    Chunk,
    Cut,
    Durable,
    Fence,
    Folded,
    Got,
    Ready,
    Received,
    Register,
    ShardBeat,
    Stop,
    Withdraw,
)
from parsl_sa.protocol.wire import read

if TYPE_CHECKING:
    from parsl_sa.records import Plan


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
    resend_s : float
        What the coordinator has not confirmed after so long is said again.
    beat_s : float
        Time between signs of life.
    """

    room: int = 8
    stall_s: float = 10.0
    coordinator_silent_s: float = 20.0
    resend_s: float = 3.0
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
    `prefix` leases are folded; complete contributions wait in the intake for their turn. A contribution
    of a lease below the prefix, or already there, is acknowledged and ignored. `told` keeps what was said
    of each lease until the coordinator's beat confirms it.
    """

    def __init__(self, fence: Fence, plan: Plan, shard: int, size_bytes: int, policy: ShardPolicy) -> None:
        self.fence = fence
        self.plan = plan
        self.shard = shard
        self.policy = policy
        self.incarnation = 0
        self.prefix = 0
        self.durable = 0
        self.intake = Intake(policy.room, size_bytes)
        self.told: dict[int, tuple[Got, float]] = {}
        self.cuts: list[int] = []
        self.last_cut: int | None = None
        self.writing: int | None = None
        self.write_began_at = 0.0
        self.ignored = 0
        self.heard_at = 0.0
        self.beat_at = 0.0
        self._register: Register | None = None
        self._registered_at = 0.0

    # Events

    def start(self, register: Register, now: float) -> list[Action]:
        """Introduce the reducer to the coordinator."""
        self.heard_at = self._registered_at = now
        self._register = register
        return [SendCoordinator(register)]

    def on_coordinator(self, header: dict[str, Any], now: float) -> list[Action]:
        """Take a message from the coordinator."""
        body = self._read(header)
        if body is None:
            return []
        self.heard_at = now
        if isinstance(body, Stop):
            return [Leave(0, body.reason)]
        if isinstance(body, Beat):
            return self._repeat(body, now)
        if isinstance(body, Admit) and body.shard == self.shard:
            return self._begin(body)
        if isinstance(body, Cut) and self._is_mine(body):
            return self._cut(body, now)
        self.ignored += 1
        return []

    def on_client(self, peer: str, header: dict[str, Any], now: float) -> list[Action]:
        """Take an offer, or its withdrawal, from a client."""
        body = self._read(header)
        if isinstance(body, Withdraw) and self._is_mine(body):
            return [*self.intake.withdraw(peer, body), *self._admit(now)]
        if not isinstance(body, Ready) or not self._is_mine(body) or not self._is_sound(body):
            self.ignored += body is not None
            return []
        if self._has(body.lease):
            return self._acknowledge(peer, body, now)
        return [*self.intake.offer(peer, body), *self._admit(now)]

    def on_chunk(self, peer: str, header: dict[str, Any], length: int, now: float) -> Chunk | None:
        """Return the chunk if its bytes are to be kept, None if they are to be ignored."""
        body = self._read(header)
        if (
            isinstance(body, Chunk)
            and self._is_mine(body)
            and self.intake.take_chunk(peer, body, length, now)
        ):
            return body
        self.ignored += body is not None
        return None

    def is_complete(self, lease: int) -> bool:
        """Tell whether all bytes of a lease are there."""
        return self.intake.is_complete(lease)

    def on_assembled(self, lease: int, checksum: str, now: float) -> list[Action]:
        """Take a complete contribution whose bytes have this checksum."""
        if checksum != self.intake.assembling[lease].ready.checksum:
            self.ignored += 1
            return [self.intake.refuse(lease), *self._admit(now)]
        assembly, late = self.intake.complete(lease)
        actions = self._acknowledge(assembly.peer, assembly.ready, now)
        for peer, ready in late:
            actions += self._acknowledge(peer, ready, now)
        return actions + self._advance(now)

    def on_written(self, prefix: int, now: float) -> list[Action]:
        """Take the news that a checkpoint is durable."""
        self.writing, self.durable = None, max(self.durable, prefix)
        durable = Durable(self.shard, self.incarnation, prefix, round(now - self.write_began_at, 3))
        return [SendCoordinator(durable), *self._advance(now)]

    def on_tick(self, now: float) -> list[Action]:
        """Let time pass: signs of life, stalled senders, a lost coordinator."""
        if now - self.heard_at > self.policy.coordinator_silent_s:
            return [Leave(3, "no word from the coordinator")]
        if not self.incarnation:
            if self._register is None or now - self._registered_at <= self.policy.resend_s:
                return []
            self._registered_at = now
            return [SendCoordinator(self._register)]
        actions = self.intake.drop_stalled(now, self.policy.stall_s)
        if now - self.beat_at >= self.policy.beat_s:
            self.beat_at = now
            beat = ShardBeat(self.shard, self.incarnation, self.prefix, self.durable)
            actions.append(SendCoordinator(beat))
        return actions + self._admit(now)

    # Rules

    def _read(self, header: dict[str, Any]) -> Body | None:
        body = read(header, self.fence)
        self.ignored += body is None
        return body

    def _is_mine(self, body: Ready | Withdraw | Chunk | Cut) -> bool:
        return bool(self.incarnation) and (body.shard, body.incarnation) == (self.shard, self.incarnation)

    def _is_sound(self, ready: Ready) -> bool:
        """Check everything that a READY states about itself."""
        first, last = self.plan.bundles(ready.lease)
        absent = [*ready.exclude, *ready.dropped]
        return (
            ready.lease < self.plan.n_leases
            and ready.size_bytes == self.intake.size_bytes
            and len(set(absent)) == len(absent)
            and all(first <= bundle < last for bundle in absent)
            and ready.digest == lease_digest(ready.lease, ready.exclude, ready.dropped)
        )

    def _has(self, lease: int) -> bool:
        """Tell whether a contribution to a lease is folded or buffered."""
        return lease < self.prefix or lease in self.intake.buffered

    def _begin(self, admit: Admit) -> list[Action]:
        if self.incarnation:
            return []  # it answers a registration that was repeated
        self.incarnation, self.prefix, self.durable = admit.incarnation, admit.start, admit.start
        return [Load(admit.start)]

    def _acknowledge(self, peer: str, ready: Ready, now: float) -> list[Action]:
        """Let the client free a contribution, and tell the coordinator what it lacked."""
        got = Got(
            self.shard, self.incarnation, ready.lease, ready.attempt, ready.digest, ready.checksum,
            ready.exclude, ready.dropped,
        )  # fmt: skip
        self.told.setdefault(ready.lease, (got, now))
        return [
            Send(peer, Received(self.shard, self.incarnation, ready.lease, ready.attempt)),
            SendCoordinator(got),
        ]

    def _repeat(self, beat: Beat, now: float) -> list[Action]:
        """Forget what the coordinator has confirmed; say again what it should have heard by now."""
        self.told = {lease: said for lease, said in self.told.items() if lease >= beat.prefix}
        overdue = [got for got, at in self.told.values() if now - at > self.policy.resend_s]
        self.told.update({got.lease: (got, now) for got in overdue})
        return [SendCoordinator(got) for got in overdue]

    def _admit(self, now: float) -> list[Action]:
        return self.intake.admit(self.prefix, self.shard, self.incarnation, now)

    def _cut(self, cut: Cut, now: float) -> list[Action]:
        known = {*self.cuts, self.writing, self.durable}
        if cut.prefix >= self.prefix and cut.prefix not in known:
            self.cuts = sorted([*self.cuts, cut.prefix])
        if not cut.last:
            return self._advance(now)
        self.last_cut = cut.prefix
        if cut.prefix < self.prefix:  # it had folded further: say so, and wait for the common cut
            return [SendCoordinator(Folded(self.shard, self.incarnation, self.prefix))]
        return self._advance(now)

    def _advance(self, now: float) -> list[Action]:
        """Fold whatever is in order, up to the next cut; begin the cut when it is reached."""
        actions: list[Action] = []
        began_at = self.prefix
        while self._may_fold():
            ready = self.intake.buffered.pop(self.prefix)
            n_bundles = self.plan.lease_bundles - len(ready.exclude) - len(ready.dropped)
            closes = (self.prefix + 1) % self.plan.leases_per_replicate == 0
            actions.append(Fold(self.prefix, ready.attempt, n_bundles, closes))
            self.prefix += 1
        if self.prefix != began_at:
            actions.append(SendCoordinator(Folded(self.shard, self.incarnation, self.prefix)))
        if self.writing is None and self.prefix in self.cuts:
            self.cuts = [cut for cut in self.cuts if cut > self.prefix]
            self.writing, self.write_began_at = self.prefix, now
            actions.append(Write(self.prefix, self.incarnation))
        return actions + self._admit(now)

    def _may_fold(self) -> bool:
        """Tell whether the head is there and no write, no cut to be made and no end forbids it."""
        return (
            self.prefix in self.intake.buffered
            and self.writing is None
            and self.prefix not in self.cuts
            and (self.last_cut is None or self.prefix < self.last_cut)
        )
