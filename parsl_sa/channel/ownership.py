"""One endpoint, one process, one thread: checked at every use, because sockets do not forgive it."""

from __future__ import annotations

import os
import threading

from parsl_sa.errors import ChannelClosedError


class Ownership:
    """Who may use an endpoint, and whether anybody still may.

    Parameters
    ----------
    subject : str
        What the messages call the endpoint.
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.closed = False
        self._pid = os.getpid()
        self._thread: int | None = None

    @property
    def foreign(self) -> bool:
        """Whether this is another process than the one that opened the endpoint: a fork."""
        return os.getpid() != self._pid

    def check(self) -> None:
        """Pass for the owner of an open endpoint.

        The first thread to pass becomes the owner, so an endpoint may be opened here and used there.

        Raises
        ------
        ChannelClosedError
            After `close`.
        RuntimeError
            In another thread than the owner, or in a forked process.
        """
        if self.closed:
            raise ChannelClosedError(f"{self.subject} is closed")
        if self.foreign:
            raise RuntimeError(f"{self.subject} was opened by process {self._pid}: open it after the fork")
        thread = threading.get_ident()
        if self._thread is None:
            self._thread = thread
        elif self._thread != thread:
            raise RuntimeError(
                f"{self.subject} belongs to another thread; only wake() may be called from here"
            )
