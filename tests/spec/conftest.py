from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

AIRFOIL: dict[str, Any] = {
    "spec_version": 1,
    "name": "airfoil",
    "model": {"loader": "python", "path": "model.py:load", "options": {"size": "large"}},
    "inputs": {
        "parameters": [
            {"name": "alpha", "distribution": "normal", "mean": 3.0, "sd": 0.5, "unit": "deg"},
            {"name": "Re", "distribution": "loguniform", "low": 5e5, "high": 5e6},
            {"name": "mach", "distribution": "uniform", "low": 0, "high": 0.3},
            {"name": "gap", "distribution": "truncated-normal", "mean": 0.0, "sd": 1.0, "low": -2.0},
            {"name": "roughness", "distribution": "lognormal", "mean_log": -3.0, "sd_log": 0.4},
            {"name": "camber", "distribution": "triangular", "low": 0.0, "mode": 0.02, "high": 0.04},
            {"name": "panels", "distribution": "integer", "low": 8, "high": 12},
            {"name": "foil", "distribution": "choice", "values": [1.0, 2.0], "weights": [3.0, 1.0]},
            {"name": "chord", "distribution": "constant", "value": 1},
        ]
    },
    "design": {"method": "pick-freeze", "sequence": "sobol", "n": 4096, "both_ways": True, "seed": 0},
    "outputs": [
        {"name": "CL", "select": "CL"},
        {"name": "theta", "select": "boundary_layer.theta", "dims": {"side": 2, "x": 32}, "unit": "m"},
    ],
    "statistics": [
        "moments",
        "extrema",
        {"name": "sobol", "estimator": "azzini-rosati", "level": 0.9},
    ],
    "farm": {"site": "local", "clients": {"ranks": 2}, "reducer": {"shards": 1, "checkpoint_s": 60}},
    "stop": {"budget": {"seconds": 3600}},
}


@pytest.fixture
def airfoil() -> dict[str, Any]:
    """A sound spec that uses every section and every distribution."""
    return copy.deepcopy(AIRFOIL)


@pytest.fixture
def edited(airfoil: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return the sound spec after some edits, each a dotted place and its new value; `...` removes it."""

    def edit(*edits: tuple[str, Any]) -> dict[str, Any]:
        for place, value in edits:
            *parents, last = place.split(".")
            here: Any = airfoil
            for step in parents:
                here = here[int(step)] if isinstance(here, list) else here[step]
            key: Any = int(last) if isinstance(here, list) else last
            if value is ...:
                del here[key]
            elif isinstance(here, list) and key == len(here):
                here.append(value)
            else:
                here[key] = value
        return airfoil

    return edit
