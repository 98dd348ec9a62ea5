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


def stop(state: State, outcome: str, reason: str, now: float) -> list[Action]:
    """Begin to stop early: no more leases, and one common prefix made durable."""
    if state.outcome == "complete" and not state.given_up:
        # Only the last checkpoint is missing. It may still come, within the time that a stop grants.
        state.given_up, state.reason, state.stopping_at = outcome, reason, now
        return [Log("stopping", {"outcome": outcome, "reason": reason})]
    if state.outcome:
        return []
    state.outcome, state.reason, state.stopping_at = outcome, reason, now
    state.target = max(state.ledger.folded.values())
    actions: list[Action] = [Log("stopping", {"outcome": outcome, "reason": reason})]
    if not state.shards_are_up():
        return actions + end(state)
    return actions + cut_all(state, state.target, last=True)


def conclude(state: State, now: float) -> list[Action]:
    """Finish when everything is folded; end when the last cut is durable everywhere, or time is up."""
    actions: list[Action] = []
    if not state.outcome and state.ledger.prefix == state.plan.n_leases:
        actions += _finish(state)
    if not state.outcome:
        return actions
    ahead = max(state.ledger.folded.values())
    if ahead > state.target:  # a shard had gone further than its last word said
        state.target = ahead
        actions += cut_all(state, ahead, last=True)
    if all(life.durable == state.target for life in state.shards.values()):
        state.reason = "" if state.outcome == "complete" else state.reason
        return actions + end(state)
    if now - state.stopping_at > state.policy.stop_grace_s:
        state.outcome = state.given_up or state.outcome
        return actions + end(state)
    return actions


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


def reopen(state: State) -> None:
    """Go back to work: a shard was lost before its last checkpoint."""
    state.outcome, state.given_up, state.reason = "", "", ""
    state.target = state.plan.n_leases


def _finish(state: State) -> list[Action]:
    """Release the clients and cut the last checkpoint."""
    state.outcome, state.target, state.stopping_at = "complete", state.plan.n_leases, float("inf")
    for client in state.clients.values():
        client.leaving = True
    leave: list[Action] = [Send(c.peer, Stop("done")) for c in state.clients.values() if c.peer]
    return [*leave, *cut_all(state, state.target, last=True)]
