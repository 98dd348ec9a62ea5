"""Processes are killed in the middle of a study, and the results come out as if nothing had happened."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from support.processes import ancestors
from support.runs import Run, assert_nothing_runs, assert_same_results, launched, long, names_of, rank_of
from support.slow_model import SLOWER
from support.slow_study import write_spec

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

    from support.slow_study import SlowStudy

pytestmark = [pytest.mark.mpi, pytest.mark.slow, pytest.mark.timeout(400)]

HALFWAY = 0.3


def victim(run: Run, role: str) -> psutil.Process:
    """Return the process to strike."""
    if role == "last rank":
        return max(run.members("rank"), key=rank_of)
    if role == "first rank":
        return min(run.members("rank"), key=rank_of)
    kind, _, side = role.partition(" of ")
    if not side:
        return run.members(kind)[0]
    # interchanges are started in this order; a pool is known by the program below it
    program = {"clients": "mpiexec", "reducer": "reducer"}[side]
    if kind == "interchange":
        return sorted(run.members(kind), key=lambda process: process.pid)[side == "reducer"]
    above = set(ancestors(run.members(program)[0].pid))
    return next(pool for pool in run.members("pool") if pool.pid in above)


def end_as_if_undisturbed(run: Run, slow: SlowStudy) -> None:
    """Wait for the end and compare."""
    ended = run.finish()
    assert ended.code == 0, run.account()
    assert_nothing_runs(run.study)
    assert_same_results(run.study.root, slow.directory)


@pytest.mark.parametrize(
    ("role", "trace"),
    [
        ("last rank", "client-died"),
        ("reducer", "shard-died"),
        pytest.param("first rank", "client-died", marks=long),
        pytest.param("mpiexec", "client-died", marks=long),
    ],
)
def test_a_killed_program_is_started_again(slow: SlowStudy, where: Path, role: str, trace: str) -> None:
    with launched(where, *slow.words(where)) as run:
        run.until_folded(HALFWAY)
        victim(run, role).kill()
        end_as_if_undisturbed(run, slow)
        assert trace in names_of(run.study)
        assert run.study.read_status()["epoch"] == 1


@pytest.mark.parametrize("side", ["clients", pytest.param("reducer", marks=long)])
def test_a_killed_interchange_is_followed_by_another_coordinator(
    slow: SlowStudy, where: Path, side: str
) -> None:
    with launched(where, *slow.words(where)) as run:
        run.until_folded(HALFWAY)
        victim(run, f"interchange of {side}").kill()
        end_as_if_undisturbed(run, slow)
        assert run.study.read_status()["epoch"] == 2


@long
@pytest.mark.parametrize(("side", "trace"), [("clients", "client-died"), ("reducer", "shard-died")])
def test_a_killed_pool_is_replaced(slow: SlowStudy, where: Path, side: str, trace: str) -> None:
    # Parsl needs some seconds to miss it, and its worker goes on with what it has
    with launched(where, *slow.words(where), environment={SLOWER: "4"}) as run:
        run.until_folded(0.1)
        victim(run, f"pool of {side}").kill()
        end_as_if_undisturbed(run, slow)
        assert trace in names_of(run.study)


def test_a_killed_coordinator_is_followed_by_another(slow: SlowStudy, where: Path) -> None:
    with launched(where, *slow.words(where)) as run:
        run.until_folded(HALFWAY)
        durable = run.study.read_status()["durable"]
        run.member("coordinator").kill()
        end_as_if_undisturbed(run, slow)
        assert run.study.read_status()["epoch"] == 2
        starts = [record["start"] for record in run.study.read_journal() if record["record"] == "incarnation"]
        assert starts[1] * 16 >= durable > 0  # it went on from a checkpoint, not from the beginning


def test_a_killed_launch_stops_in_order_and_is_resumed(slow: SlowStudy, where: Path) -> None:
    with launched(where, *slow.words(where)) as run:
        run.until_folded(HALFWAY)
        run.process.kill()
        run.process.wait()
        assert_nothing_runs_soon(run)
        status = run.study.read_status()
        assert (status["stage"], status["reason"]) == ("stopped", "the launching process is gone")
    with launched(where, "resume", str(where), "--plain") as again:
        end_as_if_undisturbed(again, slow)


def assert_nothing_runs_soon(run: Run) -> None:
    """Fail unless all processes of a run end by themselves: no rank outlives what it belongs to."""
    assert_nothing_runs(run.study, within_s=60.0)


@long
def test_launch_and_coordinator_killed_together_are_resumed_at_once(slow: SlowStudy, where: Path) -> None:
    with launched(where, *slow.words(where)) as run:
        run.until_folded(HALFWAY)
        run.member("coordinator").kill()
        run.process.kill()
        run.process.wait()
        with launched(where, "resume", str(where), "--plain") as again:
            end_as_if_undisturbed(again, slow)


@long
def test_what_launch_and_coordinator_leave_ends_by_itself(slow: SlowStudy, where: Path) -> None:
    with launched(where, *slow.words(where)) as run:
        run.until_folded(HALFWAY)
        run.member("coordinator").kill()
        run.process.kill()
        run.process.wait()
        assert_nothing_runs_soon(run)


@long
@pytest.mark.parametrize(
    "role",
    [
        "first rank",
        "last rank",
        "mpiexec",
        "reducer",
        "interchange of clients",
        "pool of clients",
        "pool of reducer",
        "coordinator",
    ],
)
def test_a_frozen_process_changes_no_bit(slow: SlowStudy, where: Path, role: str) -> None:
    with launched(where, *slow.words(where), environment={SLOWER: "3"}) as run:
        run.until_folded(0.1)
        victim(run, role).send_signal(signal.SIGSTOP)
        ended = run.finish(300)
        assert ended.code == 0, run.account()
        assert_nothing_runs(run.study)
        assert_same_results(where, slow.directory)


@pytest.mark.parametrize("ranks", [1, pytest.param(3, marks=long), pytest.param(4, marks=long)])
def test_the_number_of_ranks_changes_no_bit(slow: SlowStudy, where: Path, tmp_path: Path, ranks: int) -> None:
    # one-rank clients come in pairs, so that leases arrive in an order that nobody chose
    farm = {"clients": {"ranks": ranks, "slots": 2 if ranks == 1 else 1}}
    spec = write_spec(tmp_path / "spec", farm=farm)
    with launched(where, *slow.words(where, spec=spec)) as run:
        end_as_if_undisturbed(run, slow)


@long
def test_one_blow_after_another(slow: SlowStudy, where: Path) -> None:
    with launched(where, *slow.words(where)) as run:
        for fraction, role in [(0.1, "last rank"), (0.25, "reducer"), (0.4, "coordinator"), (0.6, "mpiexec")]:
            run.until_folded(fraction)
            run.until(lambda role=role: alive(run, role), what=role).kill()
        end_as_if_undisturbed(run, slow)


def alive(run: Run, role: str) -> psutil.Process | None:
    """Return the process to strike if it is there now."""
    try:
        return victim(run, role)
    except (IndexError, ValueError):
        return None
