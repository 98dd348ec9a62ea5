"""The shells of the state machines in virtual time: processes that may be killed, frozen and thawed."""

from __future__ import annotations

from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from parsl_sa.protocol import actions as do
from parsl_sa.protocol.contribution import Slab
from parsl_sa.protocol.messages import Chunk, Hello, Register
from parsl_sa.protocol.session import ClientSession
from parsl_sa.protocol.shard import Shard
from parsl_sa.protocol.wire import to_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from support.virtual_study import VirtualStudy

SLAB_BYTES = 24
CHUNK_BYTES = 10
CAPACITY = 3


def bits(lease: int, absent: Iterable[int], shard: int) -> bytes:
    """Stand in for the numbers that a lease contributes to a shard without some of its bundles."""
    return blake2b(repr((lease, sorted(absent), shard)).encode(), digest_size=SLAB_BYTES).digest()


def checksum(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


class Process:
    """Something with a name that hears, ticks, and can be stopped for a while or for ever."""

    def __init__(self, study: VirtualStudy, epoch: int, name: str, tick_s: float) -> None:
        self.study = study
        self.epoch = epoch
        self.name = name
        self.names = [name]
        self.alive = True
        self.frozen = False
        self._tick_s = tick_s
        self._missed: deque[Callable[[], None]] = deque()

    def hear(self, event: Callable[[], None]) -> None:
        """Let something happen to the process when it is able to notice."""
        if self.alive and self.frozen:
            self._missed.append(event)
        elif self.alive:
            event()

    def begin_to_tick(self) -> None:
        def again() -> None:
            if self.alive:
                if not self.frozen:
                    self.tick()
                self.study.clock.after(self._tick_s, again)

        self.study.clock.after(self._tick_s * self.study.chance.random(), again)

    def tick(self) -> None:
        raise NotImplementedError

    def freeze(self, for_s: float) -> None:
        self.frozen = True
        self.study.clock.after(for_s, self.thaw)

    def thaw(self) -> None:
        self.frozen = False
        while self._missed and not self.frozen:
            self.hear(self._missed.popleft())

    def die(self, code: int) -> None:
        if self.alive:
            self.alive = False
            self.study.network.cut_off(*self.names)
            self.study.on_death(self, code)


class ClientProcess(Process):
    """A client: computes one lease at a time, at a speed of its own."""

    def __init__(self, study: VirtualStudy, epoch: int, name: str) -> None:
        super().__init__(study, epoch, name, tick_s=0.5)
        self.session = ClientSession(study.fence(epoch), study.plan.shards, study.session_policy)
        self.buffers: dict[tuple[int, int], dict[int, bytes]] = {}
        self.shards: dict[int, str] = {}
        self.lease_s = study.chance.choice([0.2, 0.5, 0.5, 1.0])
        plan = study.plan
        hello = Hello(plan.digest, plan.hardware, 1, CAPACITY, "host", 1)
        self.do(self.session.start(hello, study.clock.now))
        self.begin_to_tick()

    def tick(self) -> None:
        self.do(self.session.on_tick(self.study.clock.now))

    def from_coordinator(self, header: dict[str, Any]) -> None:
        self.hear(lambda: self.do(self.session.on_coordinator(header, self.study.clock.now)))

    def from_shard(self, shard: int, header: dict[str, Any]) -> None:
        self.hear(lambda: self.do(self.session.on_shard(shard, header)))

    def do(self, actions: list[do.Action]) -> None:
        for action in actions:
            match action:
                case do.SendCoordinator(body):
                    self.study.to_coordinator(self, to_header(self.session.fence, body))
                case do.SendShard(shard, body):
                    self._post(shard, body, b"")
                case do.Compute():
                    self._compute(action)
                case do.Transmit():
                    self._transmit(action)
                case do.Free(lease, attempt):
                    self.buffers.pop((lease, attempt), None)
                case do.Connect(shard, address):
                    self.shards[shard] = address
                case do.Leave(code, _):
                    self.die(code)
                case _:
                    raise AssertionError(f"a client cannot {action}")

    def _compute(self, order: do.Compute) -> None:
        hiccup = [] if self.study.setting.calm_clients else [30.0]
        took_s = self.lease_s * self.study.chance.choice([0.8, 1.0, 1.2] * 8 + hiccup)
        self.study.clock.after(took_s, lambda: self.hear(lambda: self._report(order)))

    def _report(self, order: do.Compute) -> None:
        study, key = self.study, (order.lease, order.attempt)
        poisoned = study.nature.poisoned(order.lease) - {*order.exclude}
        if poisoned:
            self.do(self.session.on_failed(*key, sorted(poisoned), "ValueError: no"))
            return
        dropped = study.nature.non_finite(order.lease) - {*order.exclude}
        if study.setting.flaky:
            dropped = {bundle for bundle in dropped if study.chance.random() > study.setting.flaky}
        absent = {*order.exclude, *dropped}
        self.buffers[key] = {shard: bits(order.lease, absent, shard) for shard in range(study.plan.shards)}
        slabs = {shard: Slab(len(data), checksum(data)) for shard, data in self.buffers[key].items()}
        self.do(self.session.on_computed(*key, sorted(dropped), slabs, study.clock.now))

    def _transmit(self, action: do.Transmit) -> None:
        data = self.buffers[action.lease, action.attempt][action.shard]
        for offset in range(0, len(data), CHUNK_BYTES):
            chunk = Chunk(action.shard, action.incarnation, action.lease, action.attempt, offset)
            self._post(action.shard, chunk, data[offset : offset + CHUNK_BYTES])
            self.session.on_transmitted(action.lease, action.attempt, self.study.clock.now)

    def _post(self, shard: int, body: Any, data: bytes) -> None:
        header = to_header(self.session.fence, body)
        self.study.to_shard(self, self.shards[shard], header, data)


class ShardProcess(Process):
    """A reducer: its statistics are the list of what was folded, a checkpoint is a copy of it."""

    def __init__(self, study: VirtualStudy, epoch: int, name: str, shard: int, address: str) -> None:
        super().__init__(study, epoch, name, tick_s=0.25)
        self.shard = shard
        self.address = address
        self.names = [name, address]
        self.disk = study.disks[shard]
        self.machine = Shard(study.fence(epoch), study.plan, shard, SLAB_BYTES, study.shard_policy)
        self.buffers: dict[tuple[int, int], bytearray] = {}
        self.folded: list[tuple[int, int, bytes]] = []
        register = Register(shard, sorted(self.disk), address, study.plan.digest, "host", 1)
        self.do(self.machine.start(register, study.clock.now))
        self.begin_to_tick()

    def tick(self) -> None:
        self.do(self.machine.on_tick(self.study.clock.now))

    def from_coordinator(self, header: dict[str, Any]) -> None:
        self.hear(lambda: self.do(self.machine.on_coordinator(header, self.study.clock.now)))

    def from_client(self, peer: str, header: dict[str, Any], data: bytes) -> None:
        self.hear(lambda: self._take_chunk(peer, header, data) if data else self._take(peer, header))

    def do(self, actions: list[do.Action]) -> None:
        for action in actions:
            match action:
                case do.Send(peer, body):
                    self.study.to_client(self, peer, to_header(self.machine.fence, body))
                case do.SendCoordinator(body):
                    self.study.to_coordinator(self, to_header(self.machine.fence, body))
                case do.Assemble(lease, attempt, size_bytes):
                    self.buffers[lease, attempt] = bytearray(size_bytes)
                case do.Discard(lease, attempt):
                    del self.buffers[lease, attempt]
                case do.Fold(lease, attempt, n_bundles, _):
                    self.folded.append((lease, n_bundles, bytes(self.buffers.pop((lease, attempt)))))
                    self.study.check_fold(self, lease)
                case do.Load(prefix):
                    self._load(prefix)
                case do.Write(prefix, _):
                    self._write(prefix)
                case do.Leave(code, _):
                    self.die(code)
                case _:
                    raise AssertionError(f"a shard cannot {action}")
        self.study.check_room(self)

    def _take(self, peer: str, header: dict[str, Any]) -> None:
        self.do(self.machine.on_client(peer, header, self.study.clock.now))

    def _take_chunk(self, peer: str, header: dict[str, Any], data: bytes) -> None:
        chunk = self.machine.on_chunk(peer, header, len(data), self.study.clock.now)
        if chunk is None:
            return
        buffer = self.buffers[chunk.lease, chunk.attempt]
        buffer[chunk.offset : chunk.offset + len(data)] = data
        if self.machine.is_complete(chunk.lease):
            self.do(self.machine.on_assembled(chunk.lease, checksum(bytes(buffer)), self.study.clock.now))

    def _load(self, prefix: int) -> None:
        if prefix and prefix not in self.disk:  # it was there when the reducer registered
            self.die(1)
        else:
            self.folded = list(self.disk[prefix]) if prefix else []

    def _write(self, prefix: int) -> None:
        took_s = self.study.chance.uniform(0.05, 2.0)
        self.study.clock.after(took_s, lambda: self.hear(lambda: self._written(prefix)))

    def _written(self, prefix: int) -> None:
        assert len(self.folded) == prefix, "folding went on during a write"
        self.disk[prefix] = list(self.folded)
        for old in sorted(self.disk)[:-2]:
            del self.disk[old]
        self.do(self.machine.on_written(prefix, self.study.clock.now))
