"""The parties of a study as the coordinator sees them: clients and shards, alive or not. Pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass


@dataclass
class Client:
    """A client app that was submitted and has not ended.

    Parameters
    ----------
    heard_at : float
        When it last spoke, or was submitted.
    started : bool
        Whether it is known to run.
    peer : str
        Its address on the control channel, empty until it has said hello.
    capacity : int
        Leases it can hold.
    leaving : bool
        Told to stop, or said goodbye: it gets no more work.
    killed : bool
        Its processes were ended on the coordinator's order.
    """

    heard_at: float
    started: bool = False
    peer: str = ""
    capacity: int = 0
    leaving: bool = False
    killed: bool = False


@dataclass
class ShardLife:
    """One shard and its present reducer.

    Parameters
    ----------
    life : int
        Number of the present submission in this epoch.
    incarnation : int
        Issued at registration; 0 while the reducer has not registered.
    started : bool
        Whether the present submission is known to run.
    peer, address : str
        Its names on the control channel and for clients; empty while it is not up.
    heard_at : float
        When it last spoke, or was submitted.
    start : int
        Prefix of the checkpoint that it was told to load.
    durable : int
        Prefix of its newest durable checkpoint.
    deaths : int
        Deaths since its last progress.
    start_at : float or None
        When the next reducer is to be submitted.
    """

    life: int = 0
    incarnation: int = 0
    started: bool = False
    peer: str = ""
    address: str = ""
    heard_at: float = 0.0
    start: int = 0
    durable: int = 0
    deaths: int = 0
    start_at: float | None = 0.0

    @property
    def is_up(self) -> bool:
        """Whether it has registered."""
        return bool(self.peer)


@dataclass(frozen=True)
class Ending:
    """How a submitted app ended.

    Parameters
    ----------
    code : int
        Exit status of the program; negative for a signal, 255 where the worker itself was lost.
    tail : str
        Last lines of its log.
    log : str
        Path of the log file.
    """

    code: int
    tail: str = ""
    log: str = ""

    @property
    def error(self) -> str:
        """One line for people: the last line of the log, else the exit status."""
        lines = [line for line in self.tail.splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"{_how(self.code)} without a word"


def _how(code: int) -> str:
    """Say how a program ended by its exit status.

    Examples
    --------
    >>> _how(-15), _how(1)
    ('ended by SIGTERM', 'ended with exit status 1')
    """
    if code == -signal.SIGKILL:
        return "killed (SIGKILL), most often because memory ran out,"
    named = code < 0 and -code in {*signal.Signals}
    return f"ended by {signal.Signals(-code).name}" if named else f"ended with exit status {code}"
