"""Who holds which lease, what came back, and which lease is handed out next. Pure."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from parsl_sa.protocol.attempts import Entry, Handed, Holder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


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
    `prefix` is what every shard has folded. Leases in [prefix, next) are held by clients, or have arrived,
    or stand in `returned`. Entries below the durable prefix are forgotten; a shard that falls back makes
    them anew, since inputs are a function of the lease. No operation looks at all leases but `restart`,
    `forget` and the release of a client, which look at those that are not durable.
    """

    def __init__(self, n_leases: int, window: int, shards: int) -> None:
        self.n_leases = n_leases
        self.window = window
        self.shards = shards
        self.next = 0
        self.attempts = 0
        self.entries: dict[int, Entry] = {}
        self.returned: set[int] = set()
        self.excluded: dict[int, tuple[int, ...]] = {}
        self.folded = dict.fromkeys(range(shards), 0)
        self.lease_s = 0.0
        self._queue: list[int] = []  # a heap of what is in `returned`, and of what was
        self._held: dict[str, set[int]] = {}

    @property
    def prefix(self) -> int:
        """Leases that every shard has folded."""
        return min(self.folded.values())

    @property
    def limit(self) -> int:
        """No lease at or beyond this is handed out now."""
        return min(self.prefix + self.window, self.n_leases)

    @property
    def n_out(self) -> int:
        """Attempts that are out."""
        return sum(map(len, self._held.values()))

    def entry(self, lease: int) -> Entry:
        """Return what is known of a lease."""
        return self.entries.setdefault(lease, Entry())

    def holding(self, client: str) -> Collection[int]:
        """Leases in a client's hands that have not arrived at every shard."""
        return self._held.get(client, ())

    def holder(self, lease: int, client: str) -> Holder | None:
        """Return a client's attempt at a lease, if it has one."""
        entry = self.entries.get(lease)
        return entry.holders.get(client) if entry else None

    # Handing out

    def take(self, client: str, now: float, lag_s: float, able: Collection[str]) -> Handed | None:
        """Hand the next lease to a client: a returned one, a copy of a lagging head, or a new one.

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
        lease = self._take_returned(client, able)
        if lease is not None:
            return self._hand(lease, client, now, copy=False)
        if self.head_lags(now, lag_s) and self.may_help(client):
            return self._hand(self.prefix, client, now, copy=True)
        if self.next >= self.limit:
            return None
        self.next += 1
        return self._hand(self.next - 1, client, now, copy=False)

    def head_lags(self, now: float, lag_s: float) -> bool:
        """Tell whether one client alone has had the head for too long."""
        head = self.entries.get(self.prefix)
        if head is None or len(head.holders) != 1:
            return False
        (holder,) = head.holders.values()
        return now - holder.since > lag_s

    def may_help(self, client: str) -> bool:
        """Tell whether a client neither has the head nor has failed on it."""
        head = self.entry(self.prefix)
        return client not in head.holders and client not in head.failed_on

    def give_head(self, client: str, now: float) -> Handed:
        """Hand the head to a client out of turn."""
        copy = self.prefix not in self.returned
        self.returned.discard(self.prefix)
        return self._hand(self.prefix, client, now, copy=copy)

    def _take_returned(self, client: str, able: Collection[str]) -> int | None:
        queue, passed, found = self._queue, [], None
        while queue and queue[0] < self.limit and found is None:
            lease = heappop(queue)
            failed_on = self.entries[lease].failed_on if lease in self.entries else {}
            if lease not in self.returned:
                continue
            if client not in failed_on or all(name in failed_on for name in able):
                found = lease
            else:
                passed.append(lease)
        for lease in passed:
            heappush(queue, lease)
        self.returned.discard(-1 if found is None else found)
        return found

    def _hand(self, lease: int, client: str, now: float, copy: bool) -> Handed:
        self.attempts += 1
        self.entry(lease).holders[client] = Holder(self.attempts, now)
        self._held.setdefault(client, set()).add(lease)
        return Handed(lease, self.attempts, self.excluded.get(lease, ()), copy)

    # Taking back

    def release(self, client: str) -> list[int]:
        """Take back everything a client holds; return the leases that must be handed out again."""
        return [lease for lease in sorted(self.holding(client)) if self.give_back(lease, client)]

    def give_back(self, lease: int, client: str) -> bool:
        """Take one lease back from a client; tell whether it must be handed out again."""
        entry = self.entry(lease)
        self._drop_holder(lease, entry, client)
        if entry.holders or self._has_arrived(lease):
            return False
        return self._return(lease)

    def recall(self, lease: int) -> list[tuple[str, int]]:
        """Take a lease back from every client; return the (client, attempt) pairs that had it."""
        entry = self.entry(lease)
        had = [(client, holder.attempt) for client, holder in entry.holders.items()]
        for client, _ in had:
            self.give_back(lease, client)
        return had

    def missing(
        self, client: str, listed: Iterable[tuple[int, int]], now: float, patience_s: float
    ) -> list[int]:
        """Compare with what a client lists; return what it should hold and has not listed for so long."""
        told, gone = set(listed), []
        for lease in self.holding(client):
            holder = self.entries[lease].holders[client]
            if (lease, holder.attempt) in told:
                holder.missing_since = None
            elif holder.missing_since is None:
                holder.missing_since = now
            elif now - holder.missing_since > patience_s:
                gone.append(lease)
        return gone

    def _has_arrived(self, lease: int) -> bool:
        """Tell whether every shard holds a lease, or has folded it in a checkpoint that it started from."""
        entry = self.entries.get(lease)
        got = entry.got if entry else ()
        return all(shard in got or lease < folded for shard, folded in self.folded.items())

    def _settle(self) -> None:
        """Take leases out of hands that a checkpoint turned out to contain: the word of it was lost."""
        for client, held in list(self._held.items()):
            for lease in [lease for lease in held if self._has_arrived(lease)]:
                self._drop_holder(lease, self.entries[lease], client)
        self.returned = {lease for lease in self.returned if not self._has_arrived(lease)}

    def _return(self, lease: int) -> bool:
        if lease in self.returned or lease < self.prefix:
            return False
        self.returned.add(lease)
        heappush(self._queue, lease)
        return True

    def _drop_holder(self, lease: int, entry: Entry, client: str) -> None:
        if entry.holders.pop(client, None) is not None:
            held = self._held[client]
            held.discard(lease)
            if not held:
                del self._held[client]

    # What shards report

    def got(self, lease: int, attempt: int, shard: int, now: float) -> list[tuple[str, int]]:
        """Note that a shard holds a lease; return the (client, attempt) pairs that are rid of it."""
        if not self.prefix <= lease < self.next:
            return []
        entry = self.entry(lease)
        entry.got.add(shard)
        if not self._has_arrived(lease):
            return []
        self.returned.discard(lease)
        rid = [(client, holder.attempt) for client, holder in entry.holders.items()]
        for client, number in rid:
            if number == attempt:
                took_s = now - entry.holders[client].since
                self.lease_s = 0.8 * self.lease_s + 0.2 * took_s if self.lease_s else took_s
            self._drop_holder(lease, entry, client)
        return rid

    def on_folded(self, shard: int, prefix: int) -> bool:
        """Note what a shard has folded; tell whether the common prefix moved.

        It counts up to the first lease that the shard has not said it holds: that word was lost, and will
        be said again.
        """
        before, folded = self.prefix, self.folded[shard]
        while folded < prefix and folded in self.entries and shard in self.entries[folded].got:
            folded += 1
        self.folded[shard] = folded
        return self.prefix > before

    def forget(self, durable: int) -> None:
        """Forget the leases below a prefix that is durable on every shard."""
        for lease in [lease for lease in self.entries if lease < durable]:
            del self.entries[lease]

    def restart(self, shard: int, start: int) -> list[int]:
        """Set a shard to a checkpoint; return the leases that must be handed out again."""
        self.folded[shard] = start
        self.next = max(self.next, self.prefix)
        self._settle()
        back = []
        for lease in range(start, self.next):
            entry = self.entries.get(lease)
            if entry is not None:
                entry.got.discard(shard)
            if (entry is None or not entry.holders) and self._return(lease):
                back.append(lease)
        return back
