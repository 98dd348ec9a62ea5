"""Processes as procfs shows them: who is whose child, who carries a mark in its environment."""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def child_pids() -> list[int]:
    """List the direct children of this process, zombies included."""
    pids: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        try:
            pids += [int(pid) for pid in (task / "children").read_text().split()]
        except FileNotFoundError:  # the thread ended meanwhile
            continue
    return pids


def pids_with_environment(name: str, value: str) -> list[int]:
    """List the processes, except this one, that were started with ``name=value`` in their environment.

    It finds a process whose parent died, which no walk from this process would.
    """
    entry = f"{name}={value}".encode()
    found: list[int] = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit() or int(directory.name) == os.getpid():
            continue
        try:
            environment = (directory / "environ").read_bytes()
        except OSError:  # ended meanwhile, or another user's
            continue
        if entry in environment.split(b"\0"):
            found.append(int(directory.name))
    return found


def ancestors(pid: int) -> list[int]:
    """List parent, grandparent, ... of a process, up to and without init."""
    line: list[int] = []
    fields = _stat(pid)
    while fields and int(fields[1]) > 1:
        line.append(int(fields[1]))
        fields = _stat(line[-1])
    return line


def started_s(pid: int) -> float:
    """Return when a process started, on the clock of `now_s`; 0 if it is gone. Good to a tick (10 ms)."""
    fields = _stat(pid)
    return int(fields[19]) / _TICKS_PER_S if fields else 0.0


def now_s() -> float:
    """Return the time since boot, the clock of `started_s`."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def is_running(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in {"Z", "X"}


def command(pid: int) -> str:
    """Return the command line of a process, empty for a zombie or one that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def describe(pid: int) -> str:
    """Return pid, state and command line (or, of a zombie, the name) of a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return f"{pid} (gone)"
    name = text[text.index("(") + 1 : text.rindex(")")]
    zombie = ", a zombie: nobody waited for it" if text.rpartition(")")[2].split()[0] == "Z" else ""
    return f"{pid} ({command(pid) or name}{zombie})"


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on (field 3 of proc(5) is the first)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
