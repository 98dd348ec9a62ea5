"""The tokamak use case: the makers' own numbers, their ranges, and SALib on the same network."""

from __future__ import annotations

import ast
import json
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa import Study
from parsl_sa.errors import ModelError
from parsl_sa.models import load
from parsl_sa.spec import load_spec, resolved
from support.requirements import require_module

if TYPE_CHECKING:
    from types import ModuleType

    from parsl_sa.spec import StudySpec

APP = Path(__file__).parents[2] / "apps" / "tokamak"
SPECS = ("spec.json", "spec-point.json", "spec-cluster.json")
TARGETS = (
    *("itgleading", "itgqediv", "temleading", "temqidiv", "tempfediv", "etgleading", "itgpfediv"),
    "gamma_max",
)
"""What the columns of the makers' test data are, as their weights name them."""


def shipped() -> Path:
    """Return the folder of the makers' weights and test data."""
    require_module("fusion_surrogates", "onnxruntime")
    package = find_spec("fusion_surrogates")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "qlknn" / "models"


def script() -> ModuleType:
    spec = spec_from_file_location("tokamak_model", APP / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(name: str = "spec.json") -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((APP / name).read_text())
    return spec


def read(name: str) -> StudySpec:
    return resolved(load_spec(APP / name), APP)


def test_it_gives_the_makers_own_test_data() -> None:
    """25 inputs and the targets that the package compares its JAX code with, in float64.

    A flux that leads its mode is cut off at 0, and the others of the mode are ratios to it.
    """
    with np.load(shipped() / "qlknn_7_11_test_data.npz") as data:
        rows, targets = data["inputs"], dict(zip(TARGETS, data["outputs"].T, strict=True))
    found = load(written()["model"], APP)(rows)
    itg, tem, etg = (targets[f"{mode}leading"].clip(min=0) for mode in ("itg", "tem", "etg"))
    expected = {
        "efiITG": itg,
        "efeITG": targets["itgqediv"] * itg,
        "pfeITG": targets["itgpfediv"] * itg,
        "efeTEM": tem,
        "efiTEM": targets["temqidiv"] * tem,
        "pfeTEM": targets["tempfediv"] * tem,
        "efeETG": etg,
        "gamma_max": targets["gamma_max"].clip(min=0),
    }
    expected["efi"] = expected["efiITG"] + expected["efiTEM"]
    expected["efe"] = expected["efeITG"] + expected["efeTEM"] + etg
    expected["inward"] = expected["efi"] < 0
    assert set(found) == set(expected)
    assert sum(bool(values.any()) for values in expected.values()) > 8
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-5, atol=2e-5)


def test_the_ranges_are_those_that_the_makers_document() -> None:
    text = (shipped() / "README.md").read_text().partition("- QLKNN11D:")[2]
    made = ast.literal_eval(" ".join(text.split("```")[1].split()))
    for name in SPECS:
        parameters = written(name)["inputs"]["parameters"]
        assert [one["name"] for one in parameters] == list(made) == list(script().INPUTS)
        stated = np.array([one["trained"] for one in parameters])
        # They print float32: 0.66 as 0.6600000262, and 0 as 1e-14.
        ends = [[one["min"], one["max"]] for one in made.values()]
        np.testing.assert_allclose(stated, ends, rtol=2e-6, atol=3e-4)


@pytest.mark.parametrize("name", ["spec.json", "spec-cluster.json"])
def test_the_box_is_the_trained_range(name: str) -> None:
    for one in written(name)["inputs"]["parameters"]:
        assert (one["distribution"], [one["low"], one["high"]]) == ("uniform", one["trained"])


def test_the_specs_are_sound_and_ask_for_one_network() -> None:
    box, point, cluster = (read(name) for name in SPECS)
    assert box.model == point.model == cluster.model
    assert box.inputs == cluster.inputs
    assert cluster.farm.site == "slurm"
    assert cluster.design.n > box.design.n == point.design.n


def small(name: str, n: int) -> Study:
    """Return a study of a use case that is short and needs no farm."""
    spec = read(name)
    design = spec.design.model_copy(update={"n": n})
    farm = spec.farm.model_copy(update={"site": "inline"})
    return Study(spec.model_copy(update={"design": design, "farm": farm}))


def test_no_value_lies_outside_the_trained_range_and_every_input_matters(
    recwarn: pytest.WarningsRecorder,
) -> None:
    shipped()
    for name in SPECS[:2]:
        small(name, 256).check()
    assert [str(warning.message) for warning in recwarn] == []


def test_indices_of_the_box_are_those_of_salib() -> None:
    """Another sampler, another estimator, the same network: bands of 99.9 % from both intervals."""
    shipped()
    require_module("SALib")
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    study = small("spec.json", 1024)
    problem = study.problem
    rows = sample.sample(problem, 1024, calc_second_order=False, seed=1)
    theirs = analyze.analyze(
        problem, script().load()(rows)["efiITG"].astype(float), calc_second_order=False, seed=1
    )
    ours = study.launch(progress=False)["efiITG"]
    for index in ("S1", "ST"):
        # SALib's half-widths of 95 % are from the scatter of rows, as if they were random: wide ones.
        band = 3.29 / 1.96 * np.hypot(ours[f"{index}_conf"].to_numpy(), theirs[f"{index}_conf"])
        assert (np.abs(ours[index].to_numpy() - theirs[index]) < band).all()
    assert ours["ST"].to_series().nlargest(3).index.tolist() == ["Ani", "smag", "Ati"]


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install fusion-surrogates==0\.4\.7 --no-deps"):
        load(written()["model"], APP)
