"""Bundles that cannot be had: non-finite outputs, and inputs on which the model raises. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, Journal, Log, Send
from parsl_sa.protocol.agreement import is_same_loss, is_sound, not_reproducible
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.ending import fail
from parsl_sa.protocol.messages import Abandon, Committed, Dropping, Failed, Stop

if TYPE_CHECKING:
    from parsl_sa.protocol.state import State


def on_dropping(state: State, peer: str, dropping: Dropping, now: float) -> list[Action]:
    """Journal non-finite bundles before their lease may be sent."""
    lease = dropping.lease
    exclude = state.ledger.excluded.get(lease, ())
    sound = bool(dropping.dropped) and is_sound(state, lease, dropping.dropped)
    if not sound or dropping.digest != lease_digest(lease, exclude, dropping.dropped):
        state.faults.ignored += 1
        return [Send(peer, Abandon(lease, dropping.attempt))]
    if not is_same_loss(state, dropping):
        return not_reproducible(state, lease, now)
    actions = _journal_drops(state, lease, dropping.dropped, "non-finite output", now)
    if state.ended:
        return actions
    return [*actions, Send(peer, Committed(lease, dropping.attempt))]


def on_failed(state: State, peer: str, failed: Failed, now: float) -> list[Action]:
    """Give a bundle up only when two clients agree that it fails alone."""
    lease, ledger = failed.lease, state.ledger
    holder = ledger.holder(lease, peer)
    if holder is None or holder.attempt != failed.attempt or not is_sound(state, lease, failed.poisoned):
        state.faults.ignored += 1
        return []
    entry = ledger.entry(lease)
    entry.errors += 1
    entry.failed_on[peer] = frozenset(failed.poisoned)
    ledger.give_back(lease, peer)
    state.faults.retries += 1
    state.faults.last_error, state.faults.last_log = failed.error, f"{peer}.log"
    told = {"lease": lease, "client": peer, "poisoned": failed.poisoned, "error": failed.error}
    actions: list[Action] = [Log("failed", told)]
    votes = Counter(bundle for bundles in entry.failed_on.values() for bundle in bundles)
    confirmed = sorted(bundle for bundle, n_clients in votes.items() if n_clients > 1)
    if confirmed:
        return actions + _exclude(state, lease, confirmed, failed.error, now)
    if entry.errors >= state.policy.max_errors:
        text = f"the model raised {entry.errors} times on lease {lease}: {failed.error}"
        return actions + fail(state, text, now)
    if set(state.able()) <= set(entry.failed_on):
        actions += _replace(state, peer)  # nobody else can confirm it: a fresh process has to
    return actions


def _exclude(state: State, lease: int, bundles: list[int], error: str, now: float) -> list[Action]:
    """Give bundles of a lease up, in all its attempts."""
    if lease in state.history.digests:
        return not_reproducible(state, lease, now)  # it has arrived before, with these bundles in it
    ledger = state.ledger
    # The drops go first: a life that is lost between the two records finds the failure again.
    actions = _journal_drops(state, lease, bundles, error, now)
    if state.ended:
        return actions
    exclude = sorted({*ledger.excluded.get(lease, ()), *bundles})
    ledger.excluded[lease] = tuple(exclude)
    entry = ledger.entry(lease)
    entry.errors = 0
    entry.failed_on.clear()
    actions.append(Journal({"record": "exclude", "lease": lease, "bundles": exclude}, durable=True))
    actions += [Send(client, Abandon(lease, attempt)) for client, attempt in ledger.recall(lease)]
    return actions


def _replace(state: State, peer: str) -> list[Action]:
    state.clients[peer].leaving = True
    state.faults.retries += len(state.ledger.release(peer))
    return [Send(peer, Stop("a second process has to confirm a failure of the model"))]


def _journal_drops(state: State, lease: int, bundles: list[int], reason: str, now: float) -> list[Action]:
    """Journal the bundles that are not journaled yet; fail where there are too many."""
    dropped = state.history.dropped
    fresh = [bundle for bundle in bundles if bundle not in dropped]
    if not fresh:
        return []
    dropped.update(dict.fromkeys(fresh, reason))
    record = {"record": "drop", "lease": lease, "bundles": fresh, "reason": reason}
    actions: list[Action] = [Journal(record, durable=True), Log("dropped", record)]
    if len(dropped) > state.policy.max_dropped:
        text = (
            f"{len(dropped)} of {state.plan.n_bundles} bundles are lost ({reason}); "
            f"stop.max_dropped_fraction allows {state.policy.max_dropped}. Check the ranges of the inputs"
        )
        actions += fail(state, text, now)
    return actions
