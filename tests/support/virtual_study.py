"""A whole study in virtual time: one coordinator, clients, shards, a bad network, and whatever dies.

The checks hold at every step: a failed one is an `AssertionError` out of `VirtualStudy.run`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parsl_sa.protocol.messages import Committed, Fence, Grant
from parsl_sa.protocol.policy import Policy
from parsl_sa.protocol.reducers import shard_peer
from parsl_sa.protocol.session import SessionPolicy
from parsl_sa.protocol.shard import ShardPolicy
from parsl_sa.protocol.state import History
from support.plans import tiny_plan
from support.virtual_farm import CoordinatorProcess
from support.virtual_processes import ClientProcess, Process, ShardProcess, bits
from support.virtual_time import Clock, Network, Weather

if TYPE_CHECKING:
    from parsl_sa.protocol import actions as do
    from parsl_sa.records import Plan

LIMIT_S = 1000.0


@dataclass(frozen=True)
class Nature:
    """Which bundles the model cannot do, the same every time."""

    plan: Plan
    nan: frozenset[int] = frozenset()
    poison: frozenset[int] = frozenset()

    def poisoned(self, lease: int) -> set[int]:
        return {*range(*self.plan.bundles(lease))} & self.poison

    def non_finite(self, lease: int) -> set[int]:
        return {*range(*self.plan.bundles(lease))} & (self.nan - self.poison)

    def absent(self, lease: int) -> set[int]:
        return self.poisoned(lease) | self.non_finite(lease)


@dataclass(frozen=True)
class Setting:
    """What a run is like, apart from chance.

    `flaky` is how often the model does not lose what it loses; with `calm_clients` no lease ever lags.
    """

    n_leases: int = 16
    shards: int = 1
    slots: int = 3
    window: int = 8
    room: int = 4
    weather: Weather = field(default_factory=Weather)
    disasters: int = 0
    chaos_s: float = 25.0
    reuse_addresses: bool = False
    nan: frozenset[int] = frozenset()
    poison: frozenset[int] = frozenset()
    flaky: float = 0.0
    calm_clients: bool = False


def some_setting(seed: int) -> Setting:
    """Draw the circumstances of a run, from fair to foul."""
    chance = random.Random(f"setting {seed}")
    n_leases = 16
    bundles = range(n_leases * tiny_plan().lease_bundles)
    return Setting(
        n_leases=n_leases,
        shards=chance.choice([1, 1, 1, 2]),
        slots=chance.choice([1, 2, 3, 5]),
        window=chance.choice([4, 8, 12]),
        room=chance.choice([1, 2, 4, 8]),
        weather=Weather(
            loss=chance.choice([0, 0.02, 0.1]),
            repeat=chance.choice([0, 0.05]),
            garble=chance.choice([0, 0.05]),
            slow_s=chance.choice([0.05, 1.0]),
        ),
        disasters=chance.choice([0, 3, 6, 12]),
        reuse_addresses=chance.random() < 0.5,
        nan=frozenset(chance.sample(bundles, chance.choice([0, 2, 5]))),
        poison=frozenset(chance.sample(bundles, chance.choice([0, 0, 1, 3]))),
    )


class VirtualStudy:
    """Runs a setting with the chance of a seed."""

    def __init__(self, seed: int, setting: Setting) -> None:
        self.setting = setting
        self.chance = random.Random(seed)
        self.clock = Clock()
        self.network = Network(self.clock, self.chance, setting.weather)
        self.plan = tiny_plan(setting.n_leases, setting.shards)
        self.nature = Nature(self.plan, setting.nan, setting.poison)
        self.policy = Policy(
            slots=setting.slots, window=setting.window, max_dropped=99, checkpoint_s=3.0, lag_floor_s=5.0,
            client_silent_s=6.0, shard_silent_s=6.0, queue_grace_s=60.0, start_grace_s=20.0,
            max_start_failures=10**6, max_deaths=10**6, max_errors=10**6,
        )  # fmt: skip
        self.session_policy = SessionPolicy(coordinator_silent_s=8.0, resend_s=2.0)
        self.shard_policy = ShardPolicy(room=setting.room, stall_s=3.0, coordinator_silent_s=8.0)
        self.journal: list[dict[str, Any]] = []
        self.n_safe = 0
        self.lost_bundles: set[int] = set()
        self.disks: list[dict[int, list[tuple[int, int, bytes]]]] = [{} for _ in range(setting.shards)]
        self.client_processes: dict[str, ClientProcess] = {}
        self.shard_processes: dict[tuple[int, str], ShardProcess] = {}
        self.listeners: dict[str, ShardProcess] = {}
        self.epoch = 0
        self.end: do.End | None = None
        self.in_chaos = True
        self.start_coordinator()

    def fence(self, epoch: int) -> Fence:
        return Fence("study", epoch)

    def run(self) -> do.End:
        """Run to the end, through as many disasters as are set; then compare what was folded."""
        calm_at = self.clock.now + self.setting.chaos_s
        for _ in range(self.setting.disasters):
            self.clock.after(self.chance.uniform(0, self.setting.chaos_s), self.disaster)
        self.clock.after(self.setting.chaos_s, self.calm)
        while self.end is None:
            assert self.clock.now < calm_at + LIMIT_S, f"no end in sight: {self.describe()}"
            self.clock.step()
        return self.end

    def check_result(self) -> None:
        """Check that every shard has folded every lease once, in order, less what is journaled."""
        leases = range(self.plan.n_leases)
        for shard, disk in enumerate(self.disks):
            assert disk[self.plan.n_leases] == [self.expected(lease, shard) for lease in leases]
        if not self.setting.flaky:
            assert self.lost_bundles == self.nature.nan | self.nature.poison

    def expected(self, lease: int, shard: int) -> tuple[int, int, bytes]:
        """Return what a lease must contribute, going by the journal."""
        absent = self.lost_bundles & {*range(*self.plan.bundles(lease))}
        return lease, self.plan.lease_bundles - len(absent), bits(lease, absent, shard)

    def describe(self) -> dict[str, Any]:
        state = self.coordinator.machine.state
        return {
            "epoch": self.epoch, "folded": state.ledger.folded, "outcome": state.outcome,
            "returned": sorted(state.ledger.returned), "next": state.ledger.next,
            "clients": state.clients, "entries": state.ledger.entries, "shards": state.shards,
            "held": {n: p.session.held for n, p in self.client_processes.items() if p.alive},
            "intake": {k: vars(p.machine.intake) for k, p in self.shard_processes.items() if p.alive},
        }  # fmt: skip

    # What happens

    def start_coordinator(self) -> None:
        self.epoch += 1
        history = History()
        for record in self.journal:
            history.learn(record)
        self.coordinator = CoordinatorProcess(self, self.epoch, history)

    def start_shard(self, coordinator: CoordinatorProcess, shard: int, life: int) -> None:
        if not coordinator.alive:
            return
        name = shard_peer(shard, life)
        own = f"host:{shard}" if self.setting.reuse_addresses else f"host:{self.epoch}-{name}"
        process = ShardProcess(self, coordinator.epoch, name, shard, own)
        self.shard_processes[coordinator.epoch, name] = process
        self.listeners[own] = process

    def crash(self) -> None:
        """End the coordinator; what it wrote without fsync may be gone."""
        self.journal = self.journal[: self.chance.randint(self.n_safe, len(self.journal))]
        self.coordinator.die(-9)
        self.clock.after(self.chance.uniform(0.5, 5.0), self.start_coordinator)

    def disaster(self) -> None:
        kind = self.chance.choice(["kill", "kill", "freeze", "freeze", "break", "break", "crash", "tear"])
        living: list[Process] = [p for p in self.client_processes.values() if p.alive]
        living += [p for p in self.shard_processes.values() if p.alive]
        if kind == "crash" and self.coordinator.alive:
            self.crash()
        elif kind == "tear":  # a checkpoint turns out to be unreadable
            disk = self.chance.choice(self.disks)
            if disk and max(disk) < self.plan.n_leases:
                del disk[max(disk)]
        elif kind == "freeze":
            self.chance.choice([*living, self.coordinator]).freeze(self.chance.uniform(1, 20))
        elif living:
            victim = self.chance.choice(living)
            victim.die(-9) if kind == "kill" else self.network.cut_off(*victim.names)

    def calm(self) -> None:
        """Let nothing die from now on; the network stays what it is."""
        self.in_chaos = False

    def on_death(self, process: Process, code: int) -> None:
        if process is not self.coordinator and self.coordinator.alive:
            coordinator = self.coordinator
            if process.epoch == coordinator.epoch:
                self.clock.after(self.chance.uniform(0.1, 4.0), lambda: coordinator.ended(process, code))

    def write_journal(self, record: dict[str, Any], durable: bool) -> None:
        self.journal.append(record)
        if durable:
            self.n_safe = len(self.journal)
            if record["record"] == "drop":
                self.lost_bundles.update(record["bundles"])

    # Who hears what

    def to_coordinator(self, process: Process, header: dict[str, Any]) -> None:
        """Deliver to the coordinator of the day: one of another epoch has to see that by itself."""

        def deliver() -> None:
            if process.epoch == self.coordinator.epoch or self.setting.reuse_addresses:
                self.coordinator.from_peer(process.name, header)

        self.network.send(process.name, "coordinator", deliver)

    def to_peer(self, peer: str, header: dict[str, Any]) -> None:
        epoch = self.coordinator.epoch
        process = self.client_processes.get(peer) or self.shard_processes.get((epoch, peer))
        if process is not None:
            self.network.send("coordinator", peer, lambda: process.from_coordinator(header))

    def to_shard(self, client: ClientProcess, address: str, header: dict[str, Any], data: bytes) -> None:
        data = self.network.garble(data) if data else data

        def deliver() -> None:
            self.listeners[address].from_client(client.name, header, data)

        self.network.send(client.name, address, deliver)

    def to_client(self, shard: ShardProcess, peer: str, header: dict[str, Any]) -> None:
        client = self.client_processes[peer]

        def deliver() -> None:
            if client.shards.get(shard.shard) == shard.address:
                client.from_shard(shard.shard, header)

        self.network.send(shard.address, peer, deliver)

    # What must hold at every step

    def check_sent(self, coordinator: CoordinatorProcess, body: Grant | Committed) -> None:
        if isinstance(body, Grant):
            ledger = coordinator.machine.state.ledger
            assert body.lease < min(ledger.prefix + self.setting.window, self.plan.n_leases), "window"
        elif not self.setting.flaky:
            assert self.nature.absent(body.lease) <= self.lost_bundles, "sent before it was journaled"

    def check_ledger(self, coordinator: CoordinatorProcess) -> None:
        ledger = coordinator.machine.state.ledger
        first = min(life.durable for life in coordinator.machine.state.shards.values())
        assert all(first <= lease < ledger.next for lease in ledger.entries), "a leak in the ledger"

    def check_room(self, shard: ShardProcess) -> None:
        intake = shard.machine.intake
        assert len(intake.assembling) + len(intake.buffered) <= self.setting.room, "room"
        assert len(shard.buffers) <= self.setting.room, "a buffer that nobody frees"
        assert len(intake.buffered) < self.setting.room or shard.machine.prefix in intake.buffered, "no place"

    def check_fold(self, shard: ShardProcess, lease: int) -> None:
        assert len(shard.folded) == lease + 1, "not a prefix"
        if not self.setting.flaky:
            assert self.nature.absent(lease) <= self.lost_bundles, "folded before its drops were journaled"
            assert shard.folded[-1] == self.expected(lease, shard.shard), "other bits"
