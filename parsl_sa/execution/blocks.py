"""When blocks are given up: after failures in a row, not after the first one, nor because Slurm is busy."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from parsl.jobs.errors import TooManyJobFailuresError
from parsl.jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_FAILURES = 5
MAX_REFUSALS = 2
WINDOW_S = 3600.0
# A block that reached its walltime did what it was asked for.
_FAILED = (JobState.FAILED, JobState.MISSING)
_LINES = 3
_REFUSED = "Failed to start block"
# What a batch system says that will take the same job later.
_BUSY = re.compile(
    r"timed? ?out|unable to contact|connection refused|communication|temporarily|try again|submit ?limit"
    r"|MaxSubmit|job submit limit",
    re.IGNORECASE,
)


class BlockGuard:
    """A Parsl `block_error_handler` that counts failures within an hour.

    Parameters
    ----------
    max_failures : int
        Blocks that may fail within `window_s`; one more, and the executor gives up.
    max_refusals : int
        Blocks that the batch system may refuse; it will hardly think better of a wrong partition.
    window_s : float
        Length of the window.
    clock : callable
        Seconds; for tests.

    Notes
    -----
    Parsl's default gives an executor up for good when its first block dies. Without any bound, a site where
    blocks die at once sees them resubmitted for ever. A batch system that does not answer, or has too many
    jobs of this user, is no failure of a block: `Rest` spaces the next attempts.
    """

    def __init__(
        self,
        max_failures: int = MAX_FAILURES,
        max_refusals: int = MAX_REFUSALS,
        window_s: float = WINDOW_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_failures = max_failures
        self.max_refusals = max_refusals
        self.window_s = window_s
        self._clock = clock
        self._failed_at: dict[str, float] = {}

    def __repr__(self) -> str:
        limits = f"max_failures={self.max_failures}, max_refusals={self.max_refusals}"
        return f"BlockGuard({limits}, window_s={self.window_s})"

    def __call__(self, executor: Any, status: Mapping[str, Any]) -> None:
        """Note new failures; give the executor up when there are too many."""
        now = self._clock()
        for block, told in status.items():
            if told.state in _FAILED and not is_busy(told.message or ""):
                self._failed_at.setdefault(block, now)
        recent = [block for block, at in self._failed_at.items() if now - at <= self.window_s]
        words = [_words(status[block]) for block in recent if block in status]
        refused = [text for text in words if text.startswith(_REFUSED)]
        if len(refused) > self.max_refusals:
            text = f"the blocks of '{executor.label}' are refused: {_said(refused[-1])}"
            executor.set_bad_state_and_fail_all(TooManyJobFailuresError(text))
        elif len(recent) > self.max_failures:
            last = words[-1] if words else "no message"
            text = f"{len(recent)} blocks of '{executor.label}' failed within {self.window_s:g} s: {last}"
            executor.set_bad_state_and_fail_all(TooManyJobFailuresError(text))


class Rest:
    """Spaces attempts at something that fails: 5 s after the first failure, doubled up to `longest_s`.

    Parameters
    ----------
    first_s, longest_s : float
        Shortest and longest rest.
    clock : callable
        Seconds; for tests.
    """

    def __init__(
        self, first_s: float = 5.0, longest_s: float = 120.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    def failed(self) -> None:
        """Rest, longer than the last time."""
        rest_s = min(self._longest_s, self._first_s * 2.0**self._failures)
        self._failures += 1
        self._until = self._clock() + rest_s

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures, self._until = 0, 0.0

    @property
    def is_over(self) -> bool:
        """Whether the next attempt may be made."""
        return self._clock() >= self._until


def is_busy(message: str) -> bool:
    """Tell whether a batch system refused a job only for the moment.

    Examples
    --------
    >>> is_busy("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation")
    True
    >>> is_busy("sbatch: error: Batch job submission failed: Invalid partition name specified")
    False
    """
    return _BUSY.search(message) is not None


def _words(told: Any) -> str:
    """Return what is known of a failed block; what it wrote itself says more than Parsl does."""
    message = str(told.message or "")
    # Parsl calls a refused block missing, too, since no worker of it has reported.
    if told.state is not JobState.MISSING or message.startswith(_REFUSED):
        return message
    lines = [line.strip() for line in (told.stderr_summary or "").splitlines() if line.strip()]
    own = " / ".join(lines[-_LINES:]) or "it wrote nothing; can its node reach the address of this host?"
    return f"the last one ended before a worker reported: {own}"


def _said(message: str) -> str:
    """Return what the batch system said, without what Parsl wrapped around it."""
    return message.partition("stderr=")[2].strip() or message
