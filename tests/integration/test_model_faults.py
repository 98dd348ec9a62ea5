"""Models that fail on some inputs, and models that cannot be had."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from parsl_sa import Results, design
from parsl_sa.spec import load_spec
from support.runs import assert_nothing_runs, called, events, launched, long, names_of
from support.slow_study import REPLICATES, N, write_plan, write_spec

if TYPE_CHECKING:
    import numpy.typing as npt

    from support.slow_study import SlowStudy

pytestmark = [pytest.mark.mpi, pytest.mark.slow, pytest.mark.timeout(400)]


def inputs_of(spec: Path) -> npt.NDArray[np.float64]:
    """Return all inputs of a spec, shape (n_bundles, n_rows, 3)."""
    loaded = load_spec(spec)
    sampler = design.assemble(loaded.design_plain(), loaded.parameters_plain(), N // REPLICATES)
    return sampler.rows(0, N)


def threshold(values: npt.NDArray[np.float64], n_above: int) -> tuple[float, list[int]]:
    """Return a bound that the largest value of exactly so many bundles exceeds, and those bundles."""
    largest = values.max(axis=1)
    order = np.argsort(largest)
    bound = float((largest[order[-n_above]] + largest[order[-n_above - 1]]) / 2)
    return bound, sorted(order[-n_above:].tolist())


def test_bundles_that_fail_are_found_confirmed_dropped_and_reported(where: Path, tmp_path: Path) -> None:
    rows = inputs_of(write_spec(tmp_path / "spec"))
    raise_above, raising = threshold(rows[:, :, 0], 1)
    nan_above, nan = threshold(rows[:, :, 1], 2)
    assert not set(raising) & set(nan)
    options = {"pause_s": 0.0, "raise_above": raise_above, "nan_above": nan_above}
    spec = write_spec(tmp_path / "spec", options=options)
    words = ("--dir", str(where), "--plan", str(write_plan(spec)), "--plain")
    with launched(where, "launch", str(spec), *words) as run:
        ended = run.finish()
        assert ended.code == 0, run.account()
        assert_nothing_runs(run.study)
        told = events(run.study)
    results = Results.open(where)
    assert results.attrs["n_planned"] == N
    assert results.attrs["n_used"] == N - 3
    dropped: dict[int, str] = {drop["bundle"]: drop["reason"] for drop in results.attrs["dropped"]}
    assert sorted(dropped) == sorted([*raising, *nan])
    assert "x1 is more than this model can bear" in dropped[raising[0]]
    assert all("non-finite" in dropped[bundle] for bundle in nan)
    witnesses = {event["client"] for event in told if event["event"] == "failed"}
    assert len(witnesses) == 2  # two processes have seen it fail alone
    assert {tuple(event["poisoned"]) for event in told if event["event"] == "failed"} == {tuple(raising)}
    assert np.isfinite(results["field"]["mean"]).all()
    shown = called("results", str(where))
    assert f"{N - 3} of {N} bundles used" in shown.out
    assert "x1 is more than" in shown.out or "3 dropped" in shown.out


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("nan_above", "non-finite output"),
        pytest.param("raise_above", "x1 is more than this model can bear", marks=long),
    ],
)
def test_more_drops_than_allowed_fail_the_study(
    where: Path, tmp_path: Path, option: str, reason: str
) -> None:
    rows = inputs_of(write_spec(tmp_path / "spec"))
    bound, _ = threshold(rows[:, :, 0 if option == "raise_above" else 1], 2)
    spec = write_spec(tmp_path / "spec", options={option: bound}, stop={"max_dropped_fraction": 0.001})
    words = ("--dir", str(where), "--plan", str(write_plan(spec)), "--plain")
    with launched(where, "launch", str(spec), *words) as run:
        ended = run.finish()
        assert ended.code == 4, run.account()
        assert_nothing_runs(run.study)
        assert reason in ended.err
        assert "max_dropped_fraction" in ended.err
        assert run.study.read_status()["stage"] == "failed"
        assert not run.study.results.exists()


def test_a_client_that_cannot_start_fails_the_study_after_three_tries(
    slow: SlowStudy, where: Path, tmp_path: Path
) -> None:
    spec = write_spec(tmp_path / "spec")
    with launched(where, *slow.words(where, spec=spec)) as run:
        run.until_folded(0.2)
        run.process.send_signal(signal.SIGINT)
        assert run.finish().code == 130
    model = spec.parent / "slow_model.py"
    model.unlink()
    with launched(where, "resume", str(where), "--plain") as again:
        ended = again.finish()
        assert ended.code == 4, again.account()
        assert_nothing_runs(again.study)
        assert names_of(again.study).count("client-died") == 3
        assert "no file" in ended.err
        assert "slow_model.py" in ended.err
        assert "3 clients in a row ended before they could start" in ended.err
        log = next(line.split()[1] for line in ended.err.splitlines() if line.startswith("  log: "))
        assert "no file" in Path(log).read_text()


def test_a_launcher_that_is_missing_is_told_before_anything_starts(
    slow: SlowStudy, where: Path, tmp_path: Path
) -> None:
    sites = tmp_path / "sites"
    sites.mkdir()
    preset = {
        "name": "bare", "description": "no MPI", "verified_on": "", "source": "", "provider": "local",
        "launch": {"command": "mpiexec-that-nobody-has"},
    }  # fmt: skip
    (sites / "bare.json").write_text(json.dumps(preset))
    refused = called(*slow.words(where, "--site", "bare"), environment={"PARSL_SA_SITES": str(sites)})
    assert refused.code == 2
    assert 'pip install "parsl-sa[mpi]"' in refused.err
    assert "mpiexec-that-nobody-has" in refused.err
    assert not where.exists()
