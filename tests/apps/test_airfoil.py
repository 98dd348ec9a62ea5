"""The airfoil use case: the port agrees with NeuralFoil, and the spec with the fit."""

from __future__ import annotations

import json
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator, load
from parsl_sa.models.inputs import Assembler
from parsl_sa.spec import load_spec, read_coordinate, resolved

if TYPE_CHECKING:
    from types import ModuleType

APP = Path(__file__).parents[2] / "apps" / "airfoil"
SPEC = json.loads((APP / "spec.json").read_text())
PARAMETERS = SPEC["inputs"]["parameters"]
needs_weights = pytest.mark.skipif(
    find_spec("neuralfoil") is None, reason="the weights: pip install neuralfoil==0.3.3 --no-deps"
)


def script(name: str) -> ModuleType:
    spec = spec_from_file_location(f"airfoil_{name}", APP / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def everything(size: str, rows: npt.NDArray[np.float64]) -> dict[str, Any]:
    output = load({**SPEC["model"], "options": {"size": size}}, APP)(rows)
    flat = {name: value.numpy() for name, value in output.items() if name != "boundary_layer"}
    return flat | {name: value.numpy() for name, value in output["boundary_layer"].items()}


def random_rows(n: int) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(1)
    upper, lower = 0.2 + 0.1 * rng.standard_normal((n, 8)), -0.15 + 0.1 * rng.standard_normal((n, 8))
    nose, tail = 0.3 * rng.standard_normal(n), rng.uniform(0, 0.01, n)
    flow = [
        rng.uniform(-12, 15, n),
        10 ** rng.uniform(5, 7, n),
        rng.uniform(4, 12, n),
        rng.uniform(0.05, 1, (n, 2)),
    ]
    return np.column_stack([upper, lower, nose, tail, *flow])


def nominal_rows(n: int, spread: float = 1.0) -> npt.NDArray[np.float64]:
    """Draw rows roughly as the spec does."""
    rng = np.random.default_rng(2)
    columns = []
    for parameter in PARAMETERS:
        if "mean" in parameter:
            columns.append(parameter["mean"] + spread * parameter["sd"] * rng.standard_normal(n))
        else:
            columns.append(rng.uniform(parameter["low"], parameter["high"], n))
    return np.column_stack(columns)


@needs_weights
@pytest.mark.parametrize("size", ["xxsmall", "medium", "large", "xlarge", "xxxlarge"])
def test_it_agrees_with_neuralfoil(size: str) -> None:
    if find_spec("aerosandbox") is None:
        pytest.skip("NeuralFoil's own code needs aerosandbox: pip install neuralfoil==0.3.3")
    neuralfoil = pytest.importorskip("neuralfoil")
    rows = random_rows(50)
    ours = everything(size, rows)
    theirs = neuralfoil.get_aero_from_kulfan_parameters(
        {
            "upper_weights": rows[:, :8].T,
            "lower_weights": rows[:, 8:16].T,
            "leading_edge_weight": rows[:, 16],
            "TE_thickness": rows[:, 17],
        },
        *rows[:, 18:].T,
        model_size=size,
    )
    names = {"confidence": "analysis_confidence", "top_xtr": "Top_Xtr", "bottom_xtr": "Bot_Xtr"}
    for name in ("CL", "CD", "CM", *names):
        np.testing.assert_allclose(ours[name], theirs[names.get(name, name)], rtol=1e-10, atol=1e-12)
    for name, key in {"theta": "theta", "H": "H", "ue": "ue/vinf"}.items():
        for index, side in enumerate(("upper", "lower")):
            expected = np.stack([theirs[f"{side}_bl_{key}_{i}"] for i in range(32)], axis=1)
            np.testing.assert_allclose(ours[name][:, index], expected, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(ours["LD"], theirs["CL"] / theirs["CD"], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(script("model").CHORD_STATIONS, neuralfoil.bl_x_points)


@needs_weights
def test_recorded_values_of_a_symmetric_airfoil() -> None:
    # What NeuralFoil 0.3.3's own code gave; it need not be importable here.
    row = np.array([[*[0.16] * 8, *[-0.16] * 8, 0, 0.0025, 5, 1e6, 9, 1, 1]])
    lifted = everything("large", row)
    level = everything("large", np.where(np.arange(23) == 18, 0, row))
    assert lifted["CL"][0] == pytest.approx(0.5361789607, rel=1e-8)
    assert lifted["CD"][0] == pytest.approx(0.008515483179, rel=1e-8)
    assert lifted["confidence"][0] == pytest.approx(0.9647837813, rel=1e-8)
    assert abs(level["CL"][0]) < 1e-12
    assert abs(level["CM"][0]) < 1e-12


@needs_weights
def test_the_spec_evaluates() -> None:
    evaluator = Evaluator(load(SPEC["model"], APP), SPEC["outputs"], Assembler(len(PARAMETERS)))
    rows = nominal_rows(64)
    assert [quantity.shape for quantity in evaluator.probe(rows[:16])] == [(), (), (), *[(2, 32)] * 3]
    lift, drag, ratio, *layer = evaluator.evaluate(rows, 16).T
    assert np.isfinite(layer).all()
    assert evaluator.dtype == "float64"
    assert np.all((lift > 0.4) & (lift < 0.75) & (drag > 0.003) & (drag < 0.012))
    np.testing.assert_allclose(ratio, lift / drag, rtol=1e-12)


@needs_weights
def test_the_boundary_layer_is_a_field() -> None:
    outputs = [{"name": "theta", "select": "boundary_layer.theta", "dims": {"side": 2, "x": 32}}]
    model = load({**SPEC["model"], "options": {"size": "xxsmall"}}, APP)
    (quantity,) = Evaluator(model, outputs, Assembler(23)).probe(nominal_rows(8))
    assert (quantity.dims, quantity.shape) == (("side", "x"), (2, 32))


def test_the_stations_of_the_boundary_layer_are_those_of_the_model() -> None:
    spec = resolved(load_spec(APP / "spec.json"), APP)
    for output in spec.outputs[3:]:
        assert read_coordinate(output.coords["side"].values, 2) == ("upper", "lower")
        found = read_coordinate(output.coords["x"].values, 32)
        np.testing.assert_array_equal(found, script("model").CHORD_STATIONS)


@needs_weights
def test_the_study_stays_where_the_network_is_sure() -> None:
    rows = nominal_rows(500, spread=1.5)
    assert everything("xxxlarge", rows)["confidence"].min() > 0.9


@needs_weights
def test_the_weights_are_part_of_provenance() -> None:
    names = [path.name for path in load(SPEC["model"], APP).files]
    assert names == ["model.py", "nn-xxxlarge.npz", "scaled_input_distribution.npz"]


def test_the_spec_has_the_model_inputs_in_order() -> None:
    assert tuple(parameter["name"] for parameter in PARAMETERS) == script("model").INPUTS


def test_the_spec_has_the_fitted_airfoil() -> None:
    fit = script("fit_airfoil")
    found, error = fit.fit(*fit.normalise(*fit.naca(0.02, 0.4, 0.12)))
    assert error < 3e-4
    means = {parameter["name"]: parameter["mean"] for parameter in PARAMETERS[:18]}
    assert found == pytest.approx(means, abs=1e-4)


def test_an_unknown_size_names_the_known_ones() -> None:
    if find_spec("neuralfoil") is None:
        pytest.skip("the weights: pip install neuralfoil==0.3.3 --no-deps")
    with pytest.raises(ModelError, match=r"no size 'huge'; NeuralFoil has large, medium"):
        load({**SPEC["model"], "options": {"size": "huge"}}, APP)


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install neuralfoil==0\.3\.3"):
        load(SPEC["model"], APP)
