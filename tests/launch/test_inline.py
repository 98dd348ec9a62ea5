"""Inline runs: the farm's plan, bits, drops, checkpoints and ends, in one process."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa.errors import SpecError
from parsl_sa.jsonfile import write_json
from parsl_sa.launch.inline import Inline
from parsl_sa.study import Results, existing, run
from parsl_sa.studydir import StudyDir
from support.inline_study import (
    LEASE_BUNDLES,
    LEASES,
    N,
    bundles_where,
    ishigami,
    losing_power,
    prepared,
    serve,
    study_of,
)
from support.requirements import require_module, require_program
from support.runs import assert_same_results, launched
from support.slow_study import undisturbed_of_session, write_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

REPLICATE_BUNDLES = N // 12


def watched(study: StudyDir) -> list[dict[str, Any]]:
    """Run a study to its end; return every status that was told."""
    told: list[dict[str, Any]] = []
    assert run(study, told.append) == 0
    return told


def records(study: StudyDir, kind: str) -> list[dict[str, Any]]:
    return [record for record in study.read_journal() if record["record"] == kind]


def stopping_after(leases: int, function: Callable[[Array], Array] = ishigami) -> Callable[[Array], Array]:
    """Return a function that sends SIGINT to its own process when it has seen so many leases."""
    calls = iter(range(10**9))

    def stops(x: Array) -> Array:
        if next(calls) == 8 * leases:
            os.kill(os.getpid(), signal.SIGINT)
        return function(x)

    return stops


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the Ishigami study, run to its end without disturbance."""
    study = prepared(study_of(), tmp_path_factory.mktemp("plain") / "study")
    watched(study)
    return study.root


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_farms_plan_gives_the_farms_bits(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    require_module("mpi4py")
    require_program("mpiexec")
    farm = undisturbed_of_session(tmp_path_factory)
    here = tmp_path / "inline"
    with launched(here, *farm.words(here, "--site", "inline")) as command:
        ended = command.finish()
    assert ended.code == 0, ended.err
    assert_same_results(farm.directory, here)


def test_a_finished_study_says_so_and_has_used_everything(plain: Path) -> None:
    results, status = Results.open(plain), StudyDir(plain).read_status()
    assert results.attrs["finished"]
    assert results.attrs["n_used"] == N
    assert (status["stage"], status["outcome"], status["folded"]) == ("done", "complete", N)
    # Jansen's estimator on 12 replicates of 32: its own interval says how far it may be off.
    y = results["y"]
    for name, exact in {"x1": 0.5576, "x2": 0.4424, "x3": 0.2437}.items():
        one = y.sel(parameter=name)
        assert abs(float(one["ST"]) - exact) < 2 * float(one["ST_conf"]), name


def test_a_stopped_study_resumes_to_the_same_bits(plain: Path, tmp_path: Path) -> None:
    own = study_of(stopping_after(5))
    study = prepared(own, tmp_path / "study")
    assert run(study) == 130
    stopped = study.read_status()
    assert (stopped["stage"], stopped["outcome"]) == ("stopped", "interrupted")
    assert 0 < stopped["durable"] == stopped["folded"] < N
    assert not Results.open(study.root).attrs["finished"]
    assert run(study) == 0
    assert [record["epoch"] for record in records(study, "epoch")] == [1, 2]
    assert_same_results(plain, study.root)


def test_a_killed_study_resumes_to_the_same_bits(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not durable is computed again: here everything after the third checkpoint."""
    study = prepared(study_of(farm={"site": "inline", "reducer": {"checkpoint_s": 1e-6}}), tmp_path / "study")
    with monkeypatch.context() as patch:
        losing_power(patch, after=3)
        with pytest.raises(SystemError):
            run(study)
    assert study.read_status()["stage"] == "failed"
    assert 3 * LEASE_BUNDLES <= study.read_status()["durable"] < N
    assert run(study) == 0
    assert_same_results(plain, study.root)


def test_two_signals_leave_at_once_with_what_is_durable(tmp_path: Path) -> None:
    def insisted(x: Array) -> Array:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        return ishigami(x)

    own = study_of()
    study = prepared(own, tmp_path / "study")
    serve(own, insisted)
    assert run(study) == 130
    assert study.read_status()["durable"] == 0
    assert "twice" in study.read_status()["reason"]
    serve(own, ishigami)
    assert run(study) == 0


def test_signals_are_the_callers_again_afterwards(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert run(prepared(study_of(), tmp_path / "study")) == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_the_plans_threads_are_used_and_given_back(tmp_path: Path) -> None:
    seen: set[int] = set()

    def model(x: torch.Tensor) -> torch.Tensor:
        seen.add(torch.get_num_threads())
        return x.sum(1)

    before = torch.get_num_threads()
    own = study_of(model, model={"arrays": "torch"})
    study = prepared(own, tmp_path / "study", threads=1, planned_by=model)
    seen.clear()
    torch.set_num_threads(2)
    try:
        assert run(study) == 0
        assert seen == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_non_finite_rows_are_dropped_whole_counted_and_told(tmp_path: Path) -> None:
    def model(x: Array) -> Array:
        return np.where(x[:, 1] > 3.1, np.nan, ishigami(x))

    own = study_of(model, stop={"max_dropped_fraction": 0.5})
    study = prepared(own, tmp_path / "study")
    watched(study)
    lost = bundles_where(own, REPLICATE_BUNDLES, lambda rows: rows[..., 1] > 3.1)
    results = Results.open(study.root)
    assert lost
    assert [drop["bundle"] for drop in results.attrs["dropped"]] == lost
    assert {drop["reason"] for drop in results.attrs["dropped"]} == {"non-finite output"}
    assert results.attrs["n_used"] == N - len(lost)
    assert study.read_status()["dropped"] == len(lost)


def test_rows_on_which_the_model_raises_cost_their_bundles_alone(tmp_path: Path) -> None:
    """The same bundles are lost as by NaN, so every other row must give the same bits."""

    def raises(x: Array) -> Array:
        if (x[:, 1] > 3.1).any():
            raise ValueError("x2 is too large")
        return ishigami(x)

    def nan(x: Array) -> Array:
        return np.where(x[:, 1] > 3.1, np.nan, ishigami(x))

    directories = []
    for name, model in (("raises", raises), ("nan", nan)):
        own = study_of(model, stop={"max_dropped_fraction": 0.5})
        study = prepared(own, tmp_path / name)
        watched(study)
        directories.append(study)
    raised, lost = (Results.open(study.root) for study in directories)
    bundles = [drop["bundle"] for drop in raised.attrs["dropped"]]
    assert bundles == [drop["bundle"] for drop in lost.attrs["dropped"]]
    assert bundles
    for variable in ("S1", "ST", "ST_conf", "mean", "variance"):
        assert raised["y"][variable].values.tobytes() == lost["y"][variable].values.tobytes(), variable
    excluded = [bundle for record in records(directories[0], "exclude") for bundle in record["bundles"]]
    assert sorted(excluded) == bundles
    assert {drop["reason"] for drop in raised.attrs["dropped"]} == {"ValueError: x2 is too large"}
    log = directories[0].logs / "inline.log"
    assert "Traceback" in log.read_text()
    assert directories[0].read_status()["last_log"] == str(log)


def test_the_tracebacks_of_a_model_stay_out_of_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def raises(x: Array) -> Array:
        if (x[:, 1] > 3.1).any():
            raise ValueError("x2 is too large")
        return ishigami(x)

    study = prepared(study_of(raises, stop={"max_dropped_fraction": 0.5}), tmp_path / "study")
    watched(study)
    assert "Traceback" not in capfd.readouterr().err


def test_too_many_drops_fail_the_study_instead_of_reporting(tmp_path: Path) -> None:
    def model(x: Array) -> Array:
        return np.where(x[:, 1] > 2, np.nan, ishigami(x))

    study = prepared(study_of(model), tmp_path / "study")
    assert run(study) == 4
    status = study.read_status()
    assert status["stage"] == "failed"
    assert "stop.max_dropped_fraction allows 3" in status["reason"]  # 1 % of 384
    assert not study.results.exists()


def test_a_model_that_raises_everywhere_fails_with_its_words(tmp_path: Path) -> None:
    def raises(x: Array) -> Array:
        raise RuntimeError("no GPU today")

    study = prepared(study_of(raises), tmp_path / "study")
    assert run(study) == 4
    assert "RuntimeError: no GPU today" in study.read_status()["reason"]


def test_a_model_that_raises_now_and_then_loses_nothing(plain: Path, tmp_path: Path) -> None:
    calls = iter(range(10**9))

    def flaky(x: Array) -> Array:
        if next(calls) == 11:
            raise OSError("the network share blinked")
        return ishigami(x)

    study = prepared(study_of(flaky), tmp_path / "study")
    watched(study)
    assert not records(study, "drop")
    assert study.read_status()["retries"] == 1
    assert_same_results(plain, study.root)


def test_a_model_that_loses_other_bundles_after_a_stop_is_not_reproducible(tmp_path: Path) -> None:
    def of(limit: float) -> Callable[[Array], Array]:
        return lambda x: np.where(x[:, 1] > limit, np.nan, ishigami(x))

    own = study_of(of(3.05), stop={"max_dropped_fraction": 0.5})
    study = prepared(own, tmp_path / "study")
    lost = bundles_where(own, REPLICATE_BUNDLES, lambda rows: rows[..., 1] > 3.05)
    last = max(bundle // LEASE_BUNDLES for bundle in lost)
    serve(own, stopping_after(last, of(3.05)))  # the drop of that lease is journaled, then lost
    assert run(study) == 130
    for path in study.checkpoints(0).iterdir():
        path.unlink()
    serve(own, of(3.1))
    assert run(study) == 4
    assert "not reproducible" in study.read_status()["reason"]


def test_a_budget_stops_with_status_3_and_can_be_gone_beyond(plain: Path, tmp_path: Path) -> None:
    def slow(x: Array) -> Array:
        time.sleep(0.01)
        return ishigami(x)

    own = study_of(slow, stop={"budget": {"seconds": 0.3}})
    study = prepared(own, tmp_path / "study")
    assert run(study) == 3
    status = study.read_status()
    assert (status["stage"], status["outcome"]) == ("stopped", "budget")
    assert "0.3 s" in status["reason"]
    assert 0 < status["durable"] < N
    assert Results.open(study.root).attrs["n_used"] <= status["durable"]
    serve(own, ishigami)
    assert run(study) == 0
    assert_same_results(plain, study.root)


def test_core_hours_count_the_threads(tmp_path: Path) -> None:
    def slow(x: Array) -> Array:
        time.sleep(0.01)
        return ishigami(x)

    hours = 0.6 / 3600  # 0.3 s of two threads
    own = study_of(slow, stop={"budget": {"core_hours": hours}})
    study = prepared(own, tmp_path / "study", threads=2)
    assert run(study) == 3
    assert "0.3 s" in study.read_status()["reason"]


def test_a_study_that_another_process_runs_is_refused_untouched(tmp_path: Path) -> None:
    study = prepared(study_of(), tmp_path / "study")
    before = study.journal.read_bytes()
    with study.lock("supervisor.lock") as free:
        assert free
        with pytest.raises(SpecError, match="is being run by another process"):
            Inline(study, lambda status: None).run()
    assert study.journal.read_bytes() == before


@pytest.mark.parametrize(("checkpoint_s", "often"), [(1e-6, True), (60.0, False)])
def test_checkpoints_keep_their_cadence(tmp_path: Path, checkpoint_s: float, often: bool) -> None:
    """Every lease asks for a checkpoint where they are due at once; else there is one, at the end."""

    def slow(x: Array) -> Array:
        time.sleep(0.005)
        return ishigami(x)

    farm = {"site": "inline", "reducer": {"checkpoint_s": checkpoint_s}}
    told = watched(prepared(study_of(slow, farm=farm), tmp_path / "study"))
    durable = {status["durable"] for status in told if status["stage"] == "running"}
    assert (len(durable) > 1) == often
    assert told[-1]["durable"] == N


def test_checkpoints_take_a_twentieth_of_the_time_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parsl_sa.reducer import checkpoints

    pauses: list[float] = []
    save = checkpoints.save

    def slow_disk(*arguments: Any, **keywords: Any) -> Path:
        time.sleep(0.05)
        pauses.append(time.monotonic())
        return save(*arguments, **keywords)

    monkeypatch.setattr(checkpoints, "save", slow_disk)
    farm = {"site": "inline", "reducer": {"checkpoint_s": 1e-6}}
    watched(prepared(study_of(farm=farm), tmp_path / "study"))
    assert len(pauses) < LEASES / 2  # the study itself takes less than 20 pauses


def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from parsl_sa.reducer import checkpoints

    study = prepared(study_of(), tmp_path / "study")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", full)
        assert run(study) == 4
    assert "No space left on device" in study.read_status()["reason"]
    assert run(study) == 0


def test_other_hardware_is_refused(tmp_path: Path) -> None:
    study = prepared(study_of(), tmp_path / "study")
    plan = study.read_plan()
    key = min(plan.hardware)
    other = dataclasses.replace(plan, hardware={**plan.hardware, key: "of another machine"})
    write_json(study.plan, other.to_json())
    assert run(study) == 4
    reason = study.read_status()["reason"]
    assert "would give other bits" in reason
    assert "the plan has of another machine" in reason


def test_the_status_goes_from_loading_to_done_and_tells_the_widest_interval(tmp_path: Path) -> None:
    told = watched(prepared(study_of(), tmp_path / "study"))
    stages = [status["stage"] for status in told]
    assert stages[0] == "loading"
    assert stages[-1] == "done"
    assert set(stages) == {"loading", "running", "done"}
    folded = [status["folded"] for status in told]
    assert folded == sorted(folded)
    results = Results.open(tmp_path / "study")
    for index in ("S1", "ST"):
        assert told[-1]["widest"][index] == float(results["y"][f"{index}_conf"].max())


def test_two_studies_may_run_at_the_same_time_in_one_process(plain: Path, tmp_path: Path) -> None:
    def slow(x: Array) -> Array:
        time.sleep(0.002)
        return ishigami(x)

    studies = [prepared(study_of(slow), tmp_path / name) for name in ("one", "two")]
    codes: dict[int, int] = {}

    def work(index: int) -> None:
        codes[index] = run(studies[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == {0: 0, 1: 0}
    for study in studies:
        assert_same_results(plain, study.root)


def test_ctrl_c_on_the_command_line_keeps_a_checkpoint_and_resume_ends_it(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "spec", options={"pause_s": 0.02}, farm={"site": "inline"})
    where = tmp_path / "study"
    with launched(where, "launch", str(spec), "--dir", str(where), "--json-events") as command:
        command.until(lambda: command.study.read_status().get("folded", 0) > 0, what="progress")
        command.process.send_signal(signal.SIGINT)
        ended = command.finish()
    assert ended.code == 130
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert events[-1]["stage"] == "stopped"
    assert f"go on with: parsl-sa resume {where}" in ended.err
    durable = existing(where).read_status()["durable"]
    assert durable > 0
    with launched(where, "resume", str(where), "--quiet") as command:
        ended = command.finish()
    assert ended.code == 0, ended.err
    assert ended.err == ""
    assert "results:" in ended.out
    assert Results.open(where).attrs["finished"]
