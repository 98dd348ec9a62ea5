"""Parsl still is what `parsl_sa.execution.internals` relies on; each failure says what for.

One real Parsl is started, frozen, thawed and killed in a process of its own, because a Parsl whose
interchange is dead cannot be shut down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from parsl.executors import HighThroughputExecutor
from parsl.jobs.states import JobState, JobStatus
from parsl.providers import LocalProvider

from parsl_sa.execution import internals

EXPLAIN = "the installed Parsl is not the one that parsl_sa/execution/internals.py was written for: "

STORY = """
    import json, os, signal, sys, threading, time
    import parsl
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider
    from parsl_sa.execution import internals

    def is_there(group):
        try:
            os.killpg(group, 0)
            return True
        except ProcessLookupError:
            return False

    path = os.pathsep.join([os.path.join(sys.prefix, "bin"), os.environ["PATH"]])
    os.environ["PATH"] = path
    executor = HighThroughputExecutor(
        label="clients", address="127.0.0.1", max_workers_per_node=1, encrypted=False, heartbeat_period=1,
        heartbeat_threshold=3, provider=LocalProvider(init_blocks=1, max_blocks=1, min_blocks=1),
        interchange_launch_cmd=[sys.executable, "-m", "parsl_sa.execution.interchange"],
    )
    kernel = parsl.load(parsl.Config(
        executors=[executor], run_dir=sys.argv[1], initialize_logging=False, strategy_period=0.2,
        usage_tracking=0,
    ))
    seen = {}
    seen["alive"] = internals.interchange_is_alive(executor)
    seen["answers"] = internals.interchange_answers(executor, 20)
    deadline = time.monotonic() + 20
    while not internals.job_ids(executor) and time.monotonic() < deadline:
        time.sleep(0.05)
    seen["jobs"] = internals.job_ids(executor)
    deadline = time.monotonic() + 20
    while "RUNNING" not in internals.block_states(executor) and time.monotonic() < deadline:
        time.sleep(0.05)
    seen["blocks"] = internals.block_states(executor)
    process = executor.interchange_proc
    os.kill(process.pid, signal.SIGSTOP)
    seen["alive_frozen"] = internals.interchange_is_alive(executor)
    seen["answers_frozen"] = internals.interchange_answers(executor, 0.5)
    os.kill(process.pid, signal.SIGCONT)
    process.kill()
    process.wait()
    seen["alive_dead"] = internals.interchange_is_alive(executor)
    began = time.monotonic()
    seen["clean_dead"] = internals.clean_up(kernel, 1.0)
    seen["clean_dead_s"] = time.monotonic() - began
    groups = [os.getpgid(int(job["remote_pid"])) for job in executor.provider.resources.values()]
    for group in groups:
        os.killpg(group, signal.SIGSTOP)
    internals.end_blocks(executor, internals.blocks(executor))
    deadline = time.monotonic() + 10
    seen["left"] = groups
    while seen["left"] and time.monotonic() < deadline:
        time.sleep(0.05)
        seen["left"] = [group for group in groups if is_there(group)]
    print(json.dumps(seen), flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("parsl")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STORY), str(directory)],
        env=environment, cwd=directory, check=False, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, EXPLAIN + done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_the_interchange_is_a_child_that_can_be_watched(seen: dict[str, Any]) -> None:
    assert seen["alive"], EXPLAIN + "executor.interchange_proc is no Popen of a running interchange"
    assert not seen["alive_dead"], EXPLAIN + "executor.interchange_proc.poll() does not tell its death"


def test_a_live_interchange_answers_and_a_frozen_one_only_seems_alive(seen: dict[str, Any]) -> None:
    assert seen["answers"], EXPLAIN + "executor.connected_managers() did not come back from the interchange"
    assert seen["alive_frozen"], EXPLAIN + "a stopped interchange has no process any more"
    assert not seen["answers_frozen"], EXPLAIN + (
        "executor.connected_managers() answers without asking the interchange: a frozen one goes unseen"
    )


def test_blocks_have_jobs_and_states(seen: dict[str, Any]) -> None:
    assert len(seen["jobs"]) == 1, EXPLAIN + "executor.blocks_to_job_id is not one entry a block"
    assert seen["jobs"][0].isdigit(), EXPLAIN + "a local block's job is not its process id"
    assert seen["blocks"] == {"RUNNING": 1}, EXPLAIN + "executor.status_facade is no JobStatus a block"


def test_shutting_down_a_parsl_whose_interchange_is_dead_does_not_block_us(seen: dict[str, Any]) -> None:
    assert seen["clean_dead_s"] < 5, "clean_up must come back by itself"
    assert not seen["clean_dead"], EXPLAIN + (
        "cleanup() managed without its interchange: restarting the coordinator may be needless now"
    )


def test_the_blocks_of_a_frozen_pool_can_be_ended(seen: dict[str, Any]) -> None:
    assert seen["left"] == [], EXPLAIN + "provider.resources does not say which processes a block is"


def test_states_are_counted_without_asking_anybody() -> None:
    executor = HighThroughputExecutor(label="x", address="127.0.0.1", provider=LocalProvider(init_blocks=0))
    assert executor.interchange_proc is None, EXPLAIN + "an unstarted executor has an interchange already"
    assert not internals.interchange_is_alive(executor)
    executor._status = {str(i): JobStatus(s) for i, s in enumerate([JobState.PENDING, JobState.PENDING])}
    assert internals.block_states(executor) == {"PENDING": 2}, EXPLAIN + (
        "executor.status_facade is not the cached _status; a fresh poll would block on a dead interchange"
    )
    executor.blocks_to_job_id = {"0": "11", "1": "12"}
    assert internals.job_ids(executor) == ["11", "12"]


def test_only_named_blocks_that_are_not_over_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block that replaces a lost one may wait in the queue already: it must stay there."""
    executor = HighThroughputExecutor(label="x", address="127.0.0.1", provider=LocalProvider(init_blocks=0))
    states = {"0": JobState.COMPLETED, "1": JobState.RUNNING, "2": JobState.PENDING}
    executor._status = {block: JobStatus(state) for block, state in states.items()}
    executor.blocks_to_job_id = {"0": "10", "1": "11", "2": "12"}
    assert internals.blocks(executor) == {"0", "1", "2"}
    cancelled: list[list[str]] = []
    monkeypatch.setattr(executor.provider, "cancel", cancelled.append)
    internals.end_blocks(executor, frozenset({"0", "1"}))
    assert cancelled == [["11"]], EXPLAIN + "blocks_to_job_id and status_facade do not name the same blocks"
    internals.end_blocks(executor, frozenset())
    assert cancelled == [["11"]]


def test_the_interchange_is_a_module_that_can_be_run() -> None:
    """`parsl_sa.execution.interchange` runs it by this name, after asking for a signal at parent's death."""
    import importlib.util

    found = importlib.util.find_spec("parsl.executors.high_throughput.interchange")
    assert found is not None, EXPLAIN + "the interchange is no module of that name"
    assert found.origin is not None
    source = Path(found.origin).read_text()
    assert '__name__ == "__main__"' in source, EXPLAIN + "the interchange cannot be run as a module"
