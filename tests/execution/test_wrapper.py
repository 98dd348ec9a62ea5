"""The wrapper in a worker: exit statuses, last words, the kill file, and a lifeline that ends programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from parsl_sa.execution.wrapper import BLOCK_END, last_words, run_program
from support import processes


def run(tmp_path: Path, script: str, **more: Any) -> dict[str, Any]:
    """Run a shell script under the wrapper; what the wrapper appends are the script's arguments."""
    told = {"name": "client-1-1", "run_dir": str(tmp_path), "log": str(tmp_path / "log"), "environment": {}}
    return run_program(["sh", "-c", script, "sh"], **(told | more))


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -signal.SIGKILL)])
def test_it_reports_how_the_program_ended(tmp_path: Path, script: str, code: int) -> None:
    told = run(tmp_path, script)
    assert told["code"] == code
    assert told["log"] == str(tmp_path / "log")
    assert list(tmp_path.glob("client-*")) == [], "nothing of it stays"


def test_a_program_that_does_not_exist_is_an_error_of_the_app(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nosuch-program"):
        run_program(
            ["nosuch-program"], name="x", run_dir=str(tmp_path), log=str(tmp_path / "log"), environment={}
        )
    assert list(tmp_path.glob("x.*")) == []


def test_the_tail_is_the_end_of_what_this_program_wrote_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("from an earlier life\n")
    told = run(tmp_path, "echo out; echo err >&2")
    assert told["tail"].split() == ["out", "err"]
    assert (tmp_path / "log").read_text() == "from an earlier life\nout\nerr\n"
    told = run(tmp_path, "seq 100000")
    assert len(told["tail"]) < 5000
    assert told["tail"].endswith("99999\n100000")


def test_the_launchers_words_about_a_crash_do_not_hide_the_programs_own() -> None:
    log = textwrap.dedent("""\
        ValueError: the weights do not fit
        Abort(1) on node 0 (rank 0 in comm 0): application called MPI_Abort(MPI_COMM_WORLD, 1) - process 0
        ===================================================================================
        =   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES
        =   EXIT CODE: 1
        ===================================================================================
        """)
    assert last_words(log).splitlines()[-1] == "ValueError: the weights do not fit"


def test_what_srun_says_of_every_step_does_not_hide_the_programs_own() -> None:
    failed = textwrap.dedent("""\
        StudyError: 1 ranks met where 2 were started
        srun: error: n1: tasks 0-1: Exited with exit code 1
        srun: Job step aborted: Waiting up to 7 seconds for job step to finish.
        slurmstepd-n1: error: *** STEP 5.0 ON n1 CANCELLED AT 2026-11-25T03:32:27 ***
        srun: error: n1: task 1: Killed
        """)
    assert last_words(failed) == "StudyError: 1 ranks met where 2 were started"
    killed = "loading\nsrun: error: n1: task 1: Killed\nsrun: Force Terminated StepId=1.0\n"
    assert last_words(killed).splitlines() == ["loading", "a rank was ended: Killed"]
    refused = "srun: error: Unable to create step for job 5: More processors requested than permitted"
    assert last_words(refused) == refused


def test_variables_are_set_and_foreign_ones_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_RANK", "3")
    monkeypatch.setenv("KEPT", "yes")
    script = "echo $OMP_NUM_THREADS ${PMI_RANK-none} $KEPT"
    told = run(tmp_path, script, environment={"OMP_NUM_THREADS": "5"}, scrub=("PMI_",))
    assert told["tail"].split() == ["5", "none", "yes"]
    assert run(tmp_path, "echo ${PMI_RANK-none}")["tail"].split() == ["3"]


@pytest.mark.parametrize("name", ["SLURM_JOB_END_TIME", BLOCK_END])
def test_a_client_is_told_when_to_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    script = "echo $*"
    assert "--leave-at" not in run(tmp_path, script, margin_s=60)["tail"], "no batch job, no end"
    monkeypatch.setenv(name, "2000000000")
    words = run(tmp_path, script, margin_s=60)["tail"].split()
    assert float(words[words.index("--leave-at") + 1]) == 2000000000 - 60
    assert "--leave-at" not in run(tmp_path, script)["tail"], "a reducer does not leave"


def test_the_schedulers_word_on_its_end_counts_more_than_the_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_END_TIME", "1900000000")
    monkeypatch.setenv(BLOCK_END, "2000000000")
    assert "--leave-at 1900000000.0" in run(tmp_path, "echo $*", margin_s=0)["tail"]


def test_the_kill_file_ends_the_program_and_its_children(tmp_path: Path) -> None:
    def kill_soon() -> None:
        while not (tmp_path / "child").exists():
            time.sleep(0.02)
        (tmp_path / "client-1-1.kill").touch()

    killer = threading.Thread(target=kill_soon)
    killer.start()
    script = f"trap '' TERM; sleep 600 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/child; wait"
    told = run(tmp_path, script)
    killer.join()
    assert told["code"] == -signal.SIGKILL
    pid = int((tmp_path / "child").read_text())
    _until(lambda: not processes.is_running(pid), 5)  # a kill takes its moment on a busy machine
    assert list(tmp_path.glob("client-*")) == [], "a later life of that name is not killed at once"


def test_what_the_program_leaves_running_ends_with_it(tmp_path: Path) -> None:
    """A killed mpiexec leaves its ranks; a frozen one cannot see its lifeline."""
    run(tmp_path, f"sleep 600 & kill -STOP $!; echo $! > {tmp_path}/child")
    pid = int((tmp_path / "child").read_text())
    _until(lambda: not processes.is_running(pid), 5)  # a kill takes its moment on a busy machine


def test_a_program_ends_when_its_wrapper_is_killed(tmp_path: Path) -> None:
    """The wrapper is a worker of Parsl, which batch systems and people kill without asking."""
    program = textwrap.dedent(f"""
        import os, sys, time
        from parsl_sa.lifeline import hold
        hold(sys.argv[2], sys.argv[4])
        open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
        time.sleep(600)
    """)
    wrapper = textwrap.dedent(f"""
        import sys
        from parsl_sa.execution.wrapper import run_program
        run_program([sys.executable, "-c", {program!r}], name="client", run_dir={str(tmp_path)!r},
                    log={str(tmp_path / "log")!r}, environment={{}})
    """)
    parent = subprocess.Popen([sys.executable, "-c", wrapper], env={**os.environ, "PYTHONPATH": _root()})
    pid_file = tmp_path / "pid"
    _until(lambda: pid_file.exists() and pid_file.read_text() != "", 20)
    pid = int(pid_file.read_text())
    time.sleep(0.5)
    assert processes.is_running(pid)
    parent.kill()
    parent.wait()
    _until(lambda: not processes.is_running(pid), 5)


def _root() -> str:
    return str(Path(__file__).parents[2])


def _until(condition: Any, timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
