"""The coordinator's shell in virtual time, with a farm that has so many workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.protocol import actions as do
from parsl_sa.protocol.coordinator import Coordinator
from parsl_sa.protocol.messages import Body, Committed, Grant
from parsl_sa.protocol.reducers import shard_peer
from parsl_sa.protocol.roster import Ending
from parsl_sa.protocol.wire import to_header
from support.virtual_processes import ClientProcess, Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from parsl_sa.protocol.state import History
    from support.virtual_study import VirtualStudy


class CoordinatorProcess(Process):
    """One coordinator life with its journal and its farm."""

    def __init__(self, study: VirtualStudy, epoch: int, history: History) -> None:
        super().__init__(study, epoch, "coordinator", tick_s=0.25)
        self.machine = Coordinator(study.fence(epoch), study.plan, study.policy, history)
        self.queue: list[str] = []
        self.busy: set[str] = set()
        self.begin_to_tick()

    def tick(self) -> None:
        self.do(self.machine.on_tick(self.study.clock.now))

    def from_peer(self, peer: str, header: dict[str, Any]) -> None:
        self.hear(lambda: self.do(self.machine.on_message(peer, header, self.study.clock.now)))

    def ended(self, process: Process | str, code: int) -> None:
        """Learn from the farm that a program has ended."""
        name = process if isinstance(process, str) else process.name
        self.busy.discard(name)
        self.fill()
        ending, now = Ending(code), self.study.clock.now
        if name.startswith("shard"):
            _, shard, life = name.split("-")
            self.hear(lambda: self.do(self.machine.on_shard_ended(int(shard), int(life), ending, now)))
        else:
            self.hear(lambda: self.do(self.machine.on_client_ended(name, ending, now)))

    def fill(self) -> None:
        """Start what waits, on the workers that are free."""
        while self.queue and len(self.busy) < self.study.setting.slots:
            name = self.queue.pop(0)
            self.busy.add(name)
            self._later(2.0, lambda name=name: self._start(name))

    def do(self, actions: list[do.Action]) -> None:
        study = self.study
        for action in actions:
            match action:
                case do.Send(peer, body):
                    self._send(peer, body)
                case do.Journal(record, durable):
                    study.write_journal(record, durable)
                case do.StartClient(client):
                    self.queue.append(client)
                    self.fill()
                case do.KillClient(client):
                    self._kill_client(client)
                case do.StartShard(shard, life):
                    self._later(2.0, lambda shard=shard, life=life: study.start_shard(self, shard, life))
                case do.KillShard(shard, life):
                    doomed = study.shard_processes.get((self.epoch, shard_peer(shard, life)))
                    self._later(10.0, lambda doomed=doomed: doomed and doomed.die(-9))
                case do.End():
                    study.end = action
                case _:
                    assert isinstance(action, do.Log)
        study.check_ledger(self)

    def _send(self, peer: str, body: Body) -> None:
        if isinstance(body, Grant | Committed):
            self.study.check_sent(self, body)
        self.study.to_peer(peer, to_header(self.machine.state.fence, body))

    def _later(self, at_most_s: float, event: Callable[[], object]) -> None:
        self.study.clock.after(self.study.chance.uniform(0.1, at_most_s), event)

    def _start(self, name: str) -> None:
        if not self.alive or name not in self.busy:
            return
        if self.study.chance.random() < 0.05 and self.study.in_chaos:
            self.ended(name, 1)
        else:
            self.study.client_processes[name] = ClientProcess(self.study, self.epoch, name)

    def _kill_client(self, name: str) -> None:
        process = self.study.client_processes.get(name)
        if process is not None:
            self._later(5.0, lambda: process.die(-9))
            return
        if name in self.queue:
            self.queue.remove(name)
        self._later(0.1, lambda: self.ended(name, -9))
