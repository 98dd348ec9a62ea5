"""The coordinator: a pure state machine that runs a study from events to actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.protocol import ending as endings
from parsl_sa.protocol.checkpointing import cut_in_time
from parsl_sa.protocol.clients import on_client, on_client_ended, start_clients, watch_clients
from parsl_sa.protocol.leases import hand_out, rescue_head
from parsl_sa.protocol.messages import Durable, Folded, Got, Register, ShardBeat, Summary
from parsl_sa.protocol.reducers import (
    on_register,
    on_shard,
    on_shard_ended,
    shard_peer,
    start_shards,
    watch_shards,
)
from parsl_sa.protocol.state import State
from parsl_sa.protocol.wire import read

if TYPE_CHECKING:
    from parsl_sa.protocol.actions import Action
    from parsl_sa.protocol.messages import Fence
    from parsl_sa.protocol.policy import Policy
    from parsl_sa.protocol.roster import Ending
    from parsl_sa.protocol.state import History
    from parsl_sa.records import Plan


class Coordinator:
    """State machine of one coordinator life.

    Parameters
    ----------
    fence : Fence
        Study and the new epoch.
    plan : Plan
        The frozen plan.
    policy : Policy
        Timeouts and bounds.
    history : History
        What earlier epochs journaled.

    Notes
    -----
    Each event returns the actions that the shell carries out in order. A `Journal` action marked durable
    is on disk before the action after it is carried out. Messages and endings only take note and answer;
    whatever follows from the state as a whole (starting, handing out, cutting, ending) happens in
    `on_tick`, which the shell calls after every batch of events and several times a second.
    """

    def __init__(self, fence: Fence, plan: Plan, policy: Policy, history: History) -> None:
        self.state = State(fence, plan, policy, history)

    def on_message(self, peer: str, header: dict[str, Any], now: float) -> list[Action]:
        """Take a message from a client or a reducer."""
        state = self.state
        if state.ended:
            return []
        body = read(header, state.fence)
        if body is None:
            state.faults.ignored += 1
            return []
        if isinstance(body, Register):
            return on_register(state, peer, body, now)
        if isinstance(body, Got | Folded | Durable | Summary | ShardBeat):
            return on_shard(state, peer, body, now)
        return on_client(state, peer, body, now)

    def on_started(self, name: str, now: float) -> None:
        """Take the news that a submitted client or reducer runs: from here its start-up time counts."""
        state = self.state
        named = {shard_peer(shard, life.life): life for shard, life in state.shards.items()}
        party = state.clients.get(name) or named.get(name)
        if party is not None and not party.started:
            party.started, party.heard_at = True, now

    def on_client_ended(self, client: str, ending: Ending, now: float) -> list[Action]:
        """Take the news that a client app has ended."""
        return [] if self.state.ended else on_client_ended(self.state, client, ending, now)

    def on_shard_ended(self, shard: int, life: int, ending: Ending, now: float) -> list[Action]:
        """Take the news that a reducer app has ended."""
        return [] if self.state.ended else on_shard_ended(self.state, shard, life, ending, now)

    def stop(self, outcome: str, reason: str, now: float) -> list[Action]:
        """Begin to stop early; `outcome` is ``"interrupted"`` or ``"budget"``."""
        return [] if self.state.ended else endings.stop(self.state, outcome, reason, now)

    def fail(self, reason: str, now: float) -> list[Action]:
        """End at once because something outside the protocol broke."""
        return endings.fail(self.state, reason, now)

    def on_tick(self, now: float) -> list[Action]:
        """Let time pass, and do whatever follows from the state."""
        state, policy = self.state, self.state.policy
        if state.ended:
            return []
        state.began_at = now if state.began_at is None else state.began_at
        actions = start_shards(state, now) + start_clients(state, now)
        if now - state.beat_at >= policy.beat_s:
            state.beat_at = now
            actions += watch_clients(state, now) + watch_shards(state, now)
        if policy.budget_s is not None and now - state.began_at > policy.budget_s and not state.ended:
            actions += endings.stop(state, "budget", f"the budget of {policy.budget_s:g} s is spent", now)
        if not state.ended:
            actions += endings.conclude(state, now)
        if state.ended:
            return actions
        return actions + cut_in_time(state, now) + rescue_head(state, now) + hand_out(state, now)
