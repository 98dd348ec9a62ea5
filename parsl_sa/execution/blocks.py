"""When an executor's blocks are given up: after failures in a row, not after the first one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from parsl.jobs.errors import TooManyJobFailuresError
from parsl.jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_FAILURES = 5
WINDOW_S = 3600.0
# A block that reached its walltime did what it was asked for.
_FAILED = (JobState.FAILED, JobState.MISSING)


class BlockGuard:
    """A Parsl `block_error_handler` that counts failures within an hour.

    Parameters
    ----------
    max_failures : int
        Blocks that may fail within `window_s`; one more, and the executor gives up.
    window_s : float
        Length of the window.
    clock : callable
        Seconds; for tests.

    Notes
    -----
    Parsl's default gives an executor up for good when its first block dies. Without any bound, a site where
    blocks die at once sees them resubmitted for ever.
    """

    def __init__(
        self,
        max_failures: int = MAX_FAILURES,
        window_s: float = WINDOW_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_failures = max_failures
        self.window_s = window_s
        self._clock = clock
        self._failed_at: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"BlockGuard(max_failures={self.max_failures}, window_s={self.window_s})"

    def __call__(self, executor: Any, status: Mapping[str, Any]) -> None:
        """Note new failures; give the executor up when there are too many."""
        now = self._clock()
        for block, told in status.items():
            if told.state in _FAILED:
                self._failed_at.setdefault(block, now)
        recent = [block for block, at in self._failed_at.items() if now - at <= self.window_s]
        if len(recent) > self.max_failures:
            words = "; ".join(str(told.message) for told in status.values() if told.message) or "no message"
            reason = f"{len(recent)} blocks of '{executor.label}' failed within {self.window_s:g} s: {words}"
            executor.set_bad_state_and_fail_all(TooManyJobFailuresError(reason))
