"""The benchmark of attribution maps runs, its maps are right, and its ratios are read off the curves."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.requirements import require_module

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / "explain.py"), "--quick", "--json", "--threads", "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_our_maps_are_exact_or_near_a_long_run(told: dict[str, Any]) -> None:
    occlusion, (sobol,) = told["ours"]["occlusion"], told["ours"]["sobol"]
    assert occlusion["error"] < 1e-6
    assert sobol["forwards"] == 256 * (9 + 2)
    # 16 replicates of 16 points: standard errors of some hundredths, of indices that are a ninth on average
    assert told["reference_error"] < sobol["error"] < 0.05
    assert sobol["seconds"] > 0.0
    assert occlusion["seconds"] > 0.0


def test_xplique_is_null_without_its_environment(told: dict[str, Any]) -> None:
    assert told["xplique"] is None
    assert told["vs_xplique"] is None


def test_captum_stands_beside_with_the_same_masks(told: dict[str, Any]) -> None:
    require_module("captum")
    captum = told["captum"]
    assert captum["occlusion"]["error"] < 1e-6
    assert captum["occlusion"]["forwards"] == 9 + 1
    rough, fine = captum["shapley"]
    assert fine["relative_error"] < rough["relative_error"]
    seconds = captum["occlusion"]["seconds"], told["ours"]["occlusion"]["seconds"]
    assert told["vs_captum"] == pytest.approx(seconds[0] / seconds[1])
    assert told["vs_captum_cold"] is None  # not in a quick run
    assert told["vs_captum_shapley"] > 0.0


def timing() -> ModuleType:
    spec = spec_from_file_location("timing", BENCHMARKS / "timing.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_seconds_at_an_error_lie_on_a_line_in_logarithms() -> None:
    curve = [{"seconds": 1.0, "error": 0.1}, {"seconds": 4.0, "error": 0.05}, {"seconds": 9.0, "error": 0.07}]
    seconds_at = timing().seconds_at
    assert seconds_at(curve, 0.1 / math.sqrt(2)) == pytest.approx(2.0)
    assert seconds_at(curve, 0.05) == pytest.approx(4.0)  # more work with a larger error is no price
    assert seconds_at(curve, 0.3) == pytest.approx(1.0)
    other = [{"error": 0.2}, {"error": 0.08}]
    assert timing().common_error(curve, other) == 0.08
