"""What a test may not leave behind: processes, threads, listening sockets, a loaded Parsl.

A `Snapshot` is taken before the test and compared after it, so what a session or module fixture
holds open is nobody's leak. Direct children, zombies too, are read from procfs in microseconds after
every test. A process whose parent died hangs under init; it is found by a variable that it inherited,
which costs some milliseconds and is done after tests that ran long enough to have started one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import processes

MARK = "PARSL_SA_TEST_SESSION"
GRACE_S = 5.0
SHORT_TEST_S = 0.1  # shorter tests are not asked for orphans

_ALLOWED_COMMANDS = ("multiprocessing.resource_tracker",)  # lives as long as the session, by design
_TICK_S = 0.02
_LISTEN = "0A"


@dataclass(frozen=True)
class Snapshot:
    """What exists at one moment."""

    taken_s: float
    children: frozenset[int]
    threads: frozenset[int]
    sockets: frozenset[str]
    kernel: object

    @classmethod
    def take(cls) -> Snapshot:
        """Look at this process now."""
        return cls(
            taken_s=processes.now_s(),
            children=frozenset(processes.child_pids()),
            threads=frozenset(thread.ident or 0 for thread in _user_threads()),
            sockets=frozenset(_own_sockets()),
            kernel=_parsl_kernel(),
        )


def mark_session() -> None:
    """Give every process started from now on a mark by which it is found when its parent is gone."""
    os.environ[MARK] = f"{os.getpid()}-{time.time_ns()}"


def leaked(before: Snapshot) -> list[str]:
    """Name what exists now, did not exist at `before`, and belongs to nothing that did."""
    children = _new_children(before)
    found = [f"child process {processes.describe(pid)}" for pid in children]
    if processes.now_s() - before.taken_s > SHORT_TEST_S:
        found += [f"orphan process {processes.describe(pid)}" for pid in _new_orphans(before)]
    found += [f"thread {t.name!r} (not a daemon)" for t in _user_threads() if t.ident not in before.threads]
    kernel = _parsl_kernel()
    if kernel is not None and kernel is not before.kernel:
        found.append("a Parsl DataFlowKernel (parsl.dfk() is still loaded)")
    if new_sockets := set(_own_sockets()) - before.sockets:
        found += [f"a socket listening on {place}" for place in _listening(new_sockets)]
    return found


def leaked_after_grace(before: Snapshot, grace_s: float) -> list[str]:
    """Wait up to `grace_s` for what is ending anyway, then name what still exists."""
    deadline_s = time.monotonic() + grace_s
    pause_s = 0.01
    while (found := leaked(before)) and time.monotonic() < deadline_s:
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.2)
    return found


def end_leftovers(before: Snapshot) -> None:
    """Kill and reap the processes that a test left, so that later tests are not blamed for them."""
    children = _new_children(before)
    for pid in [*children, *(pid for pid in _marked_since(before) if pid not in children)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for pid in children:
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            continue


def _new_children(before: Snapshot) -> list[int]:
    return [pid for pid in processes.child_pids() if pid not in before.children and not _is_allowed(pid)]


def _new_orphans(before: Snapshot) -> list[int]:
    return [pid for pid in _marked_since(before) if os.getpid() not in processes.ancestors(pid)]


def _marked_since(before: Snapshot) -> list[int]:
    """List processes of this session started since `before`, without those of older children."""
    return [
        pid
        for pid in processes.pids_with_environment(MARK, os.environ[MARK])
        if processes.started_s(pid) >= before.taken_s - _TICK_S
        and before.children.isdisjoint([pid, *processes.ancestors(pid)])
        and processes.is_running(pid)
        and not _is_allowed(pid)
    ]


def _is_allowed(pid: int) -> bool:
    command = processes.command(pid)
    return any(allowed in command for allowed in _ALLOWED_COMMANDS)


def _user_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]


def _parsl_kernel() -> Any:
    dflow = sys.modules.get("parsl.dataflow.dflow")
    return None if dflow is None else dflow.DataFlowKernelLoader._dfk


def _own_sockets() -> list[str]:
    """List the inodes of this process's sockets."""
    inodes: list[str] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:  # the descriptor of this very listing
            continue
        if target.startswith("socket:["):
            inodes.append(target.removeprefix("socket:[").removesuffix("]"))
    return inodes


def _listening(inodes: set[str]) -> list[str]:
    """Return the ports on which sockets of these inodes listen."""
    places: list[str] = []
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        places += [
            f"port {int(fields[1].rpartition(':')[2], 16)}"
            for fields in map(str.split, lines)
            if fields[3] == _LISTEN and fields[9] in inodes
        ]
    return places
