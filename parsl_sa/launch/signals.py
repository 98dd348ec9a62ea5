"""SIGINT and SIGTERM as a wish to stop."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WISHES = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def caught(stop: Callable[..., None]) -> Iterator[None]:
    """Call `stop` on SIGINT and SIGTERM, where signals can be taken: on the main thread.

    Parameters
    ----------
    stop : callable
        Takes what a signal handler takes, and returns.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in _WISHES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
