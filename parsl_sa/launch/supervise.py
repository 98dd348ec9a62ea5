"""The supervisor: keeps a coordinator running as its child, and outlives its crashes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault, SpecError, StudyError
from parsl_sa.execution.leftovers import MARK, cancel_jobs, end_processes
from parsl_sa.jsonfile import write_json
from parsl_sa.launch.signals import caught
from parsl_sa.studydir import SUPERVISOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from parsl_sa.studydir import StudyDir

_POLL_S = 0.1
_WEDGED_S = 90.0
_STOPPING_S = 30.0
_MAX_RESTARTS = 5
_FINAL = frozenset({0, 2, 3, 4, 130})
_INTERRUPTED = 130


class Supervisor:
    """Runs the coordinators of a study, one after the other, until one of them ends the study.

    Parameters
    ----------
    study : StudyDir
        With spec, plan and keys in place.
    watch : callable
        Called a few times a second with the newest status.

    Notes
    -----
    The coordinator has a session of its own, so a Ctrl-C in the terminal reaches the supervisor alone. A
    coordinator that crashes, wedges, or reports a dead Parsl is killed with everything it started, and
    the next one goes on from the study directory: this is what `resume` does, without a person.
    """

    def __init__(self, study: StudyDir, watch: Callable[[dict[str, Any]], None]) -> None:
        self._study = study
        self._watch = watch
        self._identifier = study.study_id()
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = 0

    def stop(self, *_: object) -> None:
        """Ask for a clean stop (signal handler); asked twice, everything is killed."""
        self._stopping += 1
        child = self._child
        if child is not None:
            child.send_signal(signal.SIGTERM if self._stopping == 1 else signal.SIGKILL)

    def run(self) -> int:
        """Run to an end and return the exit status of the command.

        Raises
        ------
        SpecError
            If another supervisor runs this study.
        StudyError
            If coordinators die again and again.
        """
        with self._study.lock(SUPERVISOR) as free, caught(self.stop):
            if not free:
                text = f"is being run by another process; see: parsl-sa status {self._study.root}"
                raise SpecError([Fault(str(self._study.root), text)])
            self._await_orphan()
            self._end_leftovers()
            code = self._run_until_final()
            if code == _INTERRUPTED and self._study.read_status().get("outcome") != "interrupted":
                self._note_interruption()
            return code

    def _run_until_final(self) -> int:
        restarts, progress = 0, -1
        while not self._stopping:
            code = self._run_once()
            self._end_leftovers()
            if code in _FINAL and self._stopping < 2:
                return code
            durable = int(self._study.read_status().get("durable", 0))
            restarts = 0 if durable > progress else restarts + 1
            progress = max(progress, durable)
            if restarts >= _MAX_RESTARTS:
                raise StudyError(
                    f"the coordinator died {restarts} times without progress (exit status {code}); "
                    f"see {self._study.logs / 'coordinator.log'}"
                )
        return _INTERRUPTED

    def _run_once(self) -> int:
        # Parsl gives its interchange another title, for which setproctitle would overwrite the mark.
        environment = {**os.environ, MARK: self._identifier, "SPT_NOENV": "1"}
        with (self._study.logs / "coordinator.log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "parsl_sa.launch.coordinate", str(self._study.root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self._child, began_at = child, time.time()
        if self._stopping:  # asked between the look at it and the start
            child.terminate()
        while child.poll() is None:
            self._look(child, began_at)
            time.sleep(_POLL_S)
        self._child = None
        self._look(child, began_at)
        return int(child.returncode)

    def _look(self, child: subprocess.Popen[bytes], began_at: float) -> None:
        status = self._study.read_status()
        if status.get("updated_at", 0.0) >= began_at:
            self._watch(status)
        silent_s = time.time() - max(began_at, status.get("updated_at", 0.0))
        writing = status.get("stage") == "finishing"  # results of a large field take their time
        if silent_s > _WEDGED_S and not writing:
            child.kill()

    def _await_orphan(self) -> None:
        """Give a coordinator whose supervisor is dead the time to stop by itself.

        Raises
        ------
        SpecError
            If it does not, and runs on another host, where nothing can be done about it.
        """
        deadline = time.monotonic() + _STOPPING_S
        while not self._stopping:
            with self._study.lock() as free:
                if free:
                    return
            if time.monotonic() > deadline:
                host = self._study.read_jobs().get("host", "")
                if host != socket.gethostname():
                    text = f"its coordinator on host {host} does not stop; end it there, then resume"
                    raise SpecError([Fault(str(self._study.root), text)])
                return
            time.sleep(_POLL_S)

    def _end_leftovers(self) -> None:
        """End what a coordinator that is dead has left behind."""
        jobs = self._study.read_jobs()
        cancel_jobs(jobs.get("jobs", []))
        if jobs.get("host", socket.gethostname()) == socket.gethostname():
            end_processes(self._identifier)

    def _note_interruption(self) -> None:
        """Say in the status what a coordinator that was killed could not say."""
        status = {**self._study.read_status(), "stage": "stopped", "outcome": "interrupted"}
        write_json(self._study.status, {**status, "reason": "interrupted"})
