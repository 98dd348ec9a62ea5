"""How much a command says, and where: `--plain`, `--quiet`, `--json-events`, on a study in one process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parsl_sa.jsonfile import write_json
from parsl_sa.launch.planning import prepare
from support.runs import Ended

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.studydir import StudyDir

Say = Callable[..., Ended]
INLINE = ("launch", "spec.json", "--site", "inline", "--dir", "study")


@pytest.mark.parametrize("command", ["launch", "resume"])
def test_styles_exclude_each_other(say: Say, folder: Path, finished: StudyDir, command: str) -> None:
    target = "spec.json" if command == "launch" else str(finished.root)
    ended = say(command, target, "--plain", "--quiet", "--json-events")
    assert ended.code == 2
    assert "--plain: excludes --quiet and --json-events; give one of them" in ended.err
    assert not (folder / "runs").exists()


def test_quiet_leaves_the_results(say: Say, folder: Path) -> None:
    ended = say(*INLINE, "--quiet")
    assert (ended.code, ended.err) == (0, "")
    assert "CL" in ended.out
    assert "results: study/results.zarr" in ended.out


def test_plain_lines_stand_on_standard_error(say: Say, folder: Path) -> None:
    ended = say(*INLINE, "--plain")
    assert ended.code == 0
    first, second, *lines = ended.err.splitlines()
    assert (first, second) == ("wing: trying the model", "wing: study directory study")
    assert lines[0].startswith("wing: loading the model")
    assert lines[-1].startswith("wing: done, 128 of 128 bundles")
    assert "loading" not in ended.out


def test_events_are_all_that_a_program_reads(say: Say, folder: Path) -> None:
    ended = say(*INLINE, "--json-events")
    assert ended.code == 0
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert events[0]["stage"] == "loading"
    assert (events[-1]["stage"], events[-1]["outcome"]) == ("done", "complete")
    again = say("resume", "study", "--json-events")
    assert (again.code, again.out) == (0, "")
    assert json.loads(say("results", "study", "--json").out)["n_used"] == 128


def test_a_failed_inline_study_names_the_log_that_there_is(say: Say, folder: Path) -> None:
    stalls = (
        "import os\n        if os.path.exists('stall'): raise ValueError('stalled')\n        lift = x[:, 0]"
    )
    model = (folder / "model.py").read_text()
    (folder / "model.py").write_text(model.replace("lift = x[:, 0]", stalls))
    prepare(folder / "spec.json", folder / "study", site="inline")
    (folder / "stall").touch()
    ended = say("resume", "study", "--plain")
    assert ended.code == 4
    failed, log, cure, new = ended.err.splitlines()[-4:]
    assert failed.startswith("failed: model: it raised ValueError: stalled")
    assert log == f"  log: {folder / 'study' / 'logs' / 'inline.log'}"
    assert cure == "  when that is mended, go on with: parsl-sa resume study"
    assert "launch it into another directory" in new
    assert "ValueError: stalled" in (folder / "study" / "logs" / "inline.log").read_text()


def test_status_of_a_study_that_is_run_by_somebody_is_no_alarm(say: Say, stopped: StudyDir) -> None:
    before = stopped.read_status()
    old = time.time() - 200
    try:
        write_json(stopped.status, {**before, "stage": "loading", "updated_at": old})
        with stopped.lock("supervisor.lock") as free:
            assert free
            busy = say("status", str(stopped.root))
        gone = say("status", str(stopped.root))
    finally:
        write_json(stopped.status, before)
    assert "no news for 3 min 20 s: it is being run" in busy.out
    assert f"no sign of life for 3 min 20 s; go on with: parsl-sa resume {stopped.root}" in gone.out
