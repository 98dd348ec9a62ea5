"""A run of a study: started, watched, waited for, stopped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault, SpecError, StudyError
from parsl_sa.launch.supervise import Supervisor
from parsl_sa.launch.trial import INLINE, read_faults
from parsl_sa.spec import load_spec
from parsl_sa.study.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parsl_sa.launch.inline import Inline
    from parsl_sa.studydir import StudyDir


def runner(study: StudyDir, watch: Callable[[dict[str, Any]], None]) -> Supervisor | Inline:
    """Return what runs a prepared study: in this process, or on a farm under a supervisor."""
    if load_spec(study.spec).farm.site != INLINE:
        return Supervisor(study, watch)
    from parsl_sa.launch.inline import Inline  # noqa: PLC0415 - torch, for inline studies only

    return Inline(study, watch)


def run(study: StudyDir, watch: Callable[[dict[str, Any]], None] | None = None) -> int:
    """Run or resume a prepared study; return the exit status of the command.

    Raises
    ------
    SpecError
        If another process runs it, or a probe in a block has found the model at fault.
    StudyError
        If the coordinator dies again and again.
    """
    code = runner(study, watch or (lambda status: None)).run()  # noqa: ARG005 - nobody watches
    read_faults(study.root)
    return code


class Run:
    """A study that runs in the background.

    Parameters
    ----------
    study : StudyDir
        Prepared.
    watch : callable, optional
        Called with a status record a few times a second, from the background thread.

    Notes
    -----
    Leaving the interpreter without `wait` or `stop` ends an inline study at its last checkpoint, and lets a
    farm stop cleanly, since its coordinator sees its parent gone; either can be resumed.
    """

    def __init__(self, study: StudyDir, watch: Callable[[dict[str, Any]], None] | None = None) -> None:
        self._study = study
        self._code: int | None = None
        self._error: BaseException | None = None
        self._runner = runner(study, watch or (lambda status: None))  # noqa: ARG005 - nobody watches
        self._thread = threading.Thread(target=self._run, name="study", daemon=True)
        self._thread.start()

    @property
    def directory(self) -> Path:
        """The study directory."""
        return self._study.root

    @property
    def status(self) -> dict[str, Any]:
        """The newest status record."""
        return self._study.read_status()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def wait(self, timeout_s: float | None = None) -> Results:
        """Wait for the end and return the results; of a stopped study those of its last checkpoint.

        Raises
        ------
        TimeoutError
            If it has not ended within `timeout_s`; it goes on.
        SpecError, StudyError
            As `Study.launch`.
        """
        self._thread.join(timeout_s)
        if self.running:
            raise TimeoutError(f"the study runs on after {timeout_s:g} s")
        if self._error is not None:
            raise self._error
        read_faults(self._study.root)
        return finish(self._study, self._code or 0)

    def stop(self) -> None:
        """Ask for a clean stop with a checkpoint; `wait` then returns what there is.

        Asked twice, a farm is killed at once, and resumed from its last checkpoint.
        """
        self._runner.stop()

    def _run(self) -> None:
        try:
            self._code = self._runner.run()
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits
            self._error = error

    def __repr__(self) -> str:
        return f"<Run of {self._study.root.name}: {self.status.get('stage', 'starting')}>"


def finish(study: StudyDir, code: int) -> Results:
    """Return the results of a run that ended with an exit status.

    Raises
    ------
    SpecError
        If its spec, its model or what it asks of its site was at fault.
    StudyError
        If it failed, or has no results.
    """
    reason = str(study.read_status().get("reason") or "the study failed")
    if code == SpecError.exit_code:
        raise SpecError([Fault("", reason)])
    if code == StudyError.exit_code:
        raise StudyError(reason)
    return Results.open(study.root)
