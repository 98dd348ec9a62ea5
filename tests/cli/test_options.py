"""Options and directories that cannot be: each is named with its cure before the model is tried."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parsl_sa.jsonfile import write_json
from support.runs import Ended
from support.small_study import MODEL, SPEC, edited, write_study

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.studydir import StudyDir


Say = Callable[..., Ended]


def refusal(ended: Ended) -> list[str]:
    """Return the faults of a command that started nothing."""
    assert (ended.code, ended.out) == (2, "")
    head, *faults = ended.err.splitlines()
    assert head == f"{len(faults)} fault{'s' if len(faults) > 1 else ''}; nothing was started"
    return [fault.removeprefix("  ") for fault in faults]


def test_ranks_and_site_are_both_named(say: Say, folder: Path) -> None:
    ranks, site = refusal(say("launch", "spec.json", "--ranks", "0", "--site", "locl"))
    assert ranks == "--ranks: must be at least 1; it is 0"
    assert site.startswith("--site: unknown site 'locl'; did you mean 'local'? known: ")


def test_a_place_that_holds_something_else(say: Say, folder: Path) -> None:
    (folder / "occupied").mkdir()
    (folder / "occupied" / "thesis.tex").touch()
    (fault,) = refusal(say("launch", "spec.json", "--dir", "occupied"))
    assert (
        fault == f"{folder / 'occupied'}: is not empty and holds no study; choose another directory (--dir)"
    )
    assert [path.name for path in (folder / "occupied").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("where", ["spec.json", "spec.json/study"])
def test_a_place_under_a_file(say: Say, folder: Path, where: str) -> None:
    (fault,) = refusal(say("launch", "spec.json", "--dir", where))
    assert "is a file, not a directory; choose another directory (--dir)" in fault


def test_a_place_that_cannot_be_made(say: Say, folder: Path) -> None:
    (fault,) = refusal(say("launch", "spec.json", "--dir", "/proc/study"))
    assert fault.startswith("/proc/study: cannot be made: ")
    assert fault.endswith(" in /proc; choose another directory (--dir)")


def test_a_place_that_holds_this_study_unfinished(say: Say, stopped: StudyDir) -> None:
    (fault,) = refusal(say("launch", str(stopped.root.parent / "spec.json"), "--dir", str(stopped.root)))
    assert (
        fault == f"{stopped.root}: holds this study, unfinished; go on with: parsl-sa resume {stopped.root}"
    )


def test_a_place_that_holds_another_study(say: Say, folder: Path, finished: StudyDir) -> None:
    write_study(folder, edited(("design.seed", 1)))
    (fault,) = refusal(say("launch", "spec.json", "--dir", str(finished.root)))
    assert fault.startswith(f"{finished.root}: holds another study: ")
    assert fault.endswith("choose another directory (--dir)")


def test_a_place_that_holds_a_study_of_another_model(say: Say, folder: Path, finished: StudyDir) -> None:
    write_study(folder, SPEC, MODEL.replace("0.1", "0.2"))
    (fault,) = refusal(say("launch", "spec.json", "--dir", str(finished.root)))
    assert fault.endswith(
        "holds a study of another model: model.py changed since; choose another directory (--dir)"
    )


def test_a_finished_study_is_shown_and_not_run_again(say: Say, folder: Path, finished: StudyDir) -> None:
    ended = say("launch", "spec.json", "--dir", str(finished.root))
    assert ended.code == 0, ended.err
    assert ended.err == f"{finished.root} holds this study, finished\n"
    assert "wing · 128 of 128 bundles used" in ended.out
    assert ended.out.endswith(f"report: {finished.report / 'index.html'}\n")


def test_a_plan_that_is_not_there(say: Say, folder: Path) -> None:
    (fault,) = refusal(say("launch", "spec.json", "--plan", "none.json"))
    assert fault == "--plan: none.json: no such file; give the plan.json of a study"


def test_the_plan_of_another_study(say: Say, folder: Path, finished: StudyDir) -> None:
    write_study(folder, edited(("design.seed", 1)))
    (fault,) = refusal(say("launch", "spec.json", "--plan", str(finished.root)))
    assert fault.startswith(f"--plan: {finished.plan} is the plan of another study: ")


def test_the_plan_of_another_model(say: Say, folder: Path, finished: StudyDir) -> None:
    write_study(folder, SPEC, MODEL.replace("0.1", "0.2"))
    (fault,) = refusal(say("launch", "spec.json", "--plan", str(finished.plan)))
    assert fault.endswith("is the plan of another model: model.py changed since it was frozen")


def test_a_plan_that_is_no_plan(say: Say, folder: Path) -> None:
    (folder / "plan.json").write_text(json.dumps({"lease": 3}))
    (fault,) = refusal(say("launch", "spec.json", "--plan", "plan.json"))
    assert fault.startswith("--plan: plan.json: damaged plan: unknown fields in the plan: lease")


def test_a_plan_without_its_pivots(say: Say, folder: Path, finished: StudyDir) -> None:
    write_json(folder / "plan.json", finished.read_plan().to_json())
    (fault,) = refusal(say("launch", "spec.json", "--plan", "plan.json"))
    assert fault == "--plan: pivots.npy is missing; it belongs to the plan"


def test_more_ranks_than_the_plan_has_lanes(say: Say, folder: Path, finished: StudyDir) -> None:
    plan = dataclasses.replace(finished.read_plan(), lanes=1)
    write_json(folder / "plan.json", plan.to_json())
    (fault,) = refusal(say("launch", "spec.json", "--plan", "plan.json", "--ranks", "2"))
    assert fault == "--plan: plan.json has lanes for 1 ranks, not 2; use fewer --ranks"


NO_STUDY = {
    "nowhere": "no such directory",
    ".": "is not a study directory (no spec.json and journal.jsonl)",
    "spec.json": "is a file, not a study directory",
}


@pytest.mark.parametrize("command", ["results", "status", "resume"])
@pytest.mark.parametrize("where", NO_STUDY)
def test_a_directory_that_is_no_study(say: Say, folder: Path, command: str, where: str) -> None:
    ended = say(command, where)
    assert (ended.code, ended.out) == (2, "")
    assert f"{where}: {NO_STUDY[where]}; give the one that parsl-sa launch named" in ended.err
    assert ("nothing was started" in ended.err) == (command == "resume")


def test_check_finds_what_would_hinder_the_launch(say: Say, folder: Path) -> None:
    farm = {"clients": {"ranks": 2}, "options": {"launch": {"command": "no-such-mpiexec"}}}
    write_study(folder, edited(("farm", farm)))
    (fault,) = refusal(say("check", "spec.json"))
    assert fault.startswith("farm.clients.ranks: a client of 2 ranks needs no-such-mpiexec")
    write_study(folder, edited(("farm", {"site": "slurm", "options": {"address": "192.0.2.1"}})))
    told = say("check", "spec.json")
    assert told.code == 0  # it may be launched from elsewhere
    assert "warning: on this host farm.options.address: 192.0.2.1 is no address of this host" in told.err
