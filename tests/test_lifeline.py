"""A process holds a named pipe as its lifeline, and ends when nobody is at the other end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from parsl_sa.lifeline import hold

PROGRAM = (
    "import sys, time; from parsl_sa.lifeline import hold; hold(*sys.argv[1:3]); print('up', flush=True); "
)
PROGRAM += "time.sleep(float(sys.argv[3]))"


def held(pipe: Path, sleep_s: float) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", PROGRAM, str(pipe), socket.gethostname(), str(sleep_s)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "client.pipe"
    os.mkfifo(path)
    return path


def test_a_process_ends_with_status_7_when_its_lifeline_is_cut(pipe: Path) -> None:
    writer = os.open(pipe, os.O_RDWR)
    with held(pipe, 600) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
        os.close(writer)
        assert process.wait(5) == 7


def test_a_process_that_is_done_is_not_held_up(pipe: Path) -> None:
    writer = os.open(pipe, os.O_RDWR)
    with held(pipe, 0.0) as process:
        assert process.wait(20) == 0
    os.close(writer)


def test_a_lifeline_that_is_gone_already_counts_as_cut(tmp_path: Path) -> None:
    with held(tmp_path / "nosuch.pipe", 600) as process:
        assert process.wait(20) == 7


@pytest.mark.parametrize("host", ["", "another-host"])
def test_without_a_pipe_or_on_another_host_nothing_is_watched(tmp_path: Path, host: str) -> None:
    before = threading.active_count()
    hold("", socket.gethostname())
    hold(str(tmp_path / "nosuch.pipe"), host)
    assert threading.active_count() == before
