"""The journal of a study: what a new coordinator learns from the lives before it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from parsl_sa.jsonfile import write_record
from parsl_sa.protocol.state import History

if TYPE_CHECKING:
    from parsl_sa.studydir import StudyDir


@dataclass(frozen=True)
class Past:
    """What the journal says.

    Parameters
    ----------
    study : str
        Identifier of the study.
    epoch : int
        Number of the last coordinator life; 0 if there was none.
    history : History
        Drops, exclusions and digests.
    spent_s : float
        Seconds that earlier lives ran.
    """

    study: str
    epoch: int
    history: History
    spent_s: float


def read_past(study: StudyDir) -> Past:
    """Replay the journal of a study that the caller has locked, and mend it."""
    history, epoch, spent_s, identifier = History(), 0, 0.0, ""
    for record in study.read_journal(repair=True):
        history.learn(record)
        kind = record["record"]
        if kind == "study":
            identifier = str(record["id"])
        elif kind == "epoch":
            epoch = int(record["epoch"])
        elif kind == "spent":
            spent_s += float(record["seconds"])
    return Past(identifier, epoch, history, spent_s)


class Journal:
    """The open journal and event log of one coordinator life.

    Parameters
    ----------
    study : StudyDir
        The study, locked by the caller.
    epoch : int
        The new life, which is journaled before anything else happens.
    """

    def __init__(self, study: StudyDir, epoch: int) -> None:
        self._journal: IO[bytes] = study.journal.open("ab")
        self._events: IO[bytes] = study.events.open("ab")
        self._epoch = epoch
        self.record({"record": "epoch", "epoch": epoch, **identity()}, durable=True)

    def record(self, record: dict[str, Any], durable: bool) -> None:
        """Append to the journal; with `durable`, return when it is on disk."""
        write_record(self._journal, record, durable)

    def event(self, event: str, details: dict[str, Any]) -> None:
        """Append a dated event."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        write_record(self._events, {"at": at, "epoch": self._epoch, "event": event, **details}, durable=False)

    def close(self) -> None:
        """Close both files."""
        self._journal.close()
        self._events.close()


def identity() -> dict[str, Any]:
    """Say which process this is, so that it can be found again and not mistaken for another."""
    return {"host": socket.gethostname(), "boot": boot_id(), "pid": os.getpid(), "session": os.getsid(0)}


def boot_id() -> str:
    """Return what tells this boot of the host from another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
