"""Whole runs as a user starts them: the command in a process of its own, and what its processes are."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from parsl_sa.execution.leftovers import end_processes, marked_processes
from parsl_sa.study import Results
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_LOOK_S = 0.03
_END_S = 20.0
_CALL_S = 120.0
_MODULES = {
    "parsl_sa.launch.coordinate": "coordinator",
    "parsl_sa.execution.interchange": "interchange",
    "parsl_sa.client": "rank",
    "parsl_sa.reducer": "reducer",
}


long = pytest.mark.skipif(not os.environ.get("PARSL_SA_CHAOS"), reason="the long matrix: make chaos")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Run:
    """A `parsl-sa` command under way.

    Parameters
    ----------
    directory : Path
        Its study directory.
    words : str
        What stands after `parsl-sa`.
    environment : mapping, optional
        Further variables.
    """

    def __init__(self, directory: Path, *words: str, environment: Mapping[str, str] | None = None) -> None:
        self.study = StudyDir(directory)
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `launched`
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - see above
        self.process = subprocess.Popen(
            command(*words),
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            env={**os.environ, **(environment or {})},
        )

    def finish(self, timeout_s: float = 200.0) -> Ended:
        """Wait for the end of the command."""
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the command has not ended\n{self.account()}") from None
        return Ended(code, self._read(self._out), self._read(self._err))

    def until(self, holds: Callable[[], Any], timeout_s: float = 120.0, what: str = "") -> Any:
        """Wait until something is true of the running command, and return what it is."""
        deadline = time.monotonic() + timeout_s
        while not (found := holds()):
            assert self.process.poll() is None, f"ended before {what}\n{self.account()}"
            assert time.monotonic() < deadline, f"no {what} in {timeout_s} s\n{self.account()}"
            time.sleep(_LOOK_S)
        return found

    def until_folded(self, fraction: float) -> None:
        """Wait until so much is folded, and something is durable."""

        def holds() -> bool:
            status = self.study.read_status()
            enough = status.get("folded", 0) >= fraction * status.get("n_bundles", float("inf"))
            return bool(enough and status.get("durable", 0))

        self.until(holds, what=f"{fraction:.0%} folded")

    def members(self, role: str) -> list[psutil.Process]:
        """Return the processes of one role: coordinator, interchange, pool, mpiexec, rank or reducer."""
        return members(self.study).get(role, [])

    def member(self, role: str, index: int = 0) -> psutil.Process:
        """Return one process of a role, waiting for it if need be."""

        def holds() -> list[psutil.Process]:
            found = self.members(role)
            return found if len(found) > index else []

        found: list[psutil.Process] = self.until(holds, what=role)
        return sorted(found, key=lambda process: process.pid)[index]

    def account(self) -> str:
        """Return all that may explain a failure."""
        parts = [self._read(self._err), self._read(self._out)]
        if self.study.logs.is_dir():
            parts += [f"== {log.name}\n{log.read_text()[-2000:]}" for log in self.study.logs.iterdir()]
        if self.study.events.is_file():
            parts.append(self.study.events.read_text()[-3000:])
        parts.append(json.dumps(self.study.read_status()))
        return "\n".join(parts)

    def close(self) -> None:
        """End what is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.study.exists():
            end_processes(self.study.study_id())
        self._out.close()
        self._err.close()

    @staticmethod
    def _read(stream: Any) -> str:
        stream.seek(0)
        return str(stream.read().decode(errors="replace"))


def command(*words: str) -> list[str]:
    """Return the command line of `parsl-sa WORDS`, as its users have it."""
    script = Path(sys.executable).parent / "parsl-sa"
    return [str(script), *words] if script.exists() else [sys.executable, "-m", "parsl_sa.cli.main", *words]


@contextlib.contextmanager
def launched(directory: Path, *words: str, environment: Mapping[str, str] | None = None) -> Iterator[Run]:
    """Start a command; whatever happens, nothing of it is left in the end."""
    run = Run(directory, *words, environment=environment)
    try:
        yield run
    finally:
        run.close()


def called(*words: str, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command that should end soon."""
    done = subprocess.run(
        command(*words),
        check=False,
        capture_output=True,
        text=True,
        timeout=_CALL_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def members(study: StudyDir) -> dict[str, list[psutil.Process]]:
    """Return the processes of a study by their roles."""
    found: dict[str, list[psutil.Process]] = {}
    if not study.exists():
        return found
    for process in marked_processes(study.study_id()):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.setdefault(role_of(process.cmdline()), []).append(process)
    return found


def role_of(words: list[str]) -> str:
    """Tell a process's role from its command line."""
    if len(words) > 2 and words[1] == "-m":
        return _MODULES.get(words[2], "other")
    if len(words) > 1 and Path(words[1]).name == "process_worker_pool.py":
        return "pool"
    if " ".join(words).startswith("parsl: HTEX interchange"):  # the title that Parsl gives it where it can
        return "interchange"
    return "mpiexec" if words and Path(words[0]).name.startswith("mpiexec") else "other"


def rank_of(process: psutil.Process) -> int:
    """Return the MPI rank of a client's process."""
    return int(process.environ().get("PMI_RANK", "0"))


def events(study: StudyDir) -> list[dict[str, Any]]:
    """Return the events of a study so far."""
    lines = study.events.read_text().splitlines() if study.events.is_file() else []
    return [json.loads(line) for line in lines]


def names_of(study: StudyDir) -> list[str]:
    """Return the names of all events of a study, in their order."""
    return [event["event"] for event in events(study)]


def assert_nothing_runs(study: StudyDir, within_s: float = _END_S) -> None:
    """Fail if a process of a study exists, after some time for those that are ending."""
    deadline = time.monotonic() + within_s
    while (left := members(study)) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    assert not left, f"left behind: {left}"


def assert_same_results(one: Path, other: Path) -> None:
    """Fail unless two finished studies agree in every bit of every array of every group."""
    mine, theirs = Results.open(one), Results.open(other)
    for key in ("n_used", "n_planned", "n_replicates", "dropped", "plan", "finished"):
        assert mine.attrs[key] == theirs.attrs[key], key
    assert mine.attrs["finished"]
    assert mine.names == theirs.names
    for name in mine.names:
        left, right = mine[name], theirs[name]
        assert set(left.variables) == set(right.variables)
        for variable in map(str, left.variables):
            a, b = left[variable].values, right[variable].values
            assert (a.dtype, a.shape) == (b.dtype, b.shape), f"{name}/{variable}"
            same = list(a) == list(b) if a.dtype.kind in "OTU" else a.tobytes() == b.tobytes()
            assert same, f"{name}/{variable}: {a} is not {b}"
