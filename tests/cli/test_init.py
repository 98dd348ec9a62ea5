"""`parsl-sa init` writes specs that run as they are, and says what it does not know."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.models import evaluator
from parsl_sa.spec import load_spec, resolved
from parsl_sa.study import Results
from support.networks import MAKERS, SOURCE, net
from support.requirements import require_module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.runs import Ended

    Say = Callable[..., Ended]

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, before a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def drafted(say: Say, place: Path) -> Callable[..., tuple[dict[str, Any], str]]:
    """Draft a spec, see that the model takes its inputs, and return it with what was said."""

    def draft(*words: str) -> tuple[dict[str, Any], str]:
        ended = say("init", *words)
        assert ended.code == 0, ended.err
        spec = resolved(load_spec(place / "spec.json"), place)
        width = len(spec.inputs.everything)
        evaluator(**spec.evaluator_plain()).learn(np.full((8, width), 0.5))
        return json.loads((place / "spec.json").read_text()), ended.err

    return draft


Drafted = Any


def write_table(path: Path) -> None:
    """Write a table: two columns that go together, levels, texts, a constant, and a hole."""
    alpha = RNG.normal(3.0, 1.0, 500)
    lines = ["alpha,beta,panels,foil,chord"]
    rows = zip(alpha, alpha + 0.1 * RNG.normal(size=500), RNG.integers(1, 5, 500), strict=True)
    lines += [f"{one:.6f},{two:.6f},{n},e387,1.0" for one, two, n in rows]
    path.write_text("\n".join([*lines, "nan,1,1,e387,1.0", ""]))


def launched(say: Say, place: Path, name: str) -> Results:
    ended = say("launch", "spec.json", "--site", "inline", "--quiet")
    assert ended.code == 0, ended.err
    return Results.open(place / "runs" / f"{name}-001")


@pytest.mark.slow
def test_an_onnx_file_runs_as_drafted(say: Say, drafted: Drafted, place: Path) -> None:
    MAKERS["onnx"](place, "float32")
    plain, said = drafted("net.onnx")
    assert plain["model"] == {"path": "net.onnx"}
    assert [each["name"] for each in plain["inputs"]["parameters"]] == ["x0", "x1", "x2"]
    assert plain["outputs"] == [
        {"name": "y", "select": "y"},
        {"name": "h", "select": "h", "dims": {"cell": 8}},
    ]
    assert "the ranges are placeholders" in said
    results = launched(say, place, "net")
    assert results.attrs["n_used"] == 1024


@pytest.mark.slow
def test_a_table_gives_names_and_ranges(say: Say, drafted: Drafted, place: Path) -> None:
    (place / "net.py").write_text("def lift(x):\n    return x[:, 0] * x[:, 2] + 0 * x[:, 3]\n")
    write_table(place / "data.csv")
    plain, said = drafted("net.py:lift", "--data", "data.csv")
    alpha, beta, panels, chord = plain["inputs"]["parameters"]
    values = np.loadtxt(place / "data.csv", delimiter=",", skiprows=1, usecols=(0,), max_rows=500)
    low, high = np.quantile(values, [0.01, 0.99])
    assert (alpha["name"], alpha["distribution"]) == ("alpha", "uniform")
    np.testing.assert_allclose([alpha["low"], alpha["high"]], [low, high], rtol=1e-5)
    assert beta["name"] == "beta"
    assert panels == {"name": "panels", "distribution": "empirical", "file": "data.csv", "column": "panels"}
    assert chord == {"name": "chord", "distribution": "constant", "value": 1.0}
    for words in ("not numbers: foil", "1 rows of data.csv are not finite", "beta and alpha (1.00)"):
        assert words in said
    results = launched(say, place, "net")
    assert float(results.datasets["y"]["S1"].sel(parameter="panels")) > 0.1


@pytest.mark.slow
def test_an_image_is_masked(say: Say, drafted: Drafted, place: Path) -> None:
    from PIL import Image

    torch.manual_seed(0)
    image = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dims = ({0: torch.export.Dim("batch")},)
        program = torch.export.export(image.eval(), (torch.zeros(4, 3, 8, 8),), dynamic_shapes=dims)
        torch.export.save(program, place / "net.pt2")
    Image.fromarray(RNG.integers(0, 255, (6, 8, 3)).astype(np.uint8)).save(place / "a.png")
    plain, said = drafted("net.pt2", "--data", "a.png")
    assert plain["inputs"]["base"] == {"path": "a.png", "layout": "HWC", "clip": [0.0, 255.0]}
    assert plain["inputs"]["perturbations"] == [{"kind": "mask", "grid": [3, 4]}]
    assert plain["model"]["preprocess"] == {"size": [8, 8], "scale": 1 / 255}
    assert plain["outputs"] == [{"name": "log-odds", "quantity": "log-odds", "target": "predicted"}]
    assert "taken for scores of classes" in said
    assert len(launched(say, place, "net").datasets["log-odds"]["parameter"]) == 12


def test_folders_of_classes_are_labels(drafted: Drafted, place: Path) -> None:
    from PIL import Image

    for name in ("dog/a.png", "cat/b.png"):
        (place / "pets" / name).parent.mkdir(parents=True)
        Image.fromarray(RNG.integers(0, 255, (8, 8, 3)).astype(np.uint8)).save(place / "pets" / name)
    (place / "cnn.py").write_text(
        "import torch\ndef load():\n    torch.manual_seed(0)\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), "
        "torch.nn.Flatten(), torch.nn.Linear(4, 2))\n"
    )
    plain, said = drafted("cnn.py:load", "--data", "pets")
    assert plain["inputs"]["base"]["labels"] == "folders"
    assert plain["model"]["classes"] == ["cat", "dog"]
    assert "the names of the folders" in said


def test_a_folder_and_arrays_of_images(drafted: Drafted, place: Path) -> None:
    from PIL import Image

    (place / "net.py").write_text(
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.c = nn.Conv2d(1, 2, 3)\n"
        "    def forward(self, x):\n        return torch.softmax(self.c(x).mean((2, 3)), 1)\n"
    )
    (place / "many").mkdir()
    for index, sides in enumerate([(12, 10), (9, 11)]):
        Image.fromarray(RNG.integers(0, 255, sides).astype(np.uint8)).save(place / "many" / f"{index}.png")
    plain, _ = drafted("net.py:Net", "--data", "many")
    assert plain["inputs"]["base"]["layout"] == "HW"
    assert plain["model"]["scores"] == "probabilities"
    np.save(place / "grey.npy", RNG.random((6, 8, 8)))
    plain, _ = drafted("net.py:Net", "--data", "grey.npy", "--force")
    assert plain["inputs"]["base"] == {"path": "grey.npy", "layout": "HW", "clip": [0.0, 1.0]}
    assert "preprocess" not in plain["model"] or "scale" not in plain["model"]["preprocess"]
    np.save(place / "one.npy", RNG.random((1, 8, 8)))
    assert drafted("net.py:Net", "--data", "one.npy", "--force")[0]["inputs"]["base"]["layout"] == "CHW"


def test_weights_and_several_inputs(drafted: Drafted, place: Path) -> None:
    (place / "code.py").write_text(SOURCE)
    torch.save(net().state_dict(), place / "net.pt")
    plain, _ = drafted("net.pt", "--architecture", "code.py:Net")
    assert plain["model"] == {"path": "net.pt", "architecture": "code.py:Net"}
    assert len(plain["inputs"]["parameters"]) == 3

    class Two(nn.Module):
        def forward(self, wing: torch.Tensor, wind: torch.Tensor) -> torch.Tensor:
            return wing.sum(1) * wind[:, 0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dim = torch.export.Dim("batch")
        example = (torch.zeros(4, 2), torch.zeros(4, 1))
        program = torch.export.export(Two(), example, dynamic_shapes=({0: dim}, {0: dim}))
        torch.export.save(program, place / "two.pt2")
    plain, _ = drafted("two.pt2", "--force")
    assert plain["inputs"]["template"] == {"wing": ["wing0", "wing1"], "wind": ["wind"]}


def test_an_estimator_names_its_columns_and_classes(drafted: Drafted, place: Path) -> None:
    require_module("sklearn")
    import joblib
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    table = pd.DataFrame(RNG.standard_normal((60, 3)), columns=["c", "a", "b"])
    labels = np.where(table["a"] > 0, "up", "down")
    joblib.dump(LogisticRegression().fit(table[["a", "b"]], labels), place / "net.joblib")
    table.to_csv(place / "data.csv", index=False)
    plain, said = drafted("net.joblib", "--trust", "--data", "data.csv", "--empirical")
    assert [each["column"] for each in plain["inputs"]["parameters"]] == ["a", "b"]
    assert (plain["model"]["classes"], plain["model"]["scores"]) == (["down", "up"], "probabilities")
    assert plain["outputs"] == [{"name": "y", "quantity": "probability"}]
    assert "predict_proba of LogisticRegression is studied" in said


def test_a_function_is_tried_for_its_width(drafted: Drafted, place: Path) -> None:
    (place / "net.py").write_text("def f(x):\n    return {'a': x[:, 4], 'b': x[:, :2]}\n")
    plain, said = drafted("net.py:f")
    assert len(plain["inputs"]["parameters"]) == 5
    assert [each["name"] for each in plain["outputs"]] == ["a", "b"]
    assert "5 is the least number of columns" in said


def test_a_spec_elsewhere_has_paths_from_there(say: Say, place: Path) -> None:
    (place / "net.py").write_text("def f(x):\n    return x[:, 0]\n")
    np.save(place / "data.npy", RNG.random((50, 1)))
    (place / "specs").mkdir()
    ended = say("init", "net.py:f", "--data", "data.npy", "--empirical", "--out", "specs/a.json")
    assert ended.code == 0, ended.err
    plain = json.loads((place / "specs" / "a.json").read_text())
    assert plain["model"]["path"] == "../net.py:f"
    assert plain["inputs"]["parameters"][0]["file"] == "../data.npy"
    assert resolved(load_spec(place / "specs" / "a.json"), place / "specs").model.file == str(
        place / "net.py"
    )


def test_a_spec_is_overwritten_only_by_force(say: Say, place: Path) -> None:
    (place / "net.py").write_text("def f(x):\n    return x[:, 0]\n")
    (place / "spec.json").write_text("mine")
    ended = say("init", "net.py:f")
    assert (ended.code, "spec.json is there already" in ended.err) == (2, True)
    assert (place / "spec.json").read_text() == "mine"
    assert say("init", "net.py:f", "--force").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent.onnx"], "model.path: no file"),
        (["net.py:f", "--data", "absent.csv"], "--data: absent.csv: no such file"),
        (["net.py:f", "--data", "net.py"], "--data: net.py is neither a table"),
        (["net.py:f", "--data", "text.csv"], "--data: text.csv has no rows of finite numbers"),
        (
            ["net.py:Wide", "--data", "one.csv"],
            "--data: one.csv has 1 numeric columns, and the model takes 3",
        ),
        (["net.py:Image"], "--data: is needed: the model takes images of shape (3, 32, 32)"),
        (["net.py:Image", "--data", "one.csv"], "--data: the model takes images, and one.csv holds a table"),
        (["net.py:nothing"], "MODEL: parsl-sa cannot tell what it takes"),
        (["net.py:total"], "MODEL: its output has no tensor with the batch of 7 as its first axis"),
        (["net.py:f", "--out", "nowhere/spec.json"], "--out: there is no folder nowhere"),
    ],
)
def test_what_cannot_be_drafted_is_told(say: Say, place: Path, words: list[str], said: str) -> None:
    (place / "net.py").write_text(
        "import torch\nfrom torch import nn\n"
        "def f(x):\n    return x[:, 0]\n"
        "def Wide():\n    return nn.Linear(3, 1)\n"
        "def Image():\n    return nn.Conv2d(3, 1, 3)\n"
        "def nothing(x):\n    raise ValueError('never')\n"
        "def total(x):\n    return {'sum': torch.sum(x)}\n"
    )
    (place / "text.csv").write_text("a\nb\n")
    (place / "one.csv").write_text("a\n1\n2\n")
    ended = say("init", *words)
    assert ended.code == 2, ended.err
    assert said in ended.err
    assert not (place / "spec.json").exists()
