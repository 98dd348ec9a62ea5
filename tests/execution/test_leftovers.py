"""What an earlier run has left is found by its mark and ended, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest

from parsl_sa.execution import leftovers
from parsl_sa.execution.leftovers import MARK, cancel_jobs, end_processes, marked_processes
from support import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def study() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []
    yield running
    for process in running:
        process.kill()
        process.wait()


def sleeping(study: str, command: str = "sleep 600") -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sh", "-c", f"exec {command}"], env={**os.environ, MARK: study})


def test_only_processes_of_that_study_are_found(study: str, started: list[subprocess.Popen[bytes]]) -> None:
    started += [sleeping(study), sleeping(uuid.uuid4().hex), subprocess.Popen(["sleep", "600"])]
    assert [process.pid for process in marked_processes(study)] == [started[0].pid]


def test_one_that_is_changing_its_program_is_found(
    study: str, started: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    again = tmp_path / "again.sh"
    again.write_text('#!/bin/sh\nexec /bin/sh "$0"\n')
    again.chmod(0o755)
    started.append(subprocess.Popen([again], env={**os.environ, MARK: study}))
    for _ in range(200):  # one look in eight falls into an exec, where the environment reads as empty
        assert [process.pid for process in marked_processes(study)] == [started[0].pid]


def test_this_process_is_never_its_own_leftover(study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MARK, study)
    assert marked_processes(study) == []
    assert end_processes(study) == 0


def test_frozen_ones_and_ones_that_ignore_signals_end_too(
    study: str, started: list[subprocess.Popen[bytes]]
) -> None:
    started += [sleeping(study), sleeping(study, "sh -c 'trap \"\" TERM INT; sleep 600 & wait'")]
    started[0].send_signal(signal.SIGSTOP)
    other = sleeping("other")
    started.append(other)
    assert end_processes(study) >= 2
    assert not any(processes.is_running(process.pid) for process in started[:2])
    assert other.poll() is None
    assert marked_processes(study) == []


def test_a_child_is_known_by_the_mark_it_inherited(
    study: str, started: list[subprocess.Popen[bytes]]
) -> None:
    started.append(sleeping(study, "sh -c 'sleep 600 & echo $!; wait'"))
    while len(marked_processes(study)) < 2:
        assert started[0].poll() is None
    assert end_processes(study) >= 2
    assert marked_processes(study) == []


@pytest.fixture
def scancel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scancel that writes its arguments down and, like the real one for an ended job, fails."""
    program = tmp_path / "scancel"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "called"


def test_jobs_are_cancelled_by_id(scancel: Path) -> None:
    cancel_jobs(iter(["12", "13"]))
    assert scancel.read_text() == "12 13\n"


def test_a_slurm_that_does_not_answer_holds_nobody_up(scancel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_SCANCEL_S", 0.3)
    assert cancel_jobs(["12"])
    (scancel.parent / "scancel").write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    assert not cancel_jobs(["12"])


def test_without_jobs_nothing_is_called(scancel: Path) -> None:
    cancel_jobs([])
    assert not scancel.exists(), "a scancel without ids is at best an error"


def test_without_slurm_there_is_nothing_to_cancel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cancel_jobs(["12"])
