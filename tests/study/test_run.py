"""A study in the background: start, wait, stop, status."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa import Results
from parsl_sa.errors import StudyError
from parsl_sa.study import Run
from support.inline_study import LEASE_BUNDLES, N, ishigami, prepared, serve, study_of
from support.runs import assert_same_results

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from parsl_sa.studydir import StudyDir

    Array = npt.NDArray[np.float64]


class Gate:
    """A model that waits, in every forward but the one of loading, until it is let through."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        self.loaded = False

    def __call__(self, x: Array) -> Array:
        if not self.loaded:
            self.loaded = True
            return ishigami(x)
        self.reached.set()
        assert self.open.wait(60)
        return ishigami(x)


@pytest.fixture
def gate() -> Gate:
    """Return a model that waits."""
    return Gate()


@pytest.fixture
def study(gate: Gate, tmp_path: Path) -> StudyDir:
    """Return a prepared study of it."""
    return prepared(study_of(gate), tmp_path / "study")


def test_wait_returns_the_results(study: StudyDir, gate: Gate) -> None:
    told: list[dict[str, Any]] = []
    run = Run(study, told.append)
    assert gate.reached.wait(60)
    assert run.running
    assert run.status["stage"] == "running"
    assert "running" in repr(run)
    with pytest.raises(TimeoutError, match=r"the study runs on after 0.05 s"):
        run.wait(timeout_s=0.05)
    gate.open.set()
    results = run.wait(timeout_s=60)
    assert isinstance(results, Results)
    assert results.attrs["n_used"] == N
    assert not run.running
    assert run.wait().attrs["study"] == results.attrs["study"], "waiting again is no harm"
    assert told[-1]["stage"] == run.status["stage"] == "done"
    run.stop()  # nor is this


def test_stop_keeps_what_there_is_and_a_new_run_ends_it(tmp_path: Path) -> None:
    own = study_of()
    whole = prepared(own, tmp_path / "whole")
    Run(whole).wait()
    stopped = prepared(own, tmp_path / "stopped")

    def slow(x: Array) -> Array:
        time.sleep(0.005)
        return ishigami(x)

    serve(own, slow)
    run = Run(stopped)
    while run.status.get("folded", 0) == 0:
        time.sleep(0.01)
    run.stop()
    results = run.wait(timeout_s=60)
    assert 0 < results.attrs["n_used"] < N or not results.attrs["finished"]
    assert run.status["outcome"] == "interrupted"
    serve(own, ishigami)
    assert own.resume(stopped.root, progress=False).attrs["finished"]
    assert_same_results(whole.root, stopped.root)


def test_a_stop_lets_the_lease_at_hand_be_finished(study: StudyDir, gate: Gate) -> None:
    run = Run(study)
    assert gate.reached.wait(60)
    run.stop()
    gate.open.set()
    results = run.wait(60)
    assert run.status["durable"] == LEASE_BUNDLES
    assert results.attrs["n_used"] == 0, "which is less than a replicate"
    assert np.isnan(results["y"]["S1"].values).all()


def test_what_goes_wrong_is_raised_where_somebody_waits(study: StudyDir, gate: Gate, tmp_path: Path) -> None:
    with study.lock("supervisor.lock"):
        run = Run(study)
        with pytest.raises(Exception, match="is being run by another process"):
            run.wait(60)

    def raises(x: Array) -> Array:
        raise ValueError("never")

    own = study_of()
    broken = prepared(own, tmp_path / "broken")
    serve(own, raises)
    run = Run(broken)
    with pytest.raises(StudyError, match="ValueError: never"):
        run.wait(60)
    assert run.status["stage"] == "failed"


def test_start_returns_at_once(tmp_path: Path, gate: Gate) -> None:
    gate.open.set()
    own = study_of(gate)
    probed = own.check()
    assert probed["n"] == N
    gate.open.clear()
    threading.Timer(0.2, gate.open.set).start()  # the probe of `start` needs it
    run = own.start(tmp_path / "study")
    assert run.wait(60).attrs["finished"]
