"""The benchmark of coverage runs, judges by a band, and sees an interval that is too narrow."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / "coverage.py"), "--quick", "--json", "--only"]
    done = subprocess.run(
        [*command, "linear", "dependent", "heavy tail"], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_quick_run_has_a_line_for_every_interval_but_those_of_inert_parameters(
    told: dict[str, Any],
) -> None:
    linear = [line for line in told["table"] if (line["case"], line["n"]) == ("linear", 256)]
    assert {line["of"] for line in linear} == {"x1", "x2", "x3", "x1 x2", "x1 x3", "x2 x3"}
    dependent = {line["index"] for line in told["table"] if line["case"] == "dependent"}
    assert dependent == {"S1_full", "ST_independent"}


def test_the_heavy_tail_is_published_and_not_gated(told: dict[str, Any]) -> None:
    heavy = [line for line in told["table"] if line["case"] == "heavy tail"]
    assert heavy
    assert not any(line["gated"] for line in heavy)
    assert told["judged"]["lines"] == len(told["table"]) - len(heavy)


def test_gated_intervals_hold(told: dict[str, Any]) -> None:
    assert told["judged"]["passed"], told["judged"]["outside"]
    assert told["worst"]["coverage"] <= told["best"]["coverage"]


def judging() -> ModuleType:
    spec = spec_from_file_location("judging", BENCHMARKS / "judging.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_interval_that_is_too_narrow_falls_outside() -> None:
    judge = judging().judge
    line = {"case": "a", "gated": True, "kind": "pointwise", "repeats": 2000}
    judged = judge([line | {"covered": 1900}, line | {"covered": 1840}, line | {"covered": 1960}])
    assert [found["outside"] for found in judged["outside"]] == ["under", "over"]
    assert not judged["passed"]
    together = line | {"kind": "simultaneous", "covered": 2000}
    assert judge([together])["passed"]  # on the safe side is where it should be
