"""Bundles that cannot be had: non-finite outputs, and inputs on which the model raises. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, Journal, Log, Send
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.ending import fail
from parsl_sa.protocol.leases import hand_out
from parsl_sa.protocol.messages import Abandon, Committed, Dropping, Failed, Stop

if TYPE_CHECKING:
    from parsl_sa.protocol.state import State


def on_dropping(state: State, peer: str, dropping: Dropping, now: float) -> list[Action]:
    """Journal non-finite bundles before their lease may be sent."""
    lease = dropping.lease
    exclude = state.ledger.excluded.get(lease, ())
    first, last = state.plan.bundles(lease)
    sound = lease < state.plan.n_leases and all(first <= bundle < last for bundle in dropping.dropped)
    if not sound or dropping.digest != lease_digest(lease, exclude, dropping.dropped):
        state.faults.ignored += 1
        return [Send(peer, Abandon(lease, dropping.attempt))]
    known = state.history.digests.get(lease)
    if known is not None and known[0] != dropping.digest:
        return not_reproducible(state, lease, now)
    fresh = [bundle for bundle in dropping.dropped if bundle not in state.history.dropped]
    actions = _journal_drops(state, lease, fresh, "non-finite output", now)
    if state.ended:
        return actions
    return [*actions, Send(peer, Committed(lease, dropping.attempt))]


def on_failed(state: State, peer: str, failed: Failed, now: float) -> list[Action]:
    """Give a bundle up only when two clients agree that it fails alone."""
    lease, ledger = failed.lease, state.ledger
    entry = ledger.entries.get(lease)
    if entry is None or entry.holders.get(peer, (0, 0.0))[0] != failed.attempt:
        state.faults.ignored += 1
        return []
    entry.errors += 1
    entry.failed_on[peer] = frozenset(failed.poisoned)
    ledger.give_back(lease, peer)
    state.faults.retries += 1
    state.faults.last_error = failed.error
    told = {"lease": lease, "client": peer, "poisoned": failed.poisoned, "error": failed.error}
    actions: list[Action] = [Log("failed", told)]
    votes = Counter(bundle for bundles in entry.failed_on.values() for bundle in bundles)
    confirmed = sorted(bundle for bundle, n_clients in votes.items() if n_clients > 1)
    if confirmed:
        exclude = sorted({*ledger.excluded.get(lease, ()), *confirmed})
        ledger.excluded[lease] = tuple(exclude)
        entry.failed_on.clear()
        actions.append(Journal({"record": "exclude", "lease": lease, "bundles": exclude}, durable=True))
        actions += _journal_drops(state, lease, confirmed, failed.error, now)
    elif entry.errors >= state.policy.max_errors:
        text = f"the model raised {entry.errors} times on lease {lease}: {failed.error}"
        return actions + fail(state, text, now)
    elif set(state.able()) <= set(entry.failed_on):
        actions += _replace(state, peer)  # nobody else can confirm it: a fresh process has to
    return actions + hand_out(state, now)


def not_reproducible(state: State, lease: int, now: float) -> list[Action]:
    """End the study: what it would report depends on who computed it."""
    text = f"two attempts at lease {lease} lost different bundles: the model is not reproducible"
    return fail(state, text, now)


def _replace(state: State, peer: str) -> list[Action]:
    state.clients[peer].leaving = True
    state.faults.retries += len(state.ledger.release(peer))
    return [Send(peer, Stop("a second process has to confirm a failure of the model"))]


def _journal_drops(state: State, lease: int, bundles: list[int], reason: str, now: float) -> list[Action]:
    if not bundles:
        return []
    dropped = state.history.dropped
    dropped.update(dict.fromkeys(bundles, reason))
    record = {"record": "drop", "lease": lease, "bundles": bundles, "reason": reason}
    actions: list[Action] = [Journal(record, durable=True), Log("dropped", record)]
    if len(dropped) > state.policy.max_dropped:
        text = (
            f"{len(dropped)} of {state.plan.n_bundles} bundles are lost ({reason}); "
            f"stop.max_dropped_fraction allows {state.policy.max_dropped}"
        )
        actions += fail(state, text, now)
    return actions
