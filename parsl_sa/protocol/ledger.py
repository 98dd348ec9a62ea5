"""Who holds which lease, what came back, and which lease is handed out next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass
class Entry:
    """What is known of a lease that is not yet durable.

    Parameters
    ----------
    holders : dict
        Client -> (attempt, time it was handed out).
    attempts : int
        Attempts handed out so far.
    got : set of int
        Shards that hold or have folded its slab.
    failed_on : dict
        Client -> bundles that failed alone there.
    errors : int
        Times the model raised on it.
    """

    holders: dict[str, tuple[int, float]] = field(default_factory=dict)
    attempts: int = 0
    got: set[int] = field(default_factory=set)
    failed_on: dict[str, frozenset[int]] = field(default_factory=dict)
    errors: int = 0


@dataclass(frozen=True)
class Handed:
    """One attempt at a lease, given to a client."""

    lease: int
    attempt: int
    exclude: tuple[int, ...]
    copy: bool


class Ledger:
    """The leases of a study.

    Parameters
    ----------
    n_leases : int
        Leases of the plan.
    window : int
        No lease is handed out at or beyond the folded prefix plus this.
    shards : int
        A lease has arrived when so many shards hold it.

    Notes
    -----
    `prefix` is what every shard has folded. Entries below the durable prefix are forgotten; a shard that
    falls back makes them anew, since inputs are a function of the lease.
    """

    def __init__(self, n_leases: int, window: int, shards: int) -> None:
        self.n_leases = n_leases
        self.window = window
        self.shards = shards
        self.next = 0
        self.entries: dict[int, Entry] = {}
        self.returned: list[int] = []
        self.excluded: dict[int, tuple[int, ...]] = {}
        self.folded = dict.fromkeys(range(shards), 0)
        self.lease_s = 0.0

    @property
    def prefix(self) -> int:
        """Leases that every shard has folded."""
        return min(self.folded.values())

    def entry(self, lease: int) -> Entry:
        """Return what is known of a lease."""
        return self.entries.setdefault(lease, Entry())

    def holding(self, client: str) -> list[int]:
        """Leases in a client's hands that no shard set has completely received."""
        return [lease for lease, entry in self.entries.items() if client in entry.holders]

    def take(self, client: str, now: float, lag_s: float, able: Collection[str]) -> Handed | None:
        """Hand the next lease to a client: a returned one, a new one, or a copy of a lagging head.

        Parameters
        ----------
        client : str
            Who asks.
        now : float
            Seconds.
        lag_s : float
            A head that is out longer than this is issued to a second client.
        able : collection of str
            Clients that could take a lease; one that failed on a client goes to another while there is one.
        """
        for lease in sorted(self.returned):
            failed_on = self.entry(lease).failed_on
            if client not in failed_on or all(name in failed_on for name in able):
                self.returned.remove(lease)
                return self._hand(lease, client, now, copy=False)
        if self.next < min(self.prefix + self.window, self.n_leases):
            self.next += 1
            return self._hand(self.next - 1, client, now, copy=False)
        head = self.entries.get(self.prefix)
        if head is None or len(head.got) == self.shards or client in head.holders or len(head.holders) != 1:
            return None
        ((_, since),) = head.holders.values()
        return self._hand(self.prefix, client, now, copy=True) if now - since > lag_s else None

    def give_head(self, client: str, now: float) -> Handed:
        """Hand the head, which waits with nobody working on it, to a client out of turn."""
        self.returned.remove(self.prefix)
        return self._hand(self.prefix, client, now, copy=False)

    def _hand(self, lease: int, client: str, now: float, copy: bool) -> Handed:
        entry = self.entry(lease)
        entry.attempts += 1
        entry.holders[client] = (entry.attempts, now)
        return Handed(lease, entry.attempts, self.excluded.get(lease, ()), copy)

    def release(self, client: str) -> list[int]:
        """Take back everything a client holds; return the leases that must be handed out again."""
        back = [lease for lease in self.holding(client) if self.give_back(lease, client)]
        return sorted(back)

    def give_back(self, lease: int, client: str) -> bool:
        """Take one lease back from a client; tell whether it must be handed out again."""
        entry = self.entry(lease)
        entry.holders.pop(client, None)
        if entry.holders or len(entry.got) == self.shards or lease in self.returned or lease < self.prefix:
            return False
        self.returned.append(lease)
        return True

    def got(self, lease: int, shard: int, now: float) -> list[tuple[str, int]]:
        """Note that a shard holds a lease; return the (client, attempt) pairs that are rid of it."""
        entry = self.entry(lease)
        entry.got.add(shard)
        if len(entry.got) < self.shards:
            return []
        if lease in self.returned:
            self.returned.remove(lease)
        rid = [(client, attempt) for client, (attempt, _) in entry.holders.items()]
        for _, since in entry.holders.values():
            self.lease_s = 0.8 * self.lease_s + 0.2 * (now - since) if self.lease_s else now - since
        entry.holders.clear()
        return rid

    def on_folded(self, shard: int, prefix: int) -> bool:
        """Note what a shard has folded; tell whether the common prefix moved."""
        before = self.prefix
        self.folded[shard] = max(self.folded[shard], prefix)
        self.next = max(self.next, self.folded[shard])
        return self.prefix > before

    def forget(self, durable: int) -> None:
        """Forget the leases below a prefix that is durable on every shard."""
        for lease in [lease for lease in self.entries if lease < durable]:
            del self.entries[lease]

    def restart(self, shard: int, start: int) -> list[int]:
        """Set a shard back to a checkpoint; return the leases that must be handed out again."""
        frontier = self.next
        self.folded[shard] = start
        self.next = max(self.next, start)
        back = []
        for lease in range(start, frontier):
            entry = self.entry(lease)
            entry.got.discard(shard)
            if not entry.holders and lease not in self.returned:
                self.returned.append(lease)
                back.append(lease)
        return back
