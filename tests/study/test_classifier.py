"""Whole studies of a classifier, inline: names of classes in what comes out, and what refuses to go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from parsl_sa import Study
from parsl_sa.client.workload import Workload
from parsl_sa.errors import SpecError, StudyError
from parsl_sa.report.tables import quantity_view
from parsl_sa.spec import load_spec
from parsl_sa.study import StudyWarning
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from pathlib import Path

PETS = ["cat", "dog", "eel"]
UNIFORM = [{"name": name, "distribution": "uniform", "low": 0.0, "high": 1.0} for name in ("a", "b")]
SHARE = 9.0 / (9.0 + 1.0)  # of a in the variance of 3 a - b

MODEL = """\
import torch

def load():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
"""
SPEC = {
    "spec_version": 1,
    "name": "pets",
    "model": {"loader": "python", "path": "model.py:load", "classes": "classes.txt"},
    "inputs": {"parameters": UNIFORM},
    "design": {"n": 256},
    "outputs": [
        {"name": "odds", "quantity": "log-odds"},
        {"name": "doubt", "quantity": "entropy"},
        {"name": "hidden", "layer": "1", "reduce": "norm"},
        {"name": "spread", "function": "post.py:spread"},
    ],
    "farm": {"site": "inline"},
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `runs/` be made in the test's folder."""
    monkeypatch.chdir(tmp_path)


def linear(bias: list[float]) -> nn.Linear:
    """Logits of three classes whose first is ahead of the others by 3 a - b and a constant."""
    net = nn.Linear(2, 3, dtype=torch.float64)
    with torch.no_grad():
        net.weight[:] = torch.tensor([[3.0, -1.0], [0.0, 0.0], [0.0, 0.0]])
        net.bias[:] = torch.tensor(bias)
    return net


def study_of(net: nn.Module, *outputs: dict[str, Any], **model: Any) -> Study:
    return Study.from_function(net, UNIFORM, n=1024, outputs=outputs, model={"classes": PETS, **model})


def test_where_the_network_is_sure_log_odds_have_indices_and_probabilities_none() -> None:
    study = study_of(
        linear([900.0, 0.0, 0.0]),
        {"name": "p", "quantity": "probability", "target": "cat"},
        {"name": "odds", "quantity": "log-odds", "target": "cat"},
        {"name": "margin", "quantity": "margin", "target": "cat"},
    )
    with pytest.warns(StudyWarning, match="'p' is the same for all"):
        results = study.launch(progress=False)
    assert np.isnan(results["p"]["S1"]).all()
    assert results["p"]["undefined"].all()
    for name in ("odds", "margin"):
        S1, conf = results[name]["S1"], results[name]["S1_conf"]
        assert (abs(S1 - [SHARE, 1 - SHARE]) < 2 * conf + 1e-9).all()
        assert float(results[name]["mean"]) == pytest.approx(
            901.0 - (np.log(2) if name == "odds" else 0.0), abs=0.01
        )


def test_classes_have_their_names_in_tables_json_and_data(tmp_path: Path) -> None:
    results = study_of(linear([0.0, 0.5, -0.5]), {"name": "p", "quantity": "probability"}).launch(
        tmp_path / "study", progress=False
    )
    p = results["p"]
    assert p["class"].values.tolist() == PETS
    assert float(p["mean"].sum()) == pytest.approx(1.0, abs=1e-12)
    told = results.to_json()["outputs"]["p"]
    assert told["mean"]["class"] == pytest.approx(dict(zip(PETS, p["mean"].values, strict=True)))
    assert set(told["ST"]["a"]["class"]) == set(PETS)
    console = Console(width=80, color_system=None)
    with console.capture() as shown:
        console.print(quantity_view("p", p))
    first = [line.split()[0] for line in shown.get().splitlines() if line.split()]
    assert [word for word in first if word in PETS] == PETS


def test_scores_that_look_like_probabilities_are_told_before_a_study() -> None:
    study = study_of(nn.Sequential(linear([0.0] * 3), nn.Softmax(1)), {"name": "m", "quantity": "margin"})
    with pytest.warns(StudyWarning, match="model.scores: 'm': the probed scores all lie between 0 and 1"):
        study.check()


@pytest.mark.parametrize(
    ("output", "model", "place", "words"),
    [
        ({"quantity": "margin"}, {"classes": PETS[:2]}, "model.classes", "2 names, .* scores of 3 classes"),
        ({"quantity": "margin"}, {"scores": "probabilities"}, "model.scores", "outside 0 to 1"),
        ({"quantity": "margin", "target": "fox"}, {}, "outputs[0].target", "there are cat, dog, eel"),
        ({"layer": "fc"}, {}, "outputs[0].layer", "no layer 'fc'"),
    ],
)
def test_faults_are_told_before_a_study(
    output: dict[str, Any], model: dict[str, Any], place: str, words: str
) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        study_of(linear([0.0, 30.0, 0.0]), {"name": "m", **output}, **model).check()
    assert [fault.place for fault in caught.value.faults] == [place]


def test_a_function_is_part_of_the_study_and_its_file_must_stay(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "classes.txt").write_text("\n".join(PETS))
    (tmp_path / "post.py").write_text("def spread(y):\n    return y.amax(1) - y.amin(1)\n")
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    study = Study.load(tmp_path / "spec.json")
    results = study.launch(tmp_path / "study", progress=False)
    assert {"model.py", "post.py"} <= set(results.attrs["model_hashes"])
    assert results["odds"]["class"].values.tolist() == PETS
    assert (results["doubt"].attrs["unit"], results["odds"].attrs["unit"]) == ("nat", "")
    hidden = np.sqrt(4)
    assert 0.0 < float(results["hidden"]["mean"]) < hidden
    # The names are kept by the study, the function is not.
    (tmp_path / "classes.txt").unlink()
    (tmp_path / "post.py").write_text("def spread(y):\n    return y.amax(1)\n")
    assert refusal(tmp_path / "study") == "post.py"


def refusal(directory: Path) -> str:
    """Return the file that a client of this study finds changed."""
    there = StudyDir(directory)
    with pytest.raises(StudyError, match="changed since the plan was frozen") as caught:
        Workload(load_spec(there.spec), there.read_plan(), there.read_pivots())
    return str(caught.value).rpartition(": ")[2]
