"""The wish to stop: a signal to the coordinator, or the end of the process that launched it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from parsl_sa.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable


class InterruptedStudyError(StudyError):
    """The study was asked to stop before it had anything to keep."""

    exit_code = 130


class StopWish:
    """Remembers that, and why, the coordinator is to stop.

    Notes
    -----
    Made on the main thread, at once: from then on SIGTERM and SIGINT are noted and kill nothing, so that
    a coordinator that has just asked for blocks lives to record and release them.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._reason = ""
        self._wake: Callable[[], None] | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def wakes(self, wake: Callable[[], None]) -> None:
        """Name what is to be called when a signal comes."""
        self._wake = wake

    def reason(self) -> str:
        """Return why to stop, empty if there is no such wish."""
        if not self._reason and os.getppid() != self._parent:
            self._reason = "the launching process is gone"
        return self._reason

    def raise_if_any(self) -> None:
        """Stop here and now: for what comes before there is a run that could end in order.

        Raises
        ------
        InterruptedStudyError
            If there is a wish to stop.
        """
        if self.reason():
            raise InterruptedStudyError(self.reason())

    def _note(self, *_: object) -> None:
        self._reason = self._reason or "interrupted"
        if self._wake is not None:
            self._wake()
