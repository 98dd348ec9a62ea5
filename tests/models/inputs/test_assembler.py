"""From rows to what a network is called with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models.inputs import assembler
from parsl_sa.models.wrapped import TorchModel
from parsl_sa.spec.base import BaseSpec
from parsl_sa.spec.inputs import InputsSpec
from parsl_sa.spec.preprocess import PreprocessSpec

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.models import Assembler

MODEL = TorchModel(lambda x: x, dtype="float32")
RNG = np.random.default_rng(3)


def build(folder: Path, preprocess: dict[str, Any] | None = None, **inputs: Any) -> Assembler:
    spec = InputsSpec.model_validate(inputs).at(folder)
    steps = PreprocessSpec.model_validate(preprocess or {}).model_dump(mode="json")
    return assembler({**spec.plain(), "preprocess": steps}, MODEL)


def uniform(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "distribution": "uniform", "low": 0.0, "high": 1.0} for name in names]


def zeros(n: int) -> np.ndarray:
    return np.zeros(n, np.int64)


def test_plain_rows_pass_as_they_are(tmp_path: Path) -> None:
    rows = RNG.normal(size=(4, 2))
    assert build(tmp_path, parameters=uniform("a", "b"))(rows, zeros(4)) is rows


def test_plain_rows_are_standardised_per_column(tmp_path: Path) -> None:
    made = build(tmp_path, {"mean": [1.0, 2.0], "sd": [2.0, 4.0]}, parameters=uniform("a", "b"))
    found = made(np.array([[3.0, 2.0]]), zeros(1))
    assert torch.as_tensor(found).tolist() == [[1.0, 0.0]]


def test_a_template_of_one_tensor(tmp_path: Path) -> None:
    made = build(tmp_path, parameters=uniform("a", "b"), template=[["b", 1.0], [0.5, "a"]])
    found = made(np.array([[7.0, 8.0], [9.0, 10.0]]), zeros(2))
    assert torch.as_tensor(found).tolist() == [[[8.0, 1.0], [0.5, 7.0]], [[10.0, 1.0], [0.5, 9.0]]]


def test_named_tensors_with_files_indicators_and_whole_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "field.npy", np.arange(6.0).reshape(2, 3))
    made = build(
        tmp_path,
        parameters=uniform("a", "kind"),
        template={
            "field": {"file": "field.npy", "set": {"a": [[0, 1], [-1, -1]]}},
            "one_hot": ["kind == 0", "kind == 1", "kind == 2"],
            "token": {"values": ["kind"], "dtype": "int64"},
            "on": {"values": "kind", "dtype": "bool"},
        },
    )
    found = made(np.array([[5.0, 2.0]]), zeros(1))
    assert found["field"].tolist() == [[[0.0, 5.0, 2.0], [3.0, 4.0, 5.0]]]
    assert found["one_hot"].tolist() == [[0.0, 0.0, 1.0]]
    assert (found["token"].dtype, found["token"].tolist()) == (torch.int64, [[2]])
    assert (found["on"].dtype, found["on"].tolist()) == (torch.bool, [True])


def test_base_inputs_stand_beside_other_tensors(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", RNG.normal(size=(3, 4)))
    made = build(
        tmp_path,
        base={"path": "x.npy", "layout": "F"},
        perturbations=[{"kind": "brightness", "offset": "a"}],
        parameters=uniform("a", "T"),
        template={"features": {"base": True}, "temperature": ["T"]},
    )
    found = made(np.array([[10.0, 300.0]] * 2), np.array([2, 0]))
    x = np.load(tmp_path / "x.npy").astype(np.float32)
    np.testing.assert_allclose(found["features"], x[[2, 0]] + 10.0, rtol=1e-6)
    assert found["temperature"].tolist() == [[300.0], [300.0]]
    assert (made.n_cases, made.names, made.can_be_clean) == (3, (0, 1, 2), False)


def test_perturbations_follow_each_other_and_are_clipped(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([100.0, 200.0]))
    made = build(
        tmp_path,
        base={"path": "x.npy", "layout": "F", "clip": [0.0, 255.0]},
        perturbations=[{"kind": "brightness", "offset": "a"}, {"kind": "contrast", "factor": 2.0}],
        parameters=uniform("a"),
    )
    assert made(np.array([[50.0]]), zeros(1)).tolist() == [[100.0, 255.0]]
    assert made.names == ()


def test_images_are_brought_to_what_the_network_reads(tmp_path: Path) -> None:
    image = RNG.uniform(0, 255, (6, 8, 3))
    np.save(tmp_path / "x.npy", image)
    steps = {
        "size": [3, 4],
        "channels": "bgr",
        "scale": 1 / 255,
        "mean": [0.1, 0.2, 0.3],
        "sd": [0.5, 0.5, 2.0],
    }
    inputs = {
        "base": {"path": "x.npy", "layout": "HWC"},
        "perturbations": [{"kind": "brightness", "offset": "a"}],
        "parameters": uniform("a"),
    }
    found = build(tmp_path, steps, **inputs)(np.zeros((1, 1)), zeros(1))
    # a factor of 2 with antialiasing: a triangle of half-width 2 pixels about the centre of each pair
    weights = np.array([0.125, 0.375, 0.375, 0.125])
    inner = np.einsum("hwc,h,w->c", image[1:5, 1:5], weights, weights)[::-1] / 255
    expected = (inner - [0.1, 0.2, 0.3]) / [0.5, 0.5, 2.0]
    np.testing.assert_allclose(found[0, :, 1, 1], expected, rtol=1e-5)
    assert found.shape == (1, 3, 3, 4)
    grey = build(tmp_path, {"channels": "gray", "layout": "channels-last"}, **inputs)
    luminance = image @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(grey(np.zeros((1, 1)), zeros(1))[0, ..., 0], luminance, rtol=1e-5)


def test_the_clean_input_is_clipped_as_the_perturbed_one_is(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([-1.0, 0.5, 2.0]))
    made = build(
        tmp_path,
        base={"path": "x.npy", "layout": "F", "clip": [0.0, 1.0]},
        perturbations=[{"kind": "brightness", "offset": "a"}],
        parameters=uniform("a"),
    )
    assert made.clean(zeros(1)).tolist() == made(np.zeros((1, 1)), zeros(1)).tolist() == [[0.0, 0.5, 1.0]]


def test_the_clean_input_goes_through_the_same_steps(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", RNG.uniform(0, 255, (2, 4, 4, 3)))
    made = build(
        tmp_path,
        {"scale": 0.1},
        base={"path": "x.npy", "layout": "HWC"},
        perturbations=[{"kind": "brightness", "offset": "a"}],
        parameters=uniform("a"),
    )
    cases = np.array([1, 0])
    assert torch.equal(made.clean(cases), made(np.zeros((2, 1)), cases))


@pytest.mark.parametrize(
    ("preprocess", "inputs", "place", "said"),
    [
        ({"mean": [1.0, 2.0]}, {}, "model.preprocess.mean", "2 numbers for 3 channels"),
        ({}, {"grid": [9, 2]}, "inputs.perturbations[0].grid", "asks for 9 cells along an axis of 4"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, preprocess: dict[str, Any], inputs: dict[str, Any], place: str, said: str
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 4, 3)))
    mask = {"kind": "mask", "grid": [2, 2], **inputs}
    with pytest.raises(ModelError) as caught:
        build(tmp_path, preprocess, base={"path": "x.npy", "layout": "HWC"}, perturbations=[mask])
    (fault,) = caught.value.faults
    assert fault.place == place
    assert said in fault.message


def test_the_digest_of_base_inputs_sees_their_contents(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(3))
    spec = BaseSpec(path="x.npy", layout="F").at(tmp_path)
    assert list(spec.file_faults()) == []
    np.save(tmp_path / "x.npy", np.ones(3))
    (fault,) = spec.file_faults()
    assert "has changed since the study began" in fault.message


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_series_have_their_channels_where_the_network_wants_them(tmp_path: Path, scale: float) -> None:
    series = RNG.normal(size=(10, 3))
    np.save(tmp_path / "x.npy", series)
    inputs = {
        "base": {"path": "x.npy", "layout": "WC"},
        "perturbations": [{"kind": "brightness", "offset": "a"}],
        "parameters": uniform("a"),
    }
    first = build(tmp_path, {"scale": scale}, **inputs)(np.zeros((1, 1)), zeros(1))
    np.testing.assert_allclose(first[0], scale * series.T, rtol=1e-6)
    for layout in ("channels-last", "keep"):
        same = build(tmp_path, {"scale": scale, "layout": layout}, **inputs)(np.zeros((1, 1)), zeros(1))
        np.testing.assert_allclose(same[0], scale * series, rtol=1e-6)
