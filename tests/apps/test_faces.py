"""The faces use case: the port agrees with the package's own network, and finds every face."""

from __future__ import annotations

import ast
import json
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa import Results, Study
from parsl_sa.errors import ModelError
from parsl_sa.models import evaluator, load
from parsl_sa.spec import load_spec
from support.requirements import require_module

if TYPE_CHECKING:
    from types import ModuleType

APP = Path(__file__).parents[2] / "apps" / "faces"
pytestmark = pytest.mark.filterwarnings("ignore::parsl_sa.study.advice.StudyWarning")
SPECS = sorted(APP.glob("*.json"))
MODEL = json.loads((APP / "spec.json").read_text())["model"]


def script(name: str) -> ModuleType:
    spec = spec_from_file_location(f"faces_{name}", APP / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare the patches in a folder of their own."""
    require_module("facenet_pytorch", "skimage")
    folder = tmp_path_factory.mktemp("data")
    script("prepare").main(folder)
    return folder


def small(name: str, data: Path, folder: Path, rows: list[int], n: int) -> Study:
    """Read a spec of the use case for a few patches."""
    plain = json.loads((APP / f"{name}.json").read_text())
    base = plain["inputs"]["base"]
    base |= {"rows": rows} | {
        key: str(data / Path(base[key]).name) for key in ("path", "labels") if key in base
    }
    for one in plain["inputs"]["perturbations"]:
        if "segments" in one:
            one["segments"] = str(data / Path(one["segments"]).name)
    plain["design"]["n"] = n
    plain["model"]["path"] = str(APP / plain["model"]["path"])
    plain["farm"] = {"clients": {"threads": 1}}  # forwards this small gain nothing from more
    path = folder / "spec.json"
    path.write_text(json.dumps(plain))
    return Study.load(path)


def run(study: Study, folder: Path) -> Results:
    return study.launch(folder / "run", site="inline", progress=False)


def the_packages_own() -> torch.nn.Module:
    """Build RNet from the package's source; importing the package would need torchvision."""
    package = find_spec("facenet_pytorch")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent / "models" / "mtcnn.py"
    (written,) = [
        node
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == "RNet"
    ]
    names: dict[str, Any] = {"nn": torch.nn}
    exec(compile(ast.Module([written], []), str(source), "exec"), names)
    net: torch.nn.Module = names["RNet"](pretrained=False)
    weights = torch.load(source.parents[1] / "data" / "rnet.pt", weights_only=True)
    net.load_state_dict(weights)
    return net


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_is_sound(path: Path) -> None:
    assert load_spec(path).name.startswith("faces")


def test_it_agrees_with_the_packages_own_network() -> None:
    require_module("facenet_pytorch")
    patches = torch.as_tensor(np.random.default_rng(0).uniform(-1, 1, (20, 1, 24, 24)), dtype=torch.float32)
    with torch.no_grad():
        _, probabilities = the_packages_own()(patches.expand(-1, 3, -1, -1))
    ours = load(MODEL, APP)(patches).softmax(1)
    np.testing.assert_allclose(ours.numpy(), probabilities.numpy(), rtol=1e-4, atol=1e-6)


def test_every_patch_is_told_right(data: Path, tmp_path: Path) -> None:
    study = small("robustness", data, tmp_path, list(range(200)), 1)
    accuracy = evaluator(**study.spec.evaluator_plain()).clean.accuracy()
    assert accuracy is not None
    assert (accuracy.right, accuracy.count) == (200, 200)


def test_the_weights_are_part_of_provenance() -> None:
    require_module("facenet_pytorch")
    assert [path.name for path in load(MODEL, APP).files] == ["model.py", "rnet.pt"]


def test_the_thirds_are_mirror_images(data: Path) -> None:
    thirds = np.load(data / "thirds.npy")
    np.testing.assert_array_equal(thirds[:, ::-1], 2 - thirds)
    mirrored = np.load(data / "mirrored.npy")
    np.testing.assert_array_equal(mirrored[:100, :, ::-1], mirrored[100:])


def test_an_effect_is_what_covering_does(data: Path, tmp_path: Path) -> None:
    rows = [0, 40, 140]
    found = run(small("halves", data, tmp_path, rows, 1), tmp_path)["face"]
    patches, thirds = np.load(data / "mirrored.npy")[rows], np.load(data / "thirds.npy")
    net = load(MODEL, APP)
    for case, patch in enumerate(patches):
        covered = np.stack([patch, *(np.where(thirds == side, patch.mean(), patch) for side in range(3))])
        resized = torch.nn.functional.interpolate(
            torch.as_tensor(covered)[:, None], size=(24, 24), mode="bilinear", antialias=True
        )
        scores = net((resized * 255 - 127.5) / 128).double().numpy()
        odds = scores[:, 1] - scores[:, 0]
        np.testing.assert_allclose(found["effect"][:, case], odds[0] - odds[1:], atol=1e-3)


def test_the_centre_of_a_face_matters_more_than_its_rim(data: Path, tmp_path: Path) -> None:
    # Over all 100 faces the ratio is about 3.4, over these two 4.3.
    found = run(small("spec", data, tmp_path, [0, 40], 16), tmp_path)["face"]
    total = found["ST_aggregated"].values.reshape(5, 5)
    centre = total[1:-1, 1:-1]
    assert centre.mean() > 1.5 * (total.sum() - centre.sum()) / 16


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install facenet-pytorch==2\.6\.0 --no-deps"):
        load(MODEL, APP)
