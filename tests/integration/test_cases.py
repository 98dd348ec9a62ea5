"""Many labelled base inputs on a farm: effects with the bits of one process, and the exact answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa.study import Study

if TYPE_CHECKING:
    from pathlib import Path

N_CASES, D = 40, 3
ROWS = np.random.default_rng(6).normal(size=(N_CASES, D))
WEIGHTS = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]])
MODEL = f"""
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor({WEIGHTS.tolist()}, dtype=torch.float64))

    def forward(self, x):
        return x @ self.weight.T
"""


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.timeout(300)
def test_a_farms_effects_of_many_inputs_are_those_of_one_process(tmp_path: Path) -> None:
    right = (ROWS @ WEIGHTS.T).argmax(1)
    (tmp_path / "model.py").write_text(MODEL)
    np.save(tmp_path / "rows.npy", ROWS)
    (tmp_path / "labels.txt").write_text("\n".join(["no", "yes"][code] for code in right))
    plain: dict[str, Any] = {
        "spec_version": 1,
        "name": "cases",
        "model": {"path": "model.py:Net", "classes": ["no", "yes"]},
        "inputs": {
            "base": {"path": "rows.npy", "layout": "F", "labels": "labels.txt"},
            "parameters": [{"name": "offset", "distribution": "normal", "mean": 0.0, "sd": 0.2}],
            "perturbations": [
                {"kind": "brightness", "offset": "offset"},
                {"kind": "mask", "grid": [D], "baseline": 0.5, "distribution": "switch"},
            ],
        },
        "design": {"method": "one-at-a-time", "n": 64},
        "outputs": [{"name": "yes", "quantity": "log-odds", "target": "yes"}],
        "farm": {"clients": {"ranks": 2}},
    }
    (tmp_path / "spec.json").write_text(json.dumps(plain))
    study = Study.load(tmp_path / "spec.json")
    farm = study.launch(tmp_path / "farm", progress=False)
    here = study.launch(
        tmp_path / "here", plan=tmp_path / "farm" / "plan.json", site="inline", progress=False
    )
    for variable in farm["yes"].data_vars:
        assert farm["yes"][variable].values.tobytes() == here["yes"][variable].values.tobytes(), variable
    # a cell taken away becomes 0.5, and the offset, which is 0 on average, goes with it
    effect = farm["yes"]["effect"].sel(parameter=[f"mask[{i}]" for i in range(D)])
    exact = (ROWS - 0.5).T * WEIGHTS[1][:, None]
    # three half-widths of 95 % are 5.9 standard errors
    assert (
        np.abs(effect.values - exact) <= 3 * farm["yes"]["effect_conf"].sel(parameter=effect.parameter)
    ).all()
    for found in (farm, here):
        assert found["yes"]["label"].values.tolist() == found["yes"]["predicted"].values.tolist()
