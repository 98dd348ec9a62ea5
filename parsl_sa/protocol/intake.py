"""A shard's way in: contributions are offered, admitted, assembled, and kept until it is their turn. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, Assemble, Discard, Send
from parsl_sa.protocol.messages import Go

if TYPE_CHECKING:
    from parsl_sa.protocol.messages import Chunk, Ready, Withdraw


@dataclass
class Assembly:
    """A contribution on its way in."""

    peer: str
    ready: Ready
    received_bytes: int
    progress_at: float


class Intake:
    """The places of a shard and who has them.

    Parameters
    ----------
    room : int
        Contributions held at a time, counting those being received; one place is kept for the head.
    size_bytes : int
        Size of every contribution.

    Notes
    -----
    `waiting` maps a lease to the attempts at it that were offered and not admitted, `assembling` a lease
    to the one attempt that is being received, `buffered` a lease to the attempt that has arrived whole.
    """

    def __init__(self, room: int, size_bytes: int) -> None:
        self.room = room
        self.size_bytes = size_bytes
        self.waiting: dict[int, dict[int, tuple[str, Ready]]] = {}
        self.assembling: dict[int, Assembly] = {}
        self.buffered: dict[int, Ready] = {}

    def offer(self, peer: str, ready: Ready) -> list[Action]:
        """Take an offer; one that is made again, after a broken connection, starts over."""
        actions: list[Action] = []
        current = self.assembling.get(ready.lease)
        if current is not None and current.ready.attempt == ready.attempt:
            actions.append(self._stop_assembling(ready.lease))
        self.waiting.setdefault(ready.lease, {})[ready.attempt] = (peer, ready)
        return actions

    def withdraw(self, peer: str, withdrawal: Withdraw) -> list[Action]:
        """Free the place of a contribution that its client no longer has."""
        lease, attempt = withdrawal.lease, withdrawal.attempt
        current = self.assembling.get(lease)
        if current is not None and (current.peer, current.ready.attempt) == (peer, attempt):
            return [self._stop_assembling(lease)]
        attempts = self.waiting.get(lease, {})
        if attempt in attempts and attempts[attempt][0] == peer:
            self._stop_waiting(lease, attempt)
        return []

    def admit(self, head: int, shard: int, incarnation: int, now: float) -> list[Action]:
        """Grant room in lease order; of several attempts the newest: its client likely lives."""
        actions: list[Action] = []
        for lease in sorted(self.waiting):
            if lease in self.assembling:
                continue
            if not self.has_room(lease, head):
                break
            attempt = max(self.waiting[lease])
            peer, ready = self._stop_waiting(lease, attempt)
            self.assembling[lease] = Assembly(peer, ready, 0, now)
            actions += [
                Assemble(lease, attempt, self.size_bytes),
                Send(peer, Go(shard, incarnation, lease, attempt)),
            ]
        return actions

    def has_room(self, lease: int, head: int) -> bool:
        """Tell whether a lease may have a place; the head always may."""
        others = sum(1 for held in (*self.assembling, *self.buffered) if held != head)
        return lease == head or others < self.room - 1

    def take_chunk(self, peer: str, chunk: Chunk, length: int, now: float) -> bool:
        """Tell whether these bytes are the next of a contribution that is being received."""
        assembly = self.assembling.get(chunk.lease)
        if (
            assembly is None
            or (assembly.peer, assembly.ready.attempt) != (peer, chunk.attempt)
            or assembly.received_bytes != chunk.offset
            or not 0 < length <= self.size_bytes - chunk.offset
        ):
            return False
        assembly.received_bytes += length
        assembly.progress_at = now
        return True

    def is_complete(self, lease: int) -> bool:
        """Tell whether all bytes of a lease are there."""
        assembly = self.assembling.get(lease)
        return assembly is not None and assembly.received_bytes == self.size_bytes

    def complete(self, lease: int) -> tuple[Assembly, list[tuple[str, Ready]]]:
        """Keep a contribution that arrived whole; return it, and the offers that are answered by it."""
        assembly = self.assembling.pop(lease)
        self.buffered[lease] = assembly.ready
        return assembly, list(self.waiting.pop(lease, {}).values())

    def refuse(self, lease: int) -> Action:
        """Throw a contribution away whose bytes are not what was offered; its client will offer it again."""
        return self._stop_assembling(lease)

    def drop_stalled(self, now: float, stall_s: float) -> list[Action]:
        """Take the place of senders that have made no progress for so long."""
        stalled = [
            lease for lease, assembly in self.assembling.items() if now - assembly.progress_at > stall_s
        ]
        return [self._stop_assembling(lease) for lease in stalled]

    def _stop_assembling(self, lease: int) -> Discard:
        return Discard(lease, self.assembling.pop(lease).ready.attempt)

    def _stop_waiting(self, lease: int, attempt: int) -> tuple[str, Ready]:
        attempts = self.waiting[lease]
        offer = attempts.pop(attempt)
        if not attempts:
            del self.waiting[lease]
        return offer
