"""Handing out leases: to whoever has room, the head first. Pure."""

from __future__ import annotations

from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, Log, Send
from parsl_sa.protocol.messages import Abandon, Grant

if TYPE_CHECKING:
    from parsl_sa.protocol.attempts import Handed
    from parsl_sa.protocol.state import State


def hand_out(state: State, now: float) -> list[Action]:
    """Give leases to every client that has room, the emptiest client first."""
    if state.outcome or not state.shards_are_up():
        return []
    ledger, able, lag_s = state.ledger, state.able(), _lag_s(state)
    # A heap of (leases held less capacity, client): the emptiest first.
    room = [(len(ledger.holding(name)) - client.capacity, name) for name, client in able.items()]
    room = [entry for entry in room if entry[0] < 0]
    heapify(room)
    actions: list[Action] = []
    while room:
        lacking, name = room[0]
        handed = ledger.take(name, now, lag_s, able)
        if handed is not None:
            actions += _grant(state, name, handed)
        if handed is None or lacking == -1:
            heappop(room)
        else:
            heapreplace(room, (lacking + 1, name))
    return actions


def rescue_head(state: State, now: float) -> list[Action]:
    """Keep the line moving when its head waits, or lags, and every client that could take it is full.

    The client that holds the highest lease forgets that one and takes the head instead.
    """
    ledger = state.ledger
    stuck = ledger.prefix in ledger.returned or ledger.head_lags(now, _lag_s(state))
    if state.outcome or not stuck or not state.shards_are_up():
        return []
    willing = {name: client for name, client in state.able().items() if ledger.may_help(name)}
    if any(len(ledger.holding(name)) < client.capacity for name, client in willing.items()):
        return []  # it gets the head in its turn
    full = [(max(held), name) for name in willing if (held := ledger.holding(name))]
    if not full:
        return []
    lease, name = max(full)
    holder = ledger.holder(lease, name)
    ledger.give_back(lease, name)
    dropped = [Send(name, Abandon(lease, holder.attempt))] if holder else []
    return [*dropped, *_grant(state, name, ledger.give_head(name, now))]


def _lag_s(state: State) -> float:
    return max(state.policy.lag_floor_s, state.policy.lag_factor * state.ledger.lease_s)


def _grant(state: State, client: str, handed: Handed) -> list[Action]:
    actions: list[Action] = [Send(client, Grant(handed.lease, handed.attempt, list(handed.exclude)))]
    if handed.copy:
        state.faults.retries += 1
        actions.append(Log("reissued", {"lease": handed.lease, "client": client}))
    return actions
