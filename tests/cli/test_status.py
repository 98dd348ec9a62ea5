"""`status`, `sites`, `schema`, and `resume` of a study that needs none."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from parsl_sa.jsonfile import write_json
from parsl_sa.spec import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from parsl_sa.studydir import StudyDir
    from support.runs import Ended


def test_status_of_a_finished_study(say: Callable[..., Ended], folder: Path, finished: StudyDir) -> None:
    ended = say("status", str(finished.root))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("wing  done\n")
    assert "128 of 128 bundles" in ended.out
    assert "no sign of life" not in ended.out
    told = json.loads(say("status", str(finished.root), "--json").out)
    assert (told["stage"], told["folded"]) == ("done", 128)


def test_a_run_that_fell_silent_is_told_with_its_cure(
    say: Callable[..., Ended], folder: Path, stopped: StudyDir
) -> None:
    before = stopped.read_status()
    try:
        write_json(stopped.status, {**before, "stage": "running", "updated_at": time.time() - 200})
        ended = say("status", str(stopped.root))
    finally:
        write_json(stopped.status, before)
    assert f"no sign of life for 3 min 20 s; go on with: parsl-sa resume {stopped.root}" in ended.out


def test_what_is_dead_is_not_shown_as_running(
    say: Callable[..., Ended], folder: Path, stopped: StudyDir
) -> None:
    before = stopped.read_status()
    running = {**before, "stage": "running", "bundles_per_s": 9.0, "eta_s": 50.0, "durable": 64}
    try:
        write_json(stopped.status, {**running, "updated_at": time.time() - 14})
        ended = say("status", str(stopped.root))
        told = json.loads(say("status", str(stopped.root), "--json").out)
        with stopped.lock("supervisor.lock"):
            alive = json.loads(say("status", str(stopped.root), "--json").out)
    finally:
        write_json(stopped.status, before)
    assert ended.out.startswith("wing  not running any more, and not finished\n")
    assert "left" not in ended.out
    assert "from the last checkpoint, at 64 bundles" in ended.out
    assert (told["running"], alive["running"]) == (False, True)


def test_a_stopped_study_is_told_with_how_to_go_on(
    say: Callable[..., Ended], folder: Path, stopped: StudyDir
) -> None:
    assert say("status", str(stopped.root)).out.endswith(f"go on with: parsl-sa resume {stopped.root}\n")


def test_the_lock_of_somebody_elses_study_cannot_be_asked(
    say: Callable[..., Ended], folder: Path, stopped: StudyDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stopped.read_status()
    monkeypatch.setattr("parsl_sa.studydir.is_held", lambda path: None)
    try:
        write_json(stopped.status, {**before, "stage": "running", "updated_at": time.time() - 200})
        ended = say("status", str(stopped.root))
    finally:
        write_json(stopped.status, before)
    assert (ended.code, ended.err) == (0, "")
    assert "cannot be told from here" in ended.out
    assert "not running any more" not in ended.out


def test_a_study_that_is_resumed_is_not_told_as_ended(
    say: Callable[..., Ended], folder: Path, stopped: StudyDir
) -> None:
    with stopped.lock():  # a coordinator whose supervisor is gone holds only this one
        ended = say("status", str(stopped.root))
        told = json.loads(say("status", str(stopped.root), "--json").out)
    assert "being started again" in ended.out
    assert "go on with" not in ended.out
    assert told["running"] is True


def test_a_study_before_its_first_status(say: Callable[..., Ended], folder: Path, begun: StudyDir) -> None:
    begun.status.unlink(missing_ok=True)
    ended = say("status", str(begun.root))
    assert (ended.code, ended.err) == (0, "")
    assert "not started yet" in ended.out
    assert say("status", str(begun.root), "--json").out == "{}\n"


def test_a_finished_study_needs_no_resume(say: Callable[..., Ended], finished: StudyDir) -> None:
    ended = say("resume", str(finished.root))
    assert ended.code == 0
    assert ended.err == f"{finished.root}: this study is finished\n"
    assert "wing · 128 of 128 bundles used" in ended.out


def test_sites_fit_80_columns_and_own_ones_are_listed(
    say: Callable[..., Ended], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = say("sites")
    assert (shipped.code, shipped.err) == (0, "")
    assert max(map(len, shipped.out.splitlines())) <= 80
    assert {"local", "slurm"} <= {line.partition(" ")[0] for line in shipped.out.splitlines()}
    own = {"name": "mine", "description": "My own", "verified_on": "", "source": "me", "provider": "local"}
    (folder / "mine.json").write_text(json.dumps(own))
    monkeypatch.setenv("PARSL_SA_SITES", str(folder))
    (folder / "spec.json").unlink()
    listed = say("sites")
    assert listed.code == 0, listed.err
    assert "mine " in listed.out
    assert "not yet" in listed.out


def test_the_schema_is_json(say: Callable[..., Ended]) -> None:
    ended = say("schema")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == json_schema()
