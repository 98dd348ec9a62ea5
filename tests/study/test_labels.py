"""Base inputs with labels: accuracy, targets by label and prediction, and what results say of each case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa import Study
from parsl_sa.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

N_CASES = 24
CLASSES = ["low", "high"]
ROWS = np.random.default_rng(2).normal(size=(N_CASES, 3))
WEIGHTS = torch.tensor([[1.0, -1.0, 0.5], [-1.0, 0.5, 2.0]], dtype=torch.float64)
TRUE = (ROWS @ WEIGHTS.numpy().T).argmax(1)


class TwoClasses(torch.nn.Module):
    """Logits that are linear in the features."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(WEIGHTS.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight.T


def study(folder: Path, labels: Any, **changes: Any) -> Study:
    np.save(folder / "rows.npy", ROWS)
    (folder / "labels.txt").write_text("\n".join(map(str, labels)))
    inputs = {
        "base": {
            "path": str(folder / "rows.npy"), "layout": "F", "labels": str(folder / "labels.txt"),
            **changes.pop("base", {}),
        },
        "perturbations": [{"kind": "mask", "grid": [3], "baseline": "zero"}],
    }  # fmt: skip
    entries = changes.pop("outputs", [{"name": "z", "quantity": "logit", "target": "label"}])
    model = {"classes": CLASSES, **changes.pop("model", {})}
    return Study.from_function(
        TwoClasses(), inputs, n=128, outputs=entries, model=model, design={"replicates": 8}, **changes
    )


def named(codes: Any) -> list[str]:
    return [CLASSES[code] for code in codes]


def test_results_name_label_and_prediction_of_every_case(tmp_path: Path) -> None:
    labels = TRUE.copy()
    labels[:3] = 1 - labels[:3]
    made = study(tmp_path, named(labels))
    assert made.check()["notes"][0] == "the model is right about 21 of 24 base inputs (87.5 %)"
    found = made.launch(tmp_path / "run", progress=False)["z"]
    assert found["label"].values.tolist() == named(labels)
    assert found["predicted"].values.tolist() == named(TRUE)
    wrong = found["label"] != found["predicted"]
    assert found["case"].values[wrong].tolist() == [0, 1, 2]


def test_a_plan_that_is_used_again_brings_what_is_known_of_the_cases(tmp_path: Path) -> None:
    made = study(tmp_path, named(TRUE))
    first = made.launch(tmp_path / "run", progress=False)["z"]
    again = made.launch(tmp_path / "again", plan=tmp_path / "run" / "plan.json", progress=False)["z"]
    assert again["predicted"].values.tolist() == first["predicted"].values.tolist() == named(TRUE)


@pytest.mark.parametrize("target", ["label", "predicted", "high"])
def test_the_target_is_that_of_the_case(tmp_path: Path, target: str) -> None:
    labels = TRUE.copy()
    labels[5] = 1 - labels[5]
    entries = [{"name": "z", "quantity": "logit", "target": target}]
    found = study(tmp_path, labels, outputs=entries).launch(tmp_path / "run", progress=False)["z"]
    asked = {"label": labels, "predicted": TRUE, "high": np.ones(N_CASES, int)}[target]
    # masks of zeros of a linear score: shares are those of the squared terms
    squares = (ROWS * WEIGHTS.numpy()[asked]).T ** 2
    exact = squares / squares.sum(0)
    error = np.abs(found["ST"].values - exact)
    assert (error < 3 * found["ST_conf"].values + 1e-3).all()


def test_a_model_that_guesses_is_refused(tmp_path: Path) -> None:
    guessed = TRUE.copy()
    guessed[::2] = 1 - guessed[::2]
    with pytest.raises(SpecError) as caught:
        study(tmp_path, guessed).check()
    (fault,) = caught.value.faults
    assert fault.place == "inputs.base.labels"
    assert "right about 12 of 24" in fault.message
    assert "model.preprocess" in fault.message


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            ["low"] * 23 + ["medium"],
            "row 23 has the label 'medium', which is no class; the classes are low, high",
        ),
        ([0] * 23 + [2], "row 23 has the label 2; the network has 2 classes"),
    ],
)
def test_labels_out_of_range_are_named(tmp_path: Path, labels: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        study(tmp_path, labels).check()
    (fault,) = caught.value.faults
    assert (fault.place, said in fault.message) == ("inputs.base.labels", True), fault.message


def test_a_prediction_needs_the_base_input_alone(tmp_path: Path) -> None:
    entries = [{"name": "z", "quantity": "logit", "target": "predicted"}]
    parameters = [{"name": "a", "distribution": "uniform", "low": 0.0, "high": 1.0}]
    with pytest.raises(SpecError, match=r"outputs\[0\].target: is the class of the unperturbed"):
        Study.from_function(TwoClasses(), parameters, n=128, outputs=entries).check()


def test_inputs_that_were_chosen_wrong_are_allowed(tmp_path: Path) -> None:
    made = study(tmp_path, named(1 - TRUE), base={"chosen_wrong": True})
    assert made.check()["notes"][0] == "the model is right about 0 of 24 base inputs (0 %)"


def test_classes_called_by_numbers_are_meant_by_name(tmp_path: Path) -> None:
    found = study(tmp_path, [code + 1 for code in TRUE], model={"classes": ["1", "2"]}).check()
    assert found["notes"][0] == "the model is right about 24 of 24 base inputs (100 %)"


def test_a_wrong_shape_is_told_as_ever_where_a_prediction_is_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.ones((4, 5)))
    inputs = {
        "base": {"path": str(tmp_path / "rows.npy"), "layout": "F"},
        "perturbations": [{"kind": "mask", "grid": [5], "baseline": "zero"}],
    }
    entries = [{"name": "z", "quantity": "logit", "target": "predicted"}]
    with pytest.raises(SpecError) as caught:
        Study.from_function(TwoClasses(), inputs, n=128, outputs=entries, design={"replicates": 8}).check()
    assert caught.value.faults[0].place == "model"
    assert "check the shapes" in caught.value.faults[0].message


def test_two_heads_have_no_one_prediction(tmp_path: Path) -> None:
    entries = [
        {"name": name, "select": name, "quantity": "margin", "target": "predicted"} for name in ("a", "b")
    ]
    with pytest.raises(SpecError, match=r"outputs\[1\]\.target: the class is predicted by the scores of 'a'"):
        study(tmp_path, TRUE, outputs=entries, model={"classes": CLASSES}).check()


def test_a_regression_has_no_predicted_class(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ROWS)
    inputs = {
        "base": {"path": str(tmp_path / "rows.npy"), "layout": "F"},
        "perturbations": [{"kind": "mask", "grid": [3], "baseline": "zero"}],
    }
    made = Study.from_function(TwoClasses(), inputs, n=128, design={"replicates": 8})
    found = made.launch(tmp_path / "run", progress=False)["y"]
    assert "predicted" not in found.coords
