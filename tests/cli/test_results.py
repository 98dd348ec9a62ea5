"""What `results` prints of studies that are finished, stopped, or have nothing durable yet."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from parsl_sa import Results

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parsl_sa.studydir import StudyDir
    from support.runs import Ended

SCALARS = ["mean", "mean_conf", "mean_low", "mean_high", "variance", "minimum", "maximum"]
INDICES = [f"{index}{bound}" for index in ("S1", "ST") for bound in ("", "_conf", "_low", "_high")]


def test_json_has_the_promised_shape(say: Callable[..., Ended], finished: StudyDir) -> None:
    ended = say("results", str(finished.root), "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("\n") == 1
    told = json.loads(ended.out, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
    assert list(told) == ["name", "n_planned", "n_used", "dropped", "outputs"]
    assert (told["name"], told["n_planned"], told["n_used"], told["dropped"]) == ("wing", 128, 128, 0)
    assert list(told["outputs"]) == ["CL", "cp"]
    lift, field = told["outputs"]["CL"], told["outputs"]["cp"]
    for name in SCALARS:
        assert isinstance(lift[name], float), name
        assert set(field[name]) == {"min", "median", "max"}, name
    for name in INDICES:
        assert list(lift[name]) == list(field[name]) == ["alpha", "mach"], name
        assert all(isinstance(value, float) for value in lift[name].values()), name
        assert set(field[name]["alpha"]) == {"min", "median", "max", "aggregated"}, name
    assert lift["undefined"] == {"alpha": False, "mach": False}
    assert field["undefined"]["mach"] == {"cells": 0, "of": 3}


def test_the_numbers_are_those_of_the_formula(say: Callable[..., Ended], finished: StudyDir) -> None:
    """CL = alpha + mach / 10: variances 1/12 and 1/100, nothing shared."""
    lift = json.loads(say("results", str(finished.root), "--json").out)["outputs"]["CL"]
    exact = {"alpha": (1 / 12) / (1 / 12 + 1 / 100), "mach": (1 / 100) / (1 / 12 + 1 / 100)}
    for index in ("S1", "ST"):
        for name, value in exact.items():
            # Four intervals of 95 % from 8 replicates; twice the half-width of t(7) leaves 0.2 % each.
            assert abs(lift[index][name] - value) < 2 * lift[f"{index}_conf"][name]


def test_csv_is_a_table_for_programs(say: Callable[..., Ended], finished: StudyDir) -> None:
    ended = say("results", str(finished.root), "--csv")
    assert (ended.code, ended.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert {(row["output"], row["parameter"]) for row in rows} == {
        (output, parameter) for output in ("CL", "cp") for parameter in ("", "alpha", "mach")
    }
    (alpha,) = [row for row in rows if (row["output"], row["parameter"]) == ("CL", "alpha")]
    told = json.loads(say("results", str(finished.root), "--json").out)
    assert float(alpha["ST"]) == told["outputs"]["CL"]["ST"]["alpha"]


def test_the_table_fits_80_columns(say: Callable[..., Ended], folder: Path, finished: StudyDir) -> None:
    ended = say("results", str(finished.root))
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("wing · 128 of 128 bundles used")
    assert sum("alpha" in line for line in lines) >= 2


def test_a_stopped_study_shows_its_newest_checkpoint(say: Callable[..., Ended], stopped: StudyDir) -> None:
    ended = say("results", str(stopped.root), "--json")
    assert ended.code == 0
    assert ended.err == "unfinished: n = 64 of 128, as of the last checkpoint\n"
    told = json.loads(ended.out)
    assert (told["n_used"], told["n_planned"]) == (64, 128)
    assert told["outputs"]["CL"]["mean"] == pytest.approx(0.5, abs=0.1)
    assert told["outputs"]["CL"]["S1_conf"] == {"alpha": None, "mach": None}  # of 4 replicates only
    assert not stopped.results.exists()
    assert Results.open(stopped.root).attrs["finished"] is False


def test_a_study_without_a_checkpoint_has_no_results_yet(say: Callable[..., Ended], begun: StudyDir) -> None:
    ended = say("results", str(begun.root))
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == (
        f"failed: {begun.root}: no checkpoint yet, so no results; "
        f"wait, or go on with: parsl-sa resume {begun.root}\n"
    )


def test_json_and_csv_exclude_each_other(say: Callable[..., Ended], finished: StudyDir) -> None:
    ended = say("results", str(finished.root), "--json", "--csv")
    assert (ended.code, ended.out, ended.err) == (2, "", "error: --json: excludes --csv; give one of them\n")
