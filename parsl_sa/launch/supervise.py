"""The supervisor: keeps a coordinator running as its child, and outlives its crashes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import StudyError
from parsl_sa.execution.leftovers import MARK, cancel_jobs, end_processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from parsl_sa.studydir import StudyDir

RESTART = 75
"""Exit status by which a coordinator asks to be started again: its Parsl is beyond help."""

_POLL_S = 0.1
_WEDGED_S = 90.0
_MAX_RESTARTS = 5
_FINAL = frozenset({0, 2, 3, 4, 130})


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

    def stop(self) -> None:
        """Ask for a clean stop; asked twice, everything is killed."""
        self._stopping += 1
        if self._child is not None:
            self._child.send_signal(signal.SIGTERM if self._stopping == 1 else signal.SIGKILL)

    def run(self) -> int:
        """Run to an end and return the exit status of the command."""
        restarts, progress = 0, -1
        while True:
            self._end_leftovers()
            code = self._run_once()
            self._end_leftovers()
            if self._stopping > 1:
                return 130
            if code in _FINAL:
                return code
            durable = int(self._study.read_status().get("durable", 0))
            restarts = 0 if durable > progress else restarts + 1
            progress = max(progress, durable)
            if restarts >= _MAX_RESTARTS:
                raise StudyError(
                    f"the coordinator died {restarts} times without progress (exit status {code}); "
                    f"see {self._study.logs / 'coordinator.log'}"
                )

    def _run_once(self) -> int:
        environment = {**os.environ, MARK: self._identifier}
        with (self._study.logs / "coordinator.log").open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "parsl_sa.launch.coordinate", str(self._study.root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        began_at = time.time()
        while self._child.poll() is None:
            try:
                self._look(began_at)
                time.sleep(_POLL_S)
            except KeyboardInterrupt:
                self.stop()
        self._look(began_at)
        code = self._child.returncode
        self._child = None
        return code

    def _look(self, began_at: float) -> None:
        status = self._study.read_status()
        if status.get("updated_at", 0.0) >= began_at:
            self._watch(status)
        silent_s = time.time() - max(began_at, status.get("updated_at", 0.0))
        writing = status.get("stage") == "finishing"  # results of a large field take their time
        if silent_s > _WEDGED_S and not writing and self._child is not None:
            self._child.kill()

    def _end_leftovers(self) -> None:
        """End what a coordinator that is dead has left behind."""
        jobs = self._study.read_jobs()
        cancel_jobs(jobs.get("jobs", []))
        if jobs.get("host", socket.gethostname()) == socket.gethostname():
            end_processes(self._identifier)
