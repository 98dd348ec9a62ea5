"""A run, told in one screen: events in, actions out, until the coordinator says how it ended."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from parsl_sa.channel.protocol import Message
from parsl_sa.errors import StudyError
from parsl_sa.jsonfile import write_json
from parsl_sa.protocol.actions import (
    Action,
    End,
    Journal,
    KillClient,
    KillShard,
    Log,
    Send,
    StartClient,
    StartShard,
)
from parsl_sa.protocol.reducers import shard_peer
from parsl_sa.protocol.wire import to_header

if TYPE_CHECKING:
    from parsl_sa.channel.protocol import Channel, Server
    from parsl_sa.execution.farm import Farm
    from parsl_sa.launch.journal import Journal as OpenJournal
    from parsl_sa.launch.snapshot import Snapshot
    from parsl_sa.launch.stopping import StopWish
    from parsl_sa.protocol.coordinator import Coordinator
    from parsl_sa.protocol.messages import Body
    from parsl_sa.protocol.roster import Ending
    from parsl_sa.studydir import StudyDir

RESTART = 75
"""Exit status by which a coordinator asks to be started again: its Parsl is beyond help."""

_WAIT_S = 0.1
_STATUS_S = 0.25
_LOOK_S = 0.5
_PING_S = 5.0


class ParslLostError(StudyError):
    """Parsl cannot go on in this process; the study can, in the next one."""

    exit_code = RESTART


class Driver:
    """The shell around a coordinator.

    Parameters
    ----------
    coordinator : Coordinator
        The state machine.
    control : tuple of Channel, Server
        The channel, and the end that clients and reducers dial.
    journal : Journal
        Open journal and event log.
    study : StudyDir
        For the status.
    snapshot : Snapshot
        Makes the status.
    wish : StopWish
        Whether to stop.
    """

    def __init__(
        self,
        coordinator: Coordinator,
        control: tuple[Channel, Server],
        journal: OpenJournal,
        study: StudyDir,
        snapshot: Snapshot,
        *,
        wish: StopWish,
    ) -> None:
        self._coordinator = coordinator
        self._channel, self._server = control
        self._journal = journal
        self._study = study
        self._snapshot = snapshot
        self._endings: deque[tuple[str, Ending]] = deque()
        self._wish = wish
        self._status_at = 0.0
        self._parsl_is_lost = False
        self._jobs: list[str] = []
        self._end: End | None = None

    def ended(self, name: str, ending: Ending) -> None:
        """Note that a program has ended (any thread)."""
        self._endings.append((name, ending))
        self._channel.wake()

    def run(self, farm: Farm) -> End:
        """Run the study on a started farm until it ends."""
        farm.listen(self.ended)
        self._wish.wakes(self._channel.wake)
        threading.Thread(target=self._watch, args=(farm,), name="watch-parsl", daemon=True).start()
        while self._end is None:
            self._channel.wait([self._server], _WAIT_S)
            self._step(farm, time.monotonic())
        self._write_status(farm)
        return self._end

    def _watch(self, farm: Farm) -> None:
        """Look after Parsl from a thread of its own: a question to a stopped interchange never returns."""
        pinged_at = time.monotonic()
        while self._end is None and farm.is_alive():
            time.sleep(_LOOK_S)
            if time.monotonic() - pinged_at > _PING_S:
                pinged_at = time.monotonic()
                if not farm.answers():
                    break
        self._parsl_is_lost = self._end is None
        self._channel.wake()

    def _step(self, farm: Farm, now: float) -> None:
        coordinator = self._coordinator
        for peer, message in self._server.receive():
            self._do(farm, coordinator.on_message(peer, message.header, now))
        while self._endings:
            name, ending = self._endings.popleft()
            if name.startswith("shard-"):
                _, shard, life = name.split("-")
                self._do(farm, coordinator.on_shard_ended(int(shard), int(life), ending, now))
            else:
                self._do(farm, coordinator.on_client_ended(name, ending, now))
        if reason := self._wish.reason():
            self._do(farm, coordinator.stop("interrupted", reason, now))
        self._do(farm, coordinator.on_tick(now))
        if self._parsl_is_lost:
            raise ParslLostError("Parsl's interchange is dead or does not answer")
        if now - self._status_at > _STATUS_S:
            self._status_at = now
            for name in farm.started():
                coordinator.on_started(name, now)
            self._write_status(farm)

    def _do(self, farm: Farm, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._send(action.peer, action.body)
            elif isinstance(action, Journal):
                self._journal.record(action.record, action.durable)
            elif isinstance(action, Log):
                self._journal.event(action.event, action.details)
            elif isinstance(action, StartClient):
                self._journal.event("submitted", {"client": action.client})
                farm.start_client(action.client)
            elif isinstance(action, StartShard):
                self._journal.event("submitted", {"shard": action.shard, "life": action.life})
                farm.start_shard(shard_peer(action.shard, action.life), action.shard)
            elif isinstance(action, KillClient):
                farm.kill(action.client)
            elif isinstance(action, KillShard):
                farm.kill(shard_peer(action.shard, action.life))
            elif isinstance(action, End):
                self._end = action

    def _send(self, peer: str, body: Body) -> None:
        # A peer that is gone or mute loses the message; signs of life bring both sides together again.
        self._server.send(peer, Message(to_header(self._coordinator.state.fence, body)))

    def _write_status(self, farm: Farm) -> None:
        state = self._coordinator.state
        stage = "finishing" if state.outcome else "running" if state.able() else "starting"
        write_json(self._study.status, self._snapshot.take(state, stage, farm.blocks()))
        self._jobs = record_jobs(self._study, farm, self._jobs)


def record_jobs(study: StudyDir, farm: Farm, known: list[str]) -> list[str]:
    """Write down the batch jobs that are to be cancelled if this process dies; return them."""
    jobs = farm.job_ids()
    if jobs != known:
        write_json(study.jobs, {**study.read_jobs(), "jobs": jobs})
    return jobs
