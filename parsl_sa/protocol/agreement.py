"""What all attempts at a lease, and all shards, must agree on: the bundles that it lost. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.ending import fail

if TYPE_CHECKING:
    from collections.abc import Collection

    from parsl_sa.protocol.actions import Action
    from parsl_sa.protocol.messages import Dropping, Got
    from parsl_sa.protocol.state import State


def is_sound(state: State, lease: int, bundles: Collection[int]) -> bool:
    """Tell whether bundles are of a lease of the plan, none twice, none given up before."""
    first, last = state.plan.bundles(lease)
    own = set(bundles)
    return (
        lease < state.plan.n_leases
        and len(own) == len(bundles)
        and all(first <= bundle < last for bundle in bundles)
        and own.isdisjoint(state.ledger.excluded.get(lease, ()))
    )


def is_same_loss(state: State, dropping: Dropping) -> bool:
    """Tell whether a lease loses now what the journal says that it lost before, if it says anything."""
    lease, dropped = dropping.lease, set(dropping.dropped)
    before = _absent(state, lease) - set(state.ledger.excluded.get(lease, ()))
    return (not before or before == dropped) and _knows(state, lease, dropping.digest)


def is_agreed(state: State, got: Got) -> bool:
    """Tell whether what a shard holds lacks exactly the bundles that the journal says are lost."""
    return (
        sorted(got.exclude) == sorted(state.ledger.excluded.get(got.lease, ()))
        and {*got.exclude, *got.dropped} == _absent(state, got.lease)
        and got.digest == lease_digest(got.lease, got.exclude, got.dropped)
        and _knows(state, got.lease, got.digest)
    )


def not_reproducible(state: State, lease: int, now: float) -> list[Action]:
    """End the study: what it would report depends on who computed it."""
    text = f"two attempts at lease {lease} lost different bundles: the model is not reproducible"
    return fail(state, text, now)


def _absent(state: State, lease: int) -> set[int]:
    """Bundles of a lease that are journaled as dropped, for whatever reason."""
    dropped = state.history.dropped
    return dropped.keys() & range(*state.plan.bundles(lease)) if dropped else set()


def _knows(state: State, lease: int, digest: str) -> bool:
    known = state.history.digests.get(lease)
    return known is None or known[0] == digest
