"""A small study that has run, and half of one, without a farm; and a command said in this process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from parsl_sa.cli.main import main
from support.runs import Ended
from support.small_study import run_here, write_study

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parsl_sa.studydir import StudyDir


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyDir:
    """Return a finished study; its spec is beside its directory."""
    base = tmp_path_factory.mktemp("finished")
    return run_here(write_study(base), base / "study")


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> StudyDir:
    """Return a study of which half the leases are done."""
    base = tmp_path_factory.mktemp("stopped")
    return run_here(write_study(base), base / "study", leases=4)


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> StudyDir:
    """Return a study that has a plan, and nothing durable yet."""
    base = tmp_path_factory.mktemp("begun")
    return run_here(write_study(base), base / "study", leases=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with a sound spec, before a terminal of 80 columns."""
    write_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Say a command in this process, which is quicker than in one of its own."""

    def command(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["parsl-sa", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Ended(int(end.value.code or 0), out, err)

    return command
