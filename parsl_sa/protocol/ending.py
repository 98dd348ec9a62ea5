"""How a study ends: complete, stopped, or failed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, End, Journal, Log, Send
from parsl_sa.protocol.messages import Cut, Stop

if TYPE_CHECKING:
    from parsl_sa.protocol.state import State


def cut_all(state: State, prefix: int, last: bool) -> list[Action]:
    """Ask every shard that is up for a checkpoint at one prefix."""
    return [
        Send(life.peer, Cut(shard, life.incarnation, prefix, last))
        for shard, life in state.shards.items()
        if life.is_up
    ]


def finish_if_complete(state: State) -> list[Action]:
    """When everything is folded, release the clients and cut the last checkpoint."""
    if state.outcome or state.ledger.prefix < state.plan.n_leases:
        return []
    state.outcome, state.target, state.stopping_at = "complete", state.plan.n_leases, float("inf")
    leave: list[Action] = [
        Send(client.peer, Stop("done")) for client in state.clients.values() if client.peer
    ]
    for client in state.clients.values():
        client.leaving = True
    return [*leave, *cut_all(state, state.target, last=True)]


def stop(state: State, outcome: str, reason: str, now: float) -> list[Action]:
    """Begin to stop early: no more leases, and one common prefix made durable."""
    if state.outcome:
        return []
    state.outcome, state.reason, state.stopping_at = outcome, reason, now
    state.target = max(state.ledger.folded.values())
    actions: list[Action] = [Log("stopping", {"outcome": outcome, "reason": reason})]
    if not state.shards_are_up():
        return actions + end(state)
    return actions + cut_all(state, state.target, last=True)


def fail(state: State, reason: str, now: float) -> list[Action]:
    """End the study as failed, at whatever is durable."""
    if state.ended:
        return []
    state.outcome, state.reason, state.stopping_at = "failed", reason, now
    return end(state)


def end(state: State) -> list[Action]:
    """Send everyone home and report the durable prefix."""
    state.ended = True
    prefix = min(life.durable for life in state.shards.values())
    stops: list[Action] = [Send(c.peer, Stop(state.outcome)) for c in state.clients.values() if c.peer]
    stops += [Send(life.peer, Stop(state.outcome)) for life in state.shards.values() if life.is_up]
    record = {"record": "end", "outcome": state.outcome, "reason": state.reason, "prefix": prefix}
    return [Journal(record, durable=True), *stops, End(state.outcome, state.reason, prefix)]
