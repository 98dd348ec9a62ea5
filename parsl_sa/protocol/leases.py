"""Handing out leases: to whoever has room, the head first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, Log, Send
from parsl_sa.protocol.messages import Abandon, Grant

if TYPE_CHECKING:
    from parsl_sa.protocol.ledger import Handed
    from parsl_sa.protocol.state import State


def hand_out(state: State, now: float) -> list[Action]:
    """Give leases to every client that has room, the emptiest client first."""
    if state.outcome or not state.shards_are_up():
        return []
    ledger, policy = state.ledger, state.policy
    able = state.able()
    lag_s = max(policy.lag_floor_s, policy.lag_factor * ledger.lease_s)
    room = {name: client.capacity - len(ledger.holding(name)) for name, client in able.items()}
    actions: list[Action] = []
    while room:
        name = max(room, key=lambda key: room[key])
        if room[name] <= 0:
            break
        handed = ledger.take(name, now, lag_s, able)
        if handed is None:
            del room[name]
            continue
        actions += _grant(state, name, handed)
        room[name] -= 1
    return actions


def rescue_head(state: State, now: float) -> list[Action]:
    """Keep the line moving when nobody works on its head and nobody has room.

    The client that holds the highest lease forgets that one and takes the head instead.
    """
    ledger = state.ledger
    if state.outcome or ledger.prefix not in ledger.returned:
        return []
    failed_on = ledger.entry(ledger.prefix).failed_on
    full = [
        (max(held), name)
        for name, client in state.able().items()
        if name not in failed_on and len(held := ledger.holding(name)) >= client.capacity
    ]
    if not full:
        return []
    lease, name = max(full)
    attempt, _ = ledger.entry(lease).holders[name]
    ledger.give_back(lease, name)
    return [Send(name, Abandon(lease, attempt)), *_grant(state, name, ledger.give_head(name, now))]


def _grant(state: State, client: str, handed: Handed) -> list[Action]:
    actions: list[Action] = [Send(client, Grant(handed.lease, handed.attempt, list(handed.exclude)))]
    if handed.copy:
        state.faults.retries += 1
        actions.append(Log("reissued", {"lease": handed.lease, "client": client}))
    return actions
