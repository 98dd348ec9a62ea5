"""The supervisor over coordinators that are played by small scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.errors import SpecError, StudyError
from parsl_sa.execution.leftovers import MARK
from parsl_sa.jsonfile import write_json
from parsl_sa.launch import supervise
from parsl_sa.launch.supervise import Supervisor
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Play = Callable[[str], tuple[Supervisor, list[dict[str, Any]]]]

# Each life of a coordinator appends a line to `lives` and then does what stands at its place in `script`.
PLAYER = """
    import json, os, signal, sys, time
    from pathlib import Path

    root = Path(sys.argv[1])
    with (root / "lives").open("a") as stream:
        stream.write("life\\n")
    life = len((root / "lives").read_text().split())

    def status(**values):
        known = {"stage": "running", "updated_at": time.time(), **values}
        (root / "aside").write_text(json.dumps(known))
        (root / "aside").replace(root / "status.json")

    def crash():
        os.kill(os.getpid(), signal.SIGKILL)

    exec((root / "script").read_text())
"""


@pytest.fixture
def study(tmp_path: Path) -> StudyDir:
    found = StudyDir(tmp_path / "study")
    found.create()
    return found


@pytest.fixture
def play(study: StudyDir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Play:
    """Return a function that sets the script and makes the supervisor, with what its watch has seen."""
    player = tmp_path / "player.py"
    player.write_text(textwrap.dedent(PLAYER))
    real = subprocess.Popen

    def popen(argv: list[str], **options: Any) -> subprocess.Popen[bytes]:
        assert argv[1:3] == ["-m", "parsl_sa.launch.coordinate"]
        return real([sys.executable, str(player), argv[3]], **options)

    monkeypatch.setattr(supervise.subprocess, "Popen", popen)

    def made(script: str) -> tuple[Supervisor, list[dict[str, Any]]]:
        (study.root / "script").write_text(textwrap.dedent(script))
        seen: list[dict[str, Any]] = []
        return Supervisor(study, seen.append), seen

    return made


def lives(study: StudyDir) -> int:
    return len((study.root / "lives").read_text().split())


@pytest.mark.parametrize("code", [0, 2, 3, 4, 130])
def test_an_end_of_the_study_ends_the_command(play: Play, study: StudyDir, code: int) -> None:
    supervisor, _ = play(f"status(outcome='interrupted'); sys.exit({code})")
    assert supervisor.run() == code
    assert lives(study) == 1


def test_a_crash_is_followed_by_another_life(play: Play, study: StudyDir) -> None:
    supervisor, seen = play("status(folded=life); crash() if life < 3 else sys.exit(0)")
    assert supervisor.run() == 0
    assert lives(study) == 3
    assert seen[-1]["folded"] == 3


def test_a_coordinator_that_lost_its_parsl_is_started_again(play: Play, study: StudyDir) -> None:
    supervisor, _ = play("sys.exit(75 if life == 1 else 0)")
    assert supervisor.run() == 0
    assert lives(study) == 2


def test_crashes_without_progress_end_the_study_with_the_log(play: Play, study: StudyDir) -> None:
    supervisor, _ = play("print('what is wrong'); sys.stdout.flush(); crash()")
    with pytest.raises(StudyError, match=r"died 5 times without progress .*coordinator\.log"):
        supervisor.run()
    assert lives(study) == 6  # the first of them counts as progress from nothing to nothing
    assert "what is wrong" in (study.logs / "coordinator.log").read_text()


def test_crashes_with_progress_go_on(play: Play, study: StudyDir) -> None:
    supervisor, _ = play("status(durable=life); crash() if life < 9 else sys.exit(0)")
    assert supervisor.run() == 0
    assert lives(study) == 9


def test_what_a_crash_leaves_is_ended(play: Play, study: StudyDir) -> None:
    supervisor, _ = play(
        """
        import subprocess
        if life == 1:
            sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
            left = subprocess.Popen(sleep, start_new_session=True)
            (root / "left").write_text(str(left.pid))
            crash()
        """
    )
    assert supervisor.run() == 0
    left = int((study.root / "left").read_text())
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{left}") and time.monotonic() < deadline:  # noqa: PTH110 - a number, no path
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{left}")  # noqa: PTH110 - see above


def test_a_coordinator_is_marked_and_in_a_session_of_its_own(play: Play, study: StudyDir) -> None:
    supervisor, _ = play(
        f"(root / 'told').write_text(os.environ['{MARK}'] + f' {{os.getsid(0) == os.getpid()}}')"
    )
    assert supervisor.run() == 0
    assert (study.root / "told").read_text() == f"{study.study_id()} True"


def test_a_silent_coordinator_is_killed(play: Play, study: StudyDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "_WEDGED_S", 1.0)
    supervisor, _ = play("time.sleep(60) if life == 1 else sys.exit(0)")
    assert supervisor.run() == 0
    assert lives(study) == 2


def test_one_that_writes_its_results_may_be_silent(
    play: Play, study: StudyDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_WEDGED_S", 0.5)
    supervisor, _ = play("status(stage='finishing'); time.sleep(1.5)")
    assert supervisor.run() == 0
    assert lives(study) == 1


def interrupt_when(study: StudyDir, exists: str, times: int = 1) -> threading.Thread:
    """Send this process SIGINT, as a terminal does, once the coordinator has made a file."""

    def wait_and_strike() -> None:
        deadline = time.monotonic() + 10
        while not (study.root / exists).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)

    thread = threading.Thread(target=wait_and_strike)
    thread.start()
    return thread


def test_ctrl_c_asks_the_coordinator_to_stop(play: Play, study: StudyDir) -> None:
    supervisor, _ = play(
        """
        def stop(*_):
            status(stage="stopped", outcome="interrupted", reason="in order")
            sys.exit(130)
        signal.signal(signal.SIGTERM, stop)
        (root / "ready").touch()
        time.sleep(60)
        """
    )
    before = signal.getsignal(signal.SIGINT)
    thread = interrupt_when(study, "ready")
    assert supervisor.run() == 130
    thread.join()
    assert study.read_status()["reason"] == "in order"
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_the_coordinator_can_stop_in_order_does_not_start_another(
    play: Play, study: StudyDir
) -> None:
    supervisor, _ = play("(root / 'ready').touch(); time.sleep(60)")
    thread = interrupt_when(study, "ready")
    assert supervisor.run() == 130
    thread.join()
    assert lives(study) == 1
    status = study.read_status()
    assert (status["stage"], status["outcome"]) == ("stopped", "interrupted")


def test_ctrl_c_twice_kills(play: Play, study: StudyDir) -> None:
    supervisor, _ = play(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); (root / 'ready').touch(); time.sleep(60)"
    )
    thread = interrupt_when(study, "ready", times=2)
    assert supervisor.run() == 130
    thread.join()
    assert lives(study) == 1


def test_a_study_that_is_being_run_is_refused(play: Play, study: StudyDir) -> None:
    supervisor, _ = play("sys.exit(0)")
    with study.lock("supervisor.lock") as free:
        assert free
        with pytest.raises(SpecError, match="being run by another process"):
            supervisor.run()
    assert not (study.root / "lives").exists()


def test_an_orphaned_coordinator_is_given_time_to_stop(play: Play, study: StudyDir) -> None:
    supervisor, _ = play("sys.exit(0)")
    waiting = threading.Thread(target=supervisor._await_orphan)
    with study.lock() as free:
        assert free
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
    waiting.join(5)
    assert not waiting.is_alive()


def test_one_on_another_host_that_does_not_stop_is_named(
    play: Play, study: StudyDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_STOPPING_S", 0.3)
    write_json(study.jobs, {"host": "login-7", "jobs": []})
    supervisor, _ = play("sys.exit(0)")
    with study.lock(), pytest.raises(SpecError, match="login-7"):
        supervisor.run()
