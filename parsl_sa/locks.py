"""Locks on files: one process at a time, and a look from elsewhere that takes nothing."""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE_S = (0.05, 0.1, 0.2)  # for whoever is just looking


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Hold a lock as long as the block lasts; yields whether it was free."""
    with path.open("a") as stream:
        yield any(_take(stream.fileno(), wait_s) for wait_s in (*_PATIENCE_S, 0.0))


def is_held(path: Path) -> bool | None:
    """Tell whether a process holds a lock; None where that cannot be asked."""
    try:
        with path.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:  # a file system without locks, or somebody else's directory
        return None


def _take(descriptor: int, wait_s: float) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(wait_s)
        return False
    return True
