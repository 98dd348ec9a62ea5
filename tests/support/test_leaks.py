"""The suite's own guards catch what they claim to catch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from support import leaks, processes
from support.requirements import require_module, require_program, skip_is_failure

CONFTEST = Path(__file__).parents[1] / "conftest.py"


def test_a_quiet_test_leaves_nothing_and_the_look_is_cheap() -> None:
    before = leaks.Snapshot.take()
    began_s = time.perf_counter()
    rounds = 50
    for _ in range(rounds):
        leaks.Snapshot.take()
        assert leaks.leaked(before) == []
    assert (time.perf_counter() - began_s) / rounds < 5e-3


def test_a_child_and_then_its_zombie_are_named() -> None:
    before = leaks.Snapshot.take()
    child = subprocess.Popen(["sleep", "60"])
    [found] = leaks.leaked(before)
    assert found == f"child process {child.pid} (sleep 60)"
    child.kill()
    while processes.is_running(child.pid):
        time.sleep(0.01)
    [found] = leaks.leaked_after_grace(before, grace_s=0.05)
    assert "zombie" in found
    child.wait()
    assert leaks.leaked(before) == []


def test_an_orphan_is_found_under_init_and_ended() -> None:
    before = leaks.Snapshot.take()
    shell = subprocess.run(
        ["sh", "-c", "sleep 61 >&- 2>&- & echo $!"], capture_output=True, check=True, text=True
    )
    orphan = int(shell.stdout)
    time.sleep(leaks.SHORT_TEST_S)
    assert leaks.leaked(before) == [f"orphan process {orphan} (sleep 61)"]
    leaks.end_leftovers(before)
    assert leaks.leaked_after_grace(before, grace_s=2.0) == []


def test_descendants_of_an_older_child_are_not_blamed_on_the_test() -> None:
    shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, text=True)
    before = leaks.Snapshot.take()
    assert shell.stdin is not None
    shell.stdin.write("sleep 62 & wait\n")
    shell.stdin.flush()
    time.sleep(2 * leaks.SHORT_TEST_S)
    assert leaks.leaked(before) == []
    for pid in processes.pids_with_environment(leaks.MARK, os.environ[leaks.MARK]):
        if processes.command(pid) == "sleep 62":
            os.kill(pid, 9)
    shell.communicate()


def test_a_thread_and_a_listening_socket_are_named() -> None:
    before = leaks.Snapshot.take()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="forgotten")
    thread.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert leaks.leaked(before) == [
            "thread 'forgotten' (not a daemon)",
            f"a socket listening on port {port}",
        ]
    stop.set()
    thread.join()
    assert leaks.leaked(before) == []


def test_a_missing_part_skips_here_and_fails_where_it_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARSL_SA_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="missing: program no-such-program-anywhere"):
        require_program("sh", "no-such-program-anywhere")
    with pytest.raises(pytest.skip.Exception, match="missing: Python module no_such_module"):
        require_module("json", "no_such_module")
    assert not skip_is_failure("missing: program slurmctld")
    monkeypatch.setenv("PARSL_SA_CI", "1")
    assert skip_is_failure("missing: program slurmctld")
    assert skip_is_failure("could not import 'SALib': No module named 'SALib'")
    assert not skip_is_failure("no GPU on this machine")


def test_the_hooks_apply_both_rules_to_a_session(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(CONFTEST.read_text() + "\nleaks.GRACE_S = 0.1\n")
    pytester.makepyfile(
        test_leak="""
        import subprocess
        def test_leaves_a_child():
            subprocess.Popen(["sleep", "63"])
        def test_after_it():
            pass
        """,
        test_skip="""
        import pytest
        def test_absent():
            pytest.skip("missing: program x")
        def test_elsewhere():
            pytest.skip("no GPU")
        """,
        test_module_skip="""
        import pytest
        pytest.importorskip("no_such_module_here")
        """,
    )
    monkeypatch.setenv("PYTHONPATH", str(CONFTEST.parent))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    monkeypatch.delenv("PARSL_SA_CI", raising=False)
    pytester.run(*command, "test_skip.py", "test_module_skip.py").assert_outcomes(skipped=3)
    monkeypatch.setenv("PARSL_SA_CI", "1")
    outcome = pytester.run(*command, "--continue-on-collection-errors")
    outcome.assert_outcomes(passed=2, failed=1, skipped=1, errors=2)
    outcome.stdout.fnmatch_lines(["left behind by this test:", "*child process * (sleep 63)"])
