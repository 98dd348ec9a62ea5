"""The interchange dies with the coordinator, and not by a Ctrl-C that is meant for the coordinator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from support import processes

# The interchange itself is replaced by something that waits: what matters is what is around it.
CHILD = "import runpy, time; runpy.run_module = lambda *a, **k: time.sleep(600); "
CHILD += "from parsl_sa.execution import interchange; interchange.main()"


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_it_dies_with_its_parent_however_that_ends() -> None:
    parent = textwrap.dedent(f"""
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", {CHILD!r}])
        print(child.pid, flush=True)
        time.sleep(600)
    """)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        _until(lambda: _ignores(pid, signal.SIGINT))
        time.sleep(0.2)
        os.kill(pid, signal.SIGINT)
        time.sleep(0.2)
        assert processes.is_running(pid), "a Ctrl-C is the coordinator's to handle"
        process.kill()
    _until(lambda: not processes.is_running(pid))


def _ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    [mask] = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")]
    return bool(int(mask, 16) >> (number - 1) & 1)


def _until(condition: object, timeout_s: float = 10.0) -> None:
    assert callable(condition)
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
