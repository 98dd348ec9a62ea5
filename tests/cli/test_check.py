"""What `check` says of a sound spec."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from parsl_sa.cli.check import describe, report
from support.runs import called
from support.small_study import MODEL, edited, write_study

if TYPE_CHECKING:
    from pathlib import Path

TOLD: dict[str, Any] = {
    "name": "wing",
    "site": "local",
    "parameters": 23,
    "factors": 23,
    "groups": {},
    "conditional": False,
    "outputs": {"CL": {}, "theta": {"side": 2, "x": 32}},
    "cells": 65,
    "masked": {"theta": 3},
    "n": 4096,
    "rows": 48,
    "replicates": 16,
    "forwards": 196_608,
    "lease_bundles": 128,
    "leases": 32,
    "batch": 64,
    "clients": 3,
    "ranks": 2,
    "threads": 1,
    "client_memory_bytes": 793_000_000,
    "reducer_memory_bytes": 150_400_000,
    "results_memory_bytes": 201_000_000,
    "checkpoint_disk_bytes": 1_900_000,
    "lease_s": 1.04,
    "duration_s": 3700.0,
    "start_s": 10.0,
    "inline_s": 22200.0,
    "recommended_site": "local",
    "cases": 1,
    "warnings": [],
    "notes": [],
}


def test_the_figures_in_words() -> None:
    assert dict(describe(TOLD)) == {
        "inputs": "23 uncertain parameters",
        "outputs": "CL, theta (side 2, x 32), 65 cells together",
        "masked": "3 cells of theta, finite for no probed input: their statistics will be NaN",
        "design": "n = 4,096 bundles of 48 rows, in 16 replicates",
        "forwards": "196,608, in batches of 64",
        "leases": "32 of 128 bundles, 1 s each",
        "clients": "3 of 2 ranks, each about 793 MB of memory",
        "reducer": "about 150 MB of memory",
        "results": "about 201 MB of memory, in the end",
        "checkpoints": "1.9 MB on disk",
        "estimated time": "1 h 2 min, and about 10 s to start",
    }


def test_base_inputs_are_counted_and_notes_stand_with_them() -> None:
    told = {**TOLD, "cases": 1797, "notes": ["the model is right about 1,741 of 1,797 base inputs (96.9 %)"]}
    lines = dict(describe(told))
    assert lines["inputs"] == "23 uncertain parameters, each row for 1,797 base inputs"
    assert lines["noted"] == told["notes"][0]


def test_a_short_study_is_told_so_with_the_better_site() -> None:
    short = {"duration_s": 0.01, "inline_s": 2.4, "recommended_site": "inline"}
    lines = dict(describe({**TOLD, **short, "clients": 1, "ranks": 1, "parameters": 1}))
    assert lines["inputs"] == "1 uncertain parameter"
    assert lines["clients"] == "1 of 1 rank, about 793 MB of memory"
    assert lines["estimated time"] == "1 s, and about 10 s to start"
    assert lines["advice"] == "shorter than the start of its farm; --site inline takes about 2 s"


def test_a_study_in_one_process_has_no_clients() -> None:
    alone = {"site": "inline", "recommended_site": "inline", "start_s": 0.0, "duration_s": 4.2}
    lines = dict(describe({**TOLD, **alone, "threads": 2}))
    assert lines["process"] == "this one, with 2 threads, about 793 MB of memory"
    assert lines["estimated time"] == "4 s"
    assert not {"clients", "reducer", "advice"} & set(lines)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_report_fits(width: int) -> None:
    many = {f"output-{i}": {"x": 100} for i in range(60)}
    console = Console(width=width, file=io.StringIO())
    console.print(report({**TOLD, "outputs": many}))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "output-59" in "".join(line.replace(" ", "") for line in lines)


@pytest.mark.slow
def test_json_holds_what_a_program_needs(tmp_path: Path) -> None:
    ended = called("check", str(write_study(tmp_path)), "--json", "--ranks", "2")
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(ended.out)
    assert list(told) == list(TOLD)
    assert told["outputs"] == {"CL": {}, "cp": {"x": 3}}
    assert (told["n"], told["rows"], told["forwards"], told["replicates"]) == (128, 4, 512, 8)
    assert told["leases"] * told["lease_bundles"] == 128
    assert (told["clients"], told["ranks"]) == (1, 2)
    # A process with torch in it is no smaller; the statistics of four cells are nothing beside it.
    assert 2 * 100e6 < told["client_memory_bytes"] < 2 * 4e9
    assert 0 < told["checkpoint_disk_bytes"] < 1e5
    assert 0 < told["duration_s"] < 60
    assert told["recommended_site"] == "inline"
    assert told["warnings"] == []
    assert [path.name for path in tmp_path.iterdir() if path.name != "__pycache__"] == [
        "model.py",
        "spec.json",
    ]


@pytest.mark.slow
def test_warnings_stand_on_standard_error_and_in_json(tmp_path: Path) -> None:
    holes = MODEL.replace("lift = x[:, 0]", "lift = torch.where(x[:, 0] > 0.5, torch.nan, x[:, 0])")
    spec = write_study(tmp_path, edited(("design.n", 100)), holes)
    ended = called("check", str(spec), "--json")
    assert ended.code == 0, ended.err
    warnings = json.loads(ended.out)["warnings"]
    assert ended.err.splitlines() == [f"warning: {warning}" for warning in warnings]
    rounded, *_, lift, field = warnings
    assert rounded.startswith("design.n: 100 is rounded up to 112")
    assert lift.startswith("outputs[0]: 'CL' is not finite for 16 of 32 probed inputs, so about 94 % of the")
    assert "stop.max_dropped_fraction" in lift
    assert field.startswith("outputs[1]: 'cp' is not finite")
