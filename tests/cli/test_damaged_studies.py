"""Study directories with a damaged, missing or foreign file: no traceback, and what to do about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parsl_sa.cli import messages
from parsl_sa.studydir import StudyDir
from support.runs import Ended

if TYPE_CHECKING:
    from pathlib import Path

Say = Callable[..., Ended]
ANEW = "restore it from a copy, or launch the study anew in another directory"


def without(study: StudyDir, field: str) -> str:
    plain = json.loads(study.plan.read_text())
    del plain[field]
    return json.dumps(plain)


# Name -> the command, how the study is damaged, what stands in the message.
DAMAGES: dict[str, tuple[str, Callable[[StudyDir], object], tuple[str, ...]]] = {
    "results": (
        "results",
        lambda study: (study.results / "zarr.json").write_text("{"),
        ("results.zarr: damaged results", "remove it, and it is made again from the study's checkpoint"),
    ),
    "no plan": ("resume", lambda study: study.plan.write_text("{"), ("plan.json: damaged plan", ANEW)),
    "an older plan": (
        "resume",
        lambda study: study.plan.write_text(without(study, "lanes")),
        ("fields missing from the plan: lanes", "if another version of parsl-sa froze it, use that one"),
    ),
    "a line of the journal": (
        "resume",
        lambda study: study.journal.write_text("{}\nx\n{}\n"),
        ("journal.jsonl, line 2: damaged", ANEW),
    ),
    "an empty journal": (
        "resume",
        lambda study: study.journal.write_text(""),
        ("journal.jsonl: damaged: no study record", ANEW),
    ),
    "no pivots": ("results", lambda study: study.pivots.unlink(), ("pivots.npy: is missing", ANEW)),
    "foreign pivots": (
        "results",
        lambda study: study.pivots.write_bytes(b"x"),
        ("pivots.npy: damaged, not an array of NumPy's", ANEW),
    ),
    "a newer spec": (
        "resume",
        lambda study: study.spec.write_text('{"spec_version": 2}'),
        ("spec_version: must be 1, which this parsl-sa reads; it is 2",),
    ),
}


@pytest.fixture
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], StudyDir]:
    """Return a function that copies a study of the session."""

    def copied(name: str) -> StudyDir:
        return StudyDir(shutil.copytree(request.getfixturevalue(name).root, tmp_path / "copy"))

    return copied


@pytest.mark.parametrize("case", DAMAGES)
def test_damage_is_told_with_its_cure(say: Say, copy: Callable[[str], StudyDir], case: str) -> None:
    command, damage, words = DAMAGES[case]
    study = copy("finished" if case == "results" else "stopped")
    damage(study)
    ended = say(command, str(study.root))
    assert ended.code in {2, 4}
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err


def test_a_finished_study_whose_spec_is_damaged_shows_its_results(
    say: Say, copy: Callable[[str], StudyDir]
) -> None:
    study = copy("finished")
    study.spec.write_text("{")
    ended = say("resume", str(study.root))
    assert ended.code == 0, ended.err
    assert "128 of 128 bundles used" in ended.out


def test_a_report_that_cannot_be_written(say: Say, folder: Path, finished: StudyDir) -> None:
    ended = say("report", str(finished.root), "--to", "spec.json")
    assert (ended.code, ended.err) == (2, "error: --to: spec.json is a file; name a folder\n")
    ended = say("report", str(finished.root), "--to", "/proc/nowhere")
    assert ended.code == 2
    assert "/proc/nowhere: cannot be written" in ended.err
    assert "name another folder with --to" in ended.err


def test_a_file_that_the_system_refuses_is_no_bug(say: Say, copy: Callable[[str], StudyDir]) -> None:
    study = copy("stopped")
    (study.root / "supervisor.lock").unlink(missing_ok=True)
    (study.root / "supervisor.lock").mkdir()
    ended = say("resume", str(study.root))
    assert ended.code == 4
    assert ended.err == f"failed: {study.root / 'supervisor.lock'}: Is a directory\n"


def test_a_terminal_gets_messages_that_are_wrapped_between_words() -> None:
    text = (
        "1 fault\n  n: "
        + "must be one of these words " * 6
        + "/a/path/that/is/longer/than/forty/columns/of/text"
    )
    told = messages.wrapped(text, 40).splitlines()
    assert all(len(line) <= 40 for line in told[:-1])
    assert told[0] == "1 fault"
    assert told[1].startswith("  n: must")
    assert told[2].startswith("    ")
    assert told[-1].strip() == "/a/path/that/is/longer/than/forty/columns/of/text"
