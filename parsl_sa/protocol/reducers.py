"""The shards as the coordinator runs them: registration, progress, checkpoints, loss. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from parsl_sa.protocol.actions import Action, Journal, KillShard, Log, Send, StartShard
from parsl_sa.protocol.clients import routes
from parsl_sa.protocol.ending import cut_all, end, fail, finish_if_complete
from parsl_sa.protocol.failures import not_reproducible
from parsl_sa.protocol.leases import hand_out
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
    from parsl_sa.protocol.roster import Ending
    from parsl_sa.protocol.state import State

FromShard: TypeAlias = Got | Folded | Durable | Summary | ShardBeat


def on_register(state: State, peer: str, register: Register, now: float) -> list[Action]:
    """Admit a reducer under a new incarnation, from its newest checkpoint."""
    life = state.shards.get(register.shard)
    if life is None or register.plan != state.plan.digest:
        return [Send(peer, Stop("it loaded another plan"))]
    if peer != shard_peer(register.shard, life.life) or life.start_at is not None or life.is_up:
        return [Send(peer, Stop("replaced"))]
    life.incarnation += 1
    life.peer, life.address, life.heard_at = peer, register.address, now
    start = max((g for g in register.generations if g <= state.plan.n_leases), default=0)
    life.durable = start
    back = state.ledger.restart(register.shard, start)
    state.faults.retries += len(back)
    admitted = {
        "record": "incarnation", "shard": register.shard, "epoch": state.fence.epoch,
        "incarnation": life.incarnation, "start": start,
    }  # fmt: skip
    up = {"shard": register.shard, "host": register.host, "pid": register.pid, "start": start}
    actions: list[Action] = [
        Journal(admitted, durable=True),
        Log("shard-up", up),
        Send(peer, Admit(register.shard, life.incarnation, start)),
    ]
    actions += [Send(client.peer, routes(state)) for client in state.clients.values() if client.peer]
    if state.outcome == "complete" and start < state.plan.n_leases:
        state.outcome = ""  # lost before its last checkpoint: there is work again
    return actions + finish_if_complete(state) + hand_out(state, now)


def on_shard(state: State, peer: str, body: FromShard, now: float) -> list[Action]:
    """Take a message from the reducer that owns a shard; any other one is told to leave."""
    life = state.shards.get(body.shard)
    if life is None or peer != life.peer or body.incarnation != life.incarnation:
        state.faults.ignored += 1
        return [Send(peer, Stop("replaced"))]
    life.heard_at = now
    if isinstance(body, Got):
        return _on_got(state, body, now)
    if isinstance(body, Folded):
        return _on_folded(state, body, now)
    if isinstance(body, Durable):
        return _on_durable(state, body)
    if isinstance(body, Summary):
        state.summary[body.shard] = body.values
    return []


def on_shard_ended(state: State, shard: int, life_number: int, ending: Ending, now: float) -> list[Action]:
    """Take the news that a reducer app has ended."""
    life = state.shards[shard]
    if life_number != life.life or life.start_at is not None:
        return []
    state.faults.last_error, state.faults.last_log = ending.error, ending.log
    return _lose(state, shard, f"exit status {ending.code}", now)


def start_shards(state: State, now: float) -> list[Action]:
    """Submit the reducers that are missing and whose wait is over."""
    actions: list[Action] = []
    for shard, life in state.shards.items():
        if life.start_at is not None and now >= life.start_at:
            life.life, life.start_at, life.heard_at = life.life + 1, None, now
            actions.append(StartShard(shard, life.life))
    return actions


def watch_shards(state: State, now: float, beat: bool) -> list[Action]:
    """Send signs of life; give up the silent."""
    actions: list[Action] = []
    for shard, life in state.shards.items():
        limit_s = state.policy.shard_silent_s if life.is_up else state.policy.start_grace_s
        if life.start_at is None and now - life.heard_at > limit_s:
            actions += _lose(state, shard, "silent", now)
        elif life.is_up and beat:
            actions.append(Send(life.peer, Beat()))
    return actions


def cut_in_time(state: State, now: float) -> list[Action]:
    """Ask for a checkpoint when one is due and something new is folded."""
    cuts = state.cuts
    if state.outcome or cuts.pending or now - cuts.at < cuts.every_s:
        return []
    cuts.at = now
    if state.ledger.prefix <= min(life.durable for life in state.shards.values()):
        return []
    cuts.pending = True
    return cut_all(state, state.ledger.next, last=False)


def shard_peer(shard: int, life: int) -> str:
    """Name of a reducer on the control channel."""
    return f"shard-{shard}-{life}"


def _on_got(state: State, got: Got, now: float) -> list[Action]:
    known = state.history.digests.get(got.lease)
    if known is not None and known[0] != got.digest:
        return not_reproducible(state, got.lease, now)
    actions: list[Action] = []
    if known is None:
        state.history.digests[got.lease] = (got.digest, got.checksum)
        record = {"record": "received", "lease": got.lease, "digest": got.digest, "checksum": got.checksum}
        actions.append(Journal(record))
    elif state.plan.shards == 1 and known[1] != got.checksum:
        state.faults.other_bits += 1
        actions.append(Log("other-bits", {"lease": got.lease}))
    for client, attempt in state.ledger.got(got.lease, got.shard, now):
        if client in state.clients and attempt != got.attempt:
            actions.append(Send(client, Abandon(got.lease, attempt)))
    return actions + hand_out(state, now)


def _on_folded(state: State, folded: Folded, now: float) -> list[Action]:
    if state.ledger.on_folded(folded.shard, folded.prefix):
        state.faults.client_deaths = 0
        state.shards[folded.shard].deaths = 0
    if state.outcome and folded.prefix > state.target:  # it had gone further than the others knew
        state.target = folded.prefix
        return cut_all(state, state.target, last=True)
    return finish_if_complete(state) + hand_out(state, now)


def _on_durable(state: State, durable: Durable) -> list[Action]:
    lives = state.shards.values()
    state.shards[durable.shard].durable = durable.prefix
    state.ledger.forget(min(life.durable for life in lives))
    state.cuts.pending = state.cuts.pending and any(life.durable < durable.prefix for life in lives)
    state.cuts.every_s = max(state.policy.checkpoint_s, 20 * durable.pause_s)
    record = {"record": "durable", "shard": durable.shard, "prefix": durable.prefix}
    actions: list[Action] = [Journal(record, durable=True)]
    if state.outcome and all(life.durable == state.target for life in lives):
        return actions + end(state)
    return actions


def _lose(state: State, shard: int, why: str, now: float) -> list[Action]:
    life, faults = state.shards[shard], state.faults
    life.deaths += 1
    life.peer, life.address, state.cuts.pending = "", "", False
    life.start_at = now + state.policy.backoff(life.deaths)
    lost = {"shard": shard, "life": life.life, "why": why, "error": faults.last_error, "log": faults.last_log}
    actions: list[Action] = [Log("shard-died", lost), KillShard(shard, life.life)]
    if state.outcome and state.outcome != "complete":
        return actions + end(state)
    if life.deaths >= state.policy.max_deaths:
        text = f"the reducer died {life.deaths} times without progress: {faults.last_error or why}"
        return actions + fail(state, text, now)
    return actions
