"""When checkpoints are cut, and what is durable. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, Journal, Send
from parsl_sa.protocol.ending import cut_all
from parsl_sa.protocol.messages import Cut

if TYPE_CHECKING:
    from parsl_sa.protocol.state import State

# Folding pauses during a write: with so many times the pause between two, pauses take 5 %.
_PAUSES_APART = 20


def cut_in_time(state: State, now: float) -> list[Action]:
    """Ask for a checkpoint when one is due and something new is folded.

    It is cut where the leases handed out so far end, which no shard can have passed.
    """
    cuts = state.cuts
    if state.outcome or cuts.prefix is not None or now - cuts.at < cuts.every_s:
        return []
    cuts.at = now
    if not state.shards_are_up() or state.ledger.prefix <= min(x.durable for x in state.shards.values()):
        return []
    cuts.prefix = state.ledger.next
    return cut_all(state, cuts.prefix, last=False)


def cut_again(state: State, shard: int) -> list[Action]:
    """Repeat the cut that a shard has not made yet: the message may have been lost."""
    life = state.shards[shard]
    prefix = state.target if state.outcome else state.cuts.prefix
    if prefix is None or life.durable >= prefix:
        return []
    return [Send(life.peer, Cut(shard, life.incarnation, prefix, bool(state.outcome)))]


def note_durable(state: State, shard: int, prefix: int) -> list[Action]:
    """Take the news that a shard's checkpoint is on disk: only now are leases forgotten."""
    life, cuts = state.shards[shard], state.cuts
    if prefix <= life.durable or prefix > state.ledger.folded[shard]:
        return []  # known, or ahead of a word that was lost; it will be said again
    life.durable = prefix
    common = min(other.durable for other in state.shards.values())
    state.ledger.forget(common)
    if cuts.prefix is not None and common >= cuts.prefix:
        cuts.prefix = None
    return [Journal({"record": "durable", "shard": shard, "prefix": prefix}, durable=True)]


def note_pause(state: State, pause_s: float) -> None:
    """Fit the time between two checkpoints to the pause that one takes."""
    policy = state.policy
    stretched_s = min(_PAUSES_APART * pause_s, policy.checkpoint_at_most_s)
    state.cuts.every_s = max(policy.checkpoint_s, stretched_s)
