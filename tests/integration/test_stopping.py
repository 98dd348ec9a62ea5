"""A study is stopped: by its user, by a budget; and goes on."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from parsl_sa import Results
from support.runs import assert_nothing_runs, assert_same_results, called, launched
from support.slow_study import write_plan, write_spec

if TYPE_CHECKING:
    from pathlib import Path

    from support.slow_study import SlowStudy

pytestmark = [pytest.mark.mpi, pytest.mark.slow, pytest.mark.timeout(400)]


def test_ctrl_c_keeps_a_checkpoint_and_resume_ends_with_the_same_bits(slow: SlowStudy, where: Path) -> None:
    with launched(where, *slow.words(where)) as run:
        run.until_folded(0.3)
        run.process.send_signal(signal.SIGINT)
        ended = run.finish()
        assert ended.code == 130, run.account()
        assert f"parsl-sa resume {where}" in ended.err
        assert_nothing_runs(run.study)
        status = run.study.read_status()
        assert (status["stage"], status["outcome"]) == ("stopped", "interrupted")
        assert 0 < status["durable"] == status["folded"] < status["n_bundles"]
        results = called("results", str(where), "--json")
        told = json.loads(results.out)
        assert told["n_used"] == status["durable"] // 64 * 64  # whole replicates count
        assert "unfinished" in results.err
    with launched(where, "resume", str(where), "--plain") as again:
        ended = again.finish()
        assert ended.code == 0, again.account()
        assert_nothing_runs(again.study)
        assert_same_results(where, slow.directory)
        assert again.study.read_status()["epoch"] == 2


def test_ctrl_c_before_the_first_lease_leaves_a_study_that_can_be_resumed(
    slow: SlowStudy, where: Path
) -> None:
    with launched(where, *slow.words(where)) as run:
        run.member("coordinator")
        run.process.send_signal(signal.SIGINT)
        ended = run.finish()
        assert ended.code == 130, run.account()
        assert f"parsl-sa resume {where}" in ended.err
        assert_nothing_runs(run.study)
        assert run.study.read_status()["stage"] == "stopped"
        unfinished = called("results", str(where))
        assert unfinished.code == 4
        assert "no checkpoint yet" in unfinished.err


def test_a_budget_of_seconds_stops_the_study_with_results(
    slow: SlowStudy, where: Path, tmp_path: Path
) -> None:
    budget_s = round(1.5 * slow.startup_s + 6)
    design = {"n": 768 * 64, "replicates": 768}  # minutes of work
    spec = write_spec(tmp_path / "spec", design=design, stop={"budget": {"seconds": budget_s}})
    words = ("launch", str(spec), "--dir", str(where), "--plan", str(write_plan(spec)), "--plain")
    for _ in range(3):  # a machine that has become busy may need all of a budget to start
        with launched(where, *words) as run:
            ended = run.finish()
            assert ended.code == 3, run.account()
            assert_nothing_runs(run.study)
            status = run.study.read_status()
        assert (status["stage"], status["outcome"]) == ("stopped", "budget")
        assert f"the budget of {budget_s} s is spent" in ended.err
        assert f"parsl-sa resume {where}" in ended.err
        assert status["durable"] == status["folded"] < status["n_bundles"]
        if status["durable"] >= 64:
            break
        words = ("resume", str(where), "--plain")
    results = Results.open(where)
    assert not results.attrs["finished"]
    assert results.attrs["n_used"] == status["durable"] // 64 * 64 > 0
