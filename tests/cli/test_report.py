from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from parsl_sa import Results
from parsl_sa.cli.main import app
from parsl_sa.records import Quantity
from parsl_sa.results import schema, store
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def study(tmp_path: Path) -> StudyDir:
    """A finished study, as far as its results go."""
    made = StudyDir(tmp_path / "study")
    made.create()
    made.spec.write_text("{}")
    values: dict[str, Any] = {"mean": np.array([1.0]), "variance": np.array([2.0])}
    values |= {"S1": np.array([[0.6], [0.1]]), "ST": np.array([[0.8], [0.3]])}
    attrs = {
        "name": "wing",
        "n_planned": 64,
        "n_used": 64,
        "n_replicates": 1,
        "finished": True,
        "dropped": [],
    }
    store.write(made.results, {"CL": schema.dataset(Quantity("CL"), ["alpha", "Re"], values)}, attrs)
    made.status.write_text(json.dumps({"other_bits": 3}))
    return made


def test_the_command_writes_the_page_and_names_it(study: StudyDir) -> None:
    done = CliRunner().invoke(app, ["report", str(study.root)])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"report: {study.root / 'report' / 'index.html'}\n"
    page = (study.report / "index.html").read_text(encoding="utf-8")
    assert "<h1>wing</h1>" in page
    assert "3 leases computed a second time" in page


def test_the_page_goes_where_it_is_asked_to(study: StudyDir, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(study.root), "--to", str(tmp_path / "else")])
    assert done.stdout == f"report: {tmp_path / 'else' / 'index.html'}\n"
    assert (tmp_path / "else" / "indices.csv").is_file()
    assert not study.report.exists()


def test_results_write_it_too(study: StudyDir) -> None:
    assert Results.open(study.root).report() == study.report / "index.html"


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert done.exit_code != 0
    assert not (tmp_path / "report").exists()
