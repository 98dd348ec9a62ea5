"""The digits use case: its files are those of its script, its masks tell what they should."""

from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from parsl_sa import Results, Study
from parsl_sa.models import load
from parsl_sa.spec import load_spec
from support.requirements import require_module

if TYPE_CHECKING:
    from types import ModuleType

APP = Path(__file__).parents[2] / "apps" / "digits"
pytestmark = pytest.mark.filterwarnings("ignore::parsl_sa.study.advice.StudyWarning")
SPECS = sorted(APP.glob("*.json"))
MODEL = json.loads((APP / "spec.json").read_text())["model"]
IMAGES = np.load(APP / "held_out.npy")
LABELS = np.loadtxt(APP / "labels.txt", dtype=int)
N_WRONG = 50
ROWS = (0, 100, 500)


def script(name: str) -> ModuleType:
    spec = spec_from_file_location(f"digits_{name}", APP / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def log_odds(images: np.ndarray) -> np.ndarray:
    """Evaluate the network without the study's own preprocessing; shape (n, 10), logits."""
    scores = load(MODEL, APP)(torch.as_tensor(images, dtype=torch.float32)[:, None] / 16)
    return scores.double().numpy()


def small(name: str, folder: Path, **changes: object) -> Results:
    """Run a spec of the use case with a few images."""
    plain = json.loads((APP / f"{name}.json").read_text())
    plain["inputs"]["base"]["rows"] = list(ROWS)
    plain["design"] |= changes
    for part in ("path", "labels"):
        plain["inputs"]["base"][part] = str(APP / plain["inputs"]["base"][part])
    model = plain["model"]
    model["path"], model["architecture"] = str(APP / model["path"]), str(APP / model["architecture"])
    plain["farm"] = {"clients": {"threads": 1}}  # forwards this small gain nothing from more
    path = folder / "spec.json"
    path.write_text(json.dumps(plain))
    return Study.load(path).launch(folder / "run", site="inline", progress=False)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_is_sound(path: Path) -> None:
    assert load_spec(path).name.startswith("digits")


def test_the_wrong_ones_come_first() -> None:
    right = log_odds(IMAGES).argmax(1) == LABELS
    assert right.tolist() == [False] * N_WRONG + [True] * (len(IMAGES) - N_WRONG)


def test_the_images_are_the_second_half_of_scikit_learns() -> None:
    require_module("sklearn")
    train = script("train")
    images, labels = train.digits()
    held_out = zip(images[train.N_TRAIN :], labels[train.N_TRAIN :], strict=True)
    assert sorted((image.tobytes(), int(label)) for image, label in held_out) == sorted(
        (image.tobytes(), int(label)) for image, label in zip(IMAGES, LABELS, strict=True)
    )


def test_training_again_reads_nearly_as_well(tmp_path: Path) -> None:
    # A fifth of the epochs, for time. The last bits depend on the processor, so the bound is a wide one.
    require_module("sklearn")
    train = script("train")
    threads = torch.get_num_threads()
    train.main(tmp_path, epochs=8)
    assert torch.get_num_threads() == threads
    weights = torch.load(tmp_path / "weights.pt", weights_only=True)
    net = train.network()
    net.load_state_dict(weights)
    images, labels = np.load(tmp_path / "held_out.npy"), np.loadtxt(tmp_path / "labels.txt", dtype=int)
    wrong = train.predict(net, images) != labels
    assert 30 < wrong.sum() < 110
    assert wrong[: wrong.sum()].all()


def test_an_effect_is_the_margin_lost_without_the_pixel(tmp_path: Path) -> None:
    margin = small("occlusion", tmp_path, n=1)["margin"]
    for case, row in enumerate(ROWS):
        blanked = np.repeat(IMAGES[row][None], 65, 0)
        blanked[1 + np.arange(64), np.arange(64) // 8, np.arange(64) % 8] = 0
        scores = log_odds(blanked)
        label = LABELS[row]
        margins = scores[:, label] - np.delete(scores, label, 1).max(1)
        np.testing.assert_allclose(margin["effect"][:, case], margins[0] - margins[1:], atol=1e-4)
        assert (margin["mean"].values[case] < 0) == (row < N_WRONG)


def test_blocks_without_ink_have_no_share(tmp_path: Path) -> None:
    read = small("spec", tmp_path, n=16)["read"]
    assert (read["label"].values == read["predicted"].values).tolist() == [False, True, True]
    ink = IMAGES[list(ROWS)].reshape(3, 4, 2, 4, 2).sum((2, 4)).reshape(3, 16).T
    assert (read["ST"].values[ink == 0] == 0).all()
    assert (read["ST"].values[ink > 40] > 1e-4).all()
