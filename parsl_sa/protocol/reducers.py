"""The shards as the coordinator runs them: registration, progress, loss. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from parsl_sa.protocol.actions import Action, Journal, KillShard, Log, Send, StartShard
from parsl_sa.protocol.agreement import is_agreed, not_reproducible
from parsl_sa.protocol.checkpointing import cut_again, note_durable, note_pause
from parsl_sa.protocol.clients import routes
from parsl_sa.protocol.ending import end, fail, reopen
from parsl_sa.protocol.messages import (
    Abandon,
    Admit,
    Beat,
    Durable,
    Folded,
    Got,
    Register,
    ShardBeat,
    Stop,
    Summary,
)

if TYPE_CHECKING:
    from parsl_sa.protocol.roster import Ending, ShardLife
    from parsl_sa.protocol.state import State

FromShard: TypeAlias = Got | Folded | Durable | Summary | ShardBeat


def on_register(state: State, peer: str, register: Register, now: float) -> list[Action]:
    """Admit a reducer under a new incarnation, from its newest checkpoint."""
    life = state.shards.get(register.shard)
    if life is None or register.plan != state.plan.digest:
        return [Send(peer, Stop("it loaded another plan"))]
    if peer != shard_peer(register.shard, life.life) or life.start_at is not None:
        return [Send(peer, Stop("replaced"))]
    if life.is_up:  # it asks again: the answer was lost
        life.heard_at = now
        return [Send(peer, Admit(register.shard, life.incarnation, life.start))]
    life.incarnation += 1
    life.peer, life.address, life.heard_at = peer, register.address, now
    start = _start(state, register)
    life.start = life.durable = start
    state.faults.retries += len(state.ledger.restart(register.shard, start))
    state.ledger.forget(min(other.durable for other in state.shards.values()))
    if start < state.plan.n_leases and state.outcome == "complete":
        reopen(state)
    admitted = {
        "record": "incarnation", "shard": register.shard, "epoch": state.fence.epoch,
        "incarnation": life.incarnation, "start": start,
    }  # fmt: skip
    up = {"shard": register.shard, "host": register.host, "pid": register.pid, "start": start}
    return [
        Journal(admitted, durable=True),
        Log("shard-up", up),
        Send(peer, Admit(register.shard, life.incarnation, start)),
        *(Send(client.peer, routes(state)) for client in state.able().values()),
    ]


def on_shard(state: State, peer: str, body: FromShard, now: float) -> list[Action]:
    """Take a message from the reducer that owns a shard; any other one is told to leave."""
    life = state.shards.get(body.shard)
    if life is None or not owns(life, peer, body.incarnation):
        state.faults.ignored += 1
        return [Send(peer, Stop("replaced"))]
    life.heard_at = now
    if isinstance(body, Got):
        return _on_got(state, body, now)
    if isinstance(body, Folded):
        _note_folded(state, body.shard, body.prefix)
        return []
    if isinstance(body, Durable):
        note_pause(state, body.pause_s)
        return note_durable(state, body.shard, body.prefix)
    if isinstance(body, ShardBeat):
        _note_folded(state, body.shard, body.prefix)
        return note_durable(state, body.shard, body.durable)
    state.summary[body.shard] = body.values
    return []


def owns(life: ShardLife, peer: str, incarnation: int) -> bool:
    """Tell whether a message comes from the present reducer of a shard: a frozen one may be back."""
    return life.is_up and (peer, incarnation) == (life.peer, life.incarnation)


def on_shard_ended(state: State, shard: int, life_number: int, ending: Ending, now: float) -> list[Action]:
    """Take the news that a reducer app has ended."""
    life = state.shards.get(shard)
    if life is None or life_number != life.life or life.start_at is not None:
        return []
    state.faults.last_error, state.faults.last_log = ending.error, ending.log
    return _lose(state, shard, f"exit status {ending.code}", now)


def start_shards(state: State, now: float) -> list[Action]:
    """Submit the reducers that are missing and whose wait is over."""
    actions: list[Action] = []
    for shard, life in state.shards.items():
        if life.start_at is not None and now >= life.start_at:
            life.life, life.start_at, life.started, life.heard_at = life.life + 1, None, False, now
            actions.append(StartShard(shard, life.life))
    return actions


def watch_shards(state: State, now: float) -> list[Action]:
    """Send signs of life, and cuts that may have been lost; give up the silent."""
    actions: list[Action] = []
    policy = state.policy
    for shard, life in state.shards.items():
        patience_s = policy.patience(life.peer, life.started, policy.shard_silent_s)
        if state.ended:
            break
        if life.start_at is None and now - life.heard_at > patience_s:
            actions += _lose(state, shard, "silent", now)
        elif life.is_up:
            actions += [Send(life.peer, Beat(state.ledger.folded[shard])), *cut_again(state, shard)]
    return actions


def shard_peer(shard: int, life: int) -> str:
    """Name of a reducer on the control channel."""
    return f"shard-{shard}-{life}"


def _start(state: State, register: Register) -> int:
    """Return the newest checkpoint that holds nothing but leases whose digests are journaled."""
    known = min(state.history.prefix, state.plan.n_leases)
    return max((generation for generation in register.generations if generation <= known), default=0)


def _on_got(state: State, got: Got, now: float) -> list[Action]:
    """Note that a slab has arrived, if it lacks what the journal says; free those who work on it."""
    if not got.lease < state.ledger.next:
        state.faults.ignored += 1
        return []
    if not is_agreed(state, got):
        return not_reproducible(state, got.lease, now)
    known = state.history.digests.get(got.lease)
    actions: list[Action] = []
    if known is None:
        state.history.digests[got.lease] = (got.digest, got.checksum)
        record = {"record": "received", "lease": got.lease, "digest": got.digest, "checksum": got.checksum}
        actions.append(Journal(record))
    elif state.plan.shards == 1 and known[1] != got.checksum:
        state.faults.other_bits += 1
        actions.append(Log("other-bits", {"lease": got.lease}))
    for client, attempt in state.ledger.got(got.lease, got.attempt, got.shard, now):
        if attempt != got.attempt:
            actions.append(Send(client, Abandon(got.lease, attempt)))
    return actions


def _note_folded(state: State, shard: int, prefix: int) -> None:
    if state.ledger.on_folded(shard, prefix):
        state.faults.client_deaths = 0
        state.shards[shard].deaths = 0


def _lose(state: State, shard: int, why: str, now: float) -> list[Action]:
    life, faults = state.shards[shard], state.faults
    life.deaths += 1
    life.peer, life.address, state.cuts.prefix = "", "", None
    life.start_at = now + state.policy.backoff(life.deaths)
    lost = {"shard": shard, "life": life.life, "why": why, "error": faults.last_error, "log": faults.last_log}
    actions: list[Action] = [Log("shard-died", lost), KillShard(shard, life.life)]
    if state.outcome and state.outcome != "complete":
        return actions + end(state)
    if life.deaths >= state.policy.max_deaths:
        text = f"the reducer died {life.deaths} times without progress: {faults.last_error or why}"
        return actions + fail(state, text, now)
    return actions
