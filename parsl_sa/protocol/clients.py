"""Clients come, work, fall silent and go. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, KillClient, Log, Send, StartClient
from parsl_sa.protocol.ending import fail
from parsl_sa.protocol.failures import on_dropping, on_failed
from parsl_sa.protocol.messages import (
    Abandon,
    Body,
    Bye,
    ClientBeat,
    Dropping,
    Failed,
    Hello,
    Refused,
    Stop,
    Welcome,
)
from parsl_sa.protocol.roster import Client

if TYPE_CHECKING:
    from parsl_sa.protocol.roster import Ending
    from parsl_sa.protocol.state import State


def on_client(state: State, peer: str, body: Body, now: float) -> list[Action]:
    """Take a client's message; a client that was given up is told to leave."""
    client = state.clients.get(peer)
    if client is None or client.killed:
        return [Send(peer, Stop("replaced"))]
    client.heard_at = now
    if client.leaving:
        return [Send(peer, Stop(state.outcome or "not needed any more"))]
    if isinstance(body, Hello):
        return _welcome(state, peer, client, body)
    if not client.peer:
        state.faults.ignored += 1
        return []
    if isinstance(body, ClientBeat):
        return _reconcile(state, peer, body, now)
    if isinstance(body, Dropping):
        return on_dropping(state, peer, body, now)
    if isinstance(body, Failed):
        return on_failed(state, peer, body, now)
    if isinstance(body, Bye):
        client.leaving = True
        back = state.ledger.release(peer)
        state.faults.retries += len(back)
        return [Log("client-leaves", {"client": peer, "reason": body.reason, "leases": back})]
    state.faults.ignored += 1
    return []


def on_client_ended(state: State, name: str, ending: Ending, now: float) -> list[Action]:
    """Take the news that a client app has ended: its leases go to others."""
    client = state.clients.pop(name, None)
    if client is None:
        return []
    back = state.ledger.release(name)
    faults, policy = state.faults, state.policy
    faults.retries += len(back)
    if client.leaving and not client.killed:
        return [Log("client-left", {"client": name, "code": ending.code})]
    faults.client_deaths += 1
    faults.start_failures = 0 if client.peer else faults.start_failures + 1
    faults.last_error, faults.last_log = ending.error, ending.log
    faults.next_start_at = now + policy.backoff(max(faults.client_deaths, faults.start_failures))
    lost = {"client": name, "code": ending.code, "leases": back, "error": ending.error, "log": ending.log}
    actions: list[Action] = [Log("client-died", lost)]
    if faults.start_failures >= policy.max_start_failures:
        text = f"{faults.start_failures} clients in a row ended before they could start: {ending.error}"
        return actions + fail(state, text, now)
    if faults.client_deaths >= policy.max_deaths * policy.slots:
        text = f"{faults.client_deaths} clients died without any progress: {ending.error}"
        return actions + fail(state, text, now)
    return actions


def start_clients(state: State, now: float) -> list[Action]:
    """Submit as many clients as there are slots and work, once every shard has registered."""
    ready = all(life.incarnation for life in state.shards.values())
    if state.outcome or not ready or now < state.faults.next_start_at:
        return []
    staying = sum(1 for client in state.clients.values() if not client.leaving)
    wanted = min(state.policy.slots, state.plan.n_leases - state.ledger.prefix)
    actions: list[Action] = []
    for _ in range(wanted - staying):
        state.n_clients += 1
        name = f"client-{state.fence.epoch}-{state.n_clients}"
        state.clients[name] = Client(heard_at=now)
        actions.append(StartClient(name))
    return actions


def watch_clients(state: State, now: float) -> list[Action]:
    """Send signs of life; give up the silent.

    A sign of life says all that the client must know, so that no single lost message holds up anything.
    """
    actions: list[Action] = []
    policy = state.policy
    welcome, stop = routes(state), Stop(state.outcome or "not needed any more")
    for name, client in state.clients.items():
        if client.killed:
            continue
        patience_s = policy.patience(client.peer, client.started, policy.client_silent_s)
        if now - client.heard_at > patience_s:
            client.killed = client.leaving = True
            back = state.ledger.release(name)
            state.faults.retries += len(back)
            actions += [Log("client-silent", {"client": name, "leases": back}), KillClient(name)]
        elif client.peer:
            actions.append(Send(client.peer, stop if client.leaving else welcome))
    return actions


def routes(state: State) -> Welcome:
    """Tell where the shards are."""
    return Welcome(
        [
            {"shard": shard, "incarnation": life.incarnation, "address": life.address}
            for shard, life in state.shards.items()
            if life.is_up
        ]
    )


def _welcome(state: State, peer: str, client: Client, hello: Hello) -> list[Action]:
    if hello.plan != state.plan.digest:
        return [Send(peer, Refused("it loaded another plan"))]
    planned = state.plan.hardware
    differing = [
        f"{key} is {hello.hardware.get(key)}, the plan has {planned[key]}"
        for key in sorted(planned)
        if hello.hardware.get(key) != planned[key]
    ]
    if differing:
        return [Send(peer, Refused(f"its hardware would give other bits: {'; '.join(differing)}"))]
    actions: list[Action] = [Send(peer, routes(state))]
    if not client.peer:
        up = {"client": peer, "host": hello.host, "pid": hello.pid, "ranks": hello.ranks}
        actions.append(Log("client-up", up))
    client.peer, client.capacity = peer, hello.capacity
    state.faults.start_failures = 0
    return actions


def _reconcile(state: State, peer: str, beat: ClientBeat, now: float) -> list[Action]:
    """Bring what the client lists and what it should hold together: a message was lost on the way."""
    ledger = state.ledger
    listed = [(item[0], item[1]) for item in beat.holding if len(item) == 2]
    for lease in ledger.missing(peer, listed, now, 3 * state.policy.beat_s):
        state.faults.retries += int(ledger.give_back(lease, peer))
    return [
        Send(peer, Abandon(lease, attempt))
        for lease, attempt in listed
        if (holder := ledger.holder(lease, peer)) is None or holder.attempt != attempt
    ]
