"""Clients come, work, fall silent and go. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.protocol.actions import Action, KillClient, Log, Send, StartClient
from parsl_sa.protocol.ending import fail
from parsl_sa.protocol.failures import on_dropping, on_failed
from parsl_sa.protocol.leases import hand_out
from parsl_sa.protocol.messages import (
    Beat,
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
    if isinstance(body, Hello):
        return _welcome(state, peer, client, body, now)
    if isinstance(body, ClientBeat):
        return _reconcile(state, peer, body, now)
    if isinstance(body, Dropping):
        return on_dropping(state, peer, body, now)
    if isinstance(body, Failed):
        return on_failed(state, peer, body, now)
    if isinstance(body, Bye):
        client.leaving = True
        back = state.ledger.release(peer)
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
        return [Log("client-left", {"client": name, "code": ending.code}), *hand_out(state, now)]
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
    return actions + hand_out(state, now)


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


def watch_clients(state: State, now: float, beat: bool) -> list[Action]:
    """Send signs of life; give up the silent."""
    actions: list[Action] = []
    for name, client in state.clients.items():
        limit_s = state.policy.client_silent_s if client.peer else state.policy.start_grace_s
        if client.killed:
            continue
        if now - client.heard_at > limit_s:
            client.killed = client.leaving = True
            back = state.ledger.release(name)
            state.faults.retries += len(back)
            actions += [Log("client-silent", {"client": name, "leases": back}), KillClient(name)]
        elif client.peer and beat:
            actions.append(Send(client.peer, Beat()))
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


def _welcome(state: State, peer: str, client: Client, hello: Hello, now: float) -> list[Action]:
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
    client.peer, client.capacity = peer, hello.capacity
    state.faults.start_failures = 0
    up = {"client": peer, "host": hello.host, "pid": hello.pid, "ranks": hello.ranks}
    return [Log("client-up", up), Send(peer, routes(state)), *hand_out(state, now)]


def _reconcile(state: State, peer: str, beat: ClientBeat, now: float) -> list[Action]:
    """Hand out again what the client should hold but does not: a message was lost on the way."""
    told = {(item[0], item[1]) for item in beat.holding if len(item) == 2}
    grace_s = 2.0 + 3 * state.policy.beat_s
    for lease in state.ledger.holding(peer):
        entry = state.ledger.entry(lease)
        attempt, since = entry.holders[peer]
        if (lease, attempt) not in told and now - since > grace_s and not entry.got:
            state.faults.retries += int(state.ledger.give_back(lease, peer))
    return hand_out(state, now)
