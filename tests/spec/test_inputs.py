"""Base inputs, perturbations, templates and preprocessing as a spec states them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parsl_sa.errors import SpecError
from parsl_sa.spec import parse_spec, resolved, science, warnings


def spec_of(inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "spec_version": 1,
        "name": "image",
        "model": {"loader": "python", "path": "model.py:load"},
        "inputs": inputs,
        "design": {"method": "pick-freeze", "n": 64},
        "outputs": [{"name": "y"}],
        **more,
    }


BASE = {"path": "x.png"}
MASK = {"kind": "mask", "grid": [2, 3]}
SD = {"name": "sd", "distribution": "uniform", "low": 0.0, "high": 1.0}


def test_a_mask_brings_its_parameters_along():
    spec = parse_spec(
        spec_of(
            {
                "base": BASE,
                "perturbations": [MASK, {"kind": "brightness", "offset": "sd"}],
                "parameters": [SD],
            }
        )
    )
    assert spec.factors[:3] == ("sd", "mask[0,0]", "mask[0,1]")
    assert len(spec.uncertain) == 7
    assert spec.parameters_plain()[1] == {
        "name": "mask[0,0]", "distribution": "uniform", "low": 0.0, "high": 1.0,
    }  # fmt: skip
    assert parse_spec(spec.plain()) == spec


FAULTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("nothing varies", {}, "inputs.parameters", "needs at least 1 entry"),
    ("no perturbation", {"base": BASE}, "inputs.perturbations", "give perturbations"),
    ("no base", {"perturbations": [MASK]}, "inputs.perturbations", "give inputs.base"),
    ("no grid", {"base": BASE, "perturbations": [{"kind": "mask"}]}, "inputs.perturbations[0]", '"grid"'),
    (
        "grid of another dimension",
        {"base": BASE, "perturbations": [{"kind": "mask", "grid": [3]}]},
        "inputs.perturbations[0].grid",
        "each of the axes H, W",
    ),
    (
        "unknown kind",
        {"base": BASE, "perturbations": [{"kind": "musk", "grid": [3]}]},
        "inputs.perturbations[0].kind",
        "mask",
    ),
    (
        "unknown baseline",
        {"base": BASE, "perturbations": [{**MASK, "baseline": "blurr"}]},
        "inputs.perturbations[0].baseline",
        "zero, mean, blur, noise",
    ),
    (
        "unknown parameter",
        {"base": BASE, "perturbations": [MASK, {"kind": "brightness", "offset": "sdd"}], "parameters": [SD]},
        "inputs.perturbations[1].offset",
        "did you mean 'sd'?",
    ),
    (
        "a parameter that nothing uses",
        {"base": BASE, "perturbations": [MASK], "parameters": [SD]},
        "inputs.parameters[0]",
        "'sd' is used by no perturbation",
    ),
    (
        "two masks of one name",
        {"base": BASE, "perturbations": [MASK, MASK]},
        "inputs.perturbations[1].name",
        "repeats the parameter 'mask[0,0]'",
    ),
    (
        "no way down",
        {"base": {"path": "x.csv"}, "perturbations": [{"kind": "shift", "y": "sd"}], "parameters": [SD]},
        "inputs.perturbations[0].y",
        "no axis H",
    ),
    (
        "array without layout",
        {"base": {"path": "x.npy"}, "perturbations": [MASK]},
        "inputs.base.layout",
        "HWC",
    ),
    (
        "layout",
        {"base": {"path": "x.npy", "layout": "HWX"}, "perturbations": [MASK]},
        "inputs.base.layout",
        "C channels",
    ),
    ("rows", {"base": {**BASE, "rows": "1-3"}, "perturbations": [MASK]}, "inputs.base.rows", '"0:100"'),
    (
        "blurred features",
        {"base": {"path": "x.csv"}, "perturbations": [{"kind": "mask", "grid": [3]}]},
        "inputs.perturbations[0].baseline",
        'one a feature, or "zero", instead of "blur"',
    ),
    (
        "an input twice",
        {"base": {**BASE, "rows": [1, 1]}, "perturbations": [MASK]},
        "inputs.base.rows",
        "twice",
    ),
    (
        "negative noise",
        {"base": BASE, "perturbations": [MASK, {"kind": "noise", "sd": -1.0, "seed": 0}]},
        "inputs.perturbations[1].sd",
        "must not be negative",
    ),
    (
        "token ids from a base",
        {"base": BASE, "perturbations": [MASK], "template": {"x": {"base": True, "dtype": "int64"}}},
        "inputs.template.x.dtype",
        "leave dtype out",
    ),
    (
        "a comparison with nothing",
        {"parameters": [SD], "template": ["sd == e"]},
        "inputs.template",
        "'sd == e'",
    ),
    ("a huge number", {"parameters": [SD], "template": ["sd", 10**400]}, "inputs.template.values", "1e+300"),
    ("clip", {"base": {**BASE, "clip": [1, 0]}, "perturbations": [MASK]}, "inputs.base.clip", "[low, high]"),
    ("template name", {"parameters": [SD], "template": ["sdd"]}, "inputs.template", "did you mean 'sd'?"),
    (
        "ragged",
        {"parameters": [SD], "template": [["sd"], [1.0, 2.0]]},
        "inputs.template.values",
        "equal length",
    ),
    (
        "template without base",
        {"parameters": [SD], "template": {"x": ["sd"], "image": {"base": True}}},
        "inputs.template.image.base",
        "no base input",
    ),
    (
        "base that no tensor takes",
        {"base": BASE, "perturbations": [MASK], "parameters": [SD], "template": {"x": ["sd"]}},
        "inputs.template",
        '{"base": true}',
    ),
    (
        "set without file",
        {"parameters": [SD], "template": {"x": {"values": ["sd"], "set": {"sd": [0]}}}},
        "inputs.template.x.set",
        "give the file",
    ),
]


@pytest.mark.parametrize(("inputs", "place", "said"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_faults_name_place_and_cure(inputs, place, said):
    with pytest.raises(SpecError) as caught:
        parse_spec(spec_of(inputs))
    assert [fault.place for fault in caught.value.faults] == [place], caught.value
    assert said in caught.value.faults[0].message


def test_preprocessing_of_images_needs_an_image():
    model = {"loader": "python", "path": "model.py:load", "preprocess": {"size": [4, 4], "sd": [1.0, 0.0]}}
    with pytest.raises(SpecError) as caught:
        parse_spec(spec_of({"parameters": [SD]}, model=model))
    assert [fault.place for fault in caught.value.faults] == ["model.preprocess.size", "model.preprocess.sd"]


def test_preprocessing_of_a_template_is_refused():
    model = {"loader": "python", "path": "model.py:load", "preprocess": {"scale": 10.0}}
    with pytest.raises(SpecError) as caught:
        parse_spec(spec_of({"parameters": [SD], "template": ["sd", 1.0]}, model=model))
    assert [fault.place for fault in caught.value.faults] == ["model.preprocess.scale"]


@pytest.mark.parametrize("cells", [np.array([["a", "b"]]), np.array([[0, 2]]), np.array([[0.0, 1.0]])])
def test_segments_number_cells_without_gaps(tmp_path, cells):
    np.save(tmp_path / "x.npy", np.ones((1, 2)))
    np.save(tmp_path / "cells.npy", cells)
    mask = {"kind": "mask", "segments": "cells.npy"}
    inputs = {"base": {"path": "x.npy", "layout": "HW"}, "perturbations": [mask]}
    with pytest.raises(SpecError) as caught:
        resolved(parse_spec(spec_of(inputs)), tmp_path)
    assert [fault.place for fault in caught.value.faults] == ["inputs.perturbations[0].segments"]


def test_labels_by_another_column_are_another_study(tmp_path):
    (tmp_path / "x.csv").write_text("a,y,z\n1,0,1\n2,1,0\n")
    mask = {"kind": "mask", "grid": [2], "baseline": "zero"}
    one, other = (
        science(
            resolved(
                parse_spec(spec_of({"base": {"path": "x.csv", "labels": key}, "perturbations": [mask]})),
                tmp_path,
            )
        )
        for key in "yz"
    )
    assert one != other


def test_files_are_found_beside_the_spec_and_pinned(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 4)))
    np.save(tmp_path / "cells.npy", np.arange(16).reshape(4, 4) // 4)
    inputs = {
        "base": {"path": "x.npy", "layout": "HW"},
        "perturbations": [{"kind": "mask", "segments": "cells.npy"}],
    }
    spec = resolved(parse_spec(spec_of(inputs)), tmp_path)
    assert spec.inputs.base.digest
    assert spec.factors == ("mask[0]", "mask[1]", "mask[2]", "mask[3]")
    assert resolved(parse_spec(spec.plain()), tmp_path) == spec
    before = science(spec)
    np.save(tmp_path / "cells.npy", np.arange(16).reshape(4, 4) // 8)
    assert science(resolved(parse_spec(spec_of(inputs)), tmp_path)) != before
    np.save(tmp_path / "cells.npy", np.arange(16).reshape(4, 4).T // 4)  # as many, elsewhere
    assert science(resolved(parse_spec(spec_of(inputs)), tmp_path)) != before
    np.save(tmp_path / "x.npy", np.zeros((4, 4)))
    with pytest.raises(SpecError, match="has changed since the study began"):
        resolved(spec, tmp_path)
    with pytest.raises(SpecError) as caught:
        resolved(parse_spec(spec_of({**inputs, "base": {"path": "gone.png"}})), tmp_path)
    assert caught.value.faults[0].place == "inputs.base.path"


def test_groups_may_name_the_cells_of_a_mask():
    groups = {"left": ["mask[0,0]", "mask[1,0]"]}
    spec = parse_spec(spec_of({"base": BASE, "perturbations": [MASK], "groups": groups}))
    assert spec.factors == ("left", "mask[0,1]", "mask[0,2]", "mask[1,1]", "mask[1,2]")


@pytest.mark.parametrize(("distribution", "told"), [("uniform", 1), ("switch", 0)])
def test_cells_that_are_blended_one_at_a_time_are_warned_of(distribution, told):
    inputs = {"base": BASE, "perturbations": [{**MASK, "distribution": distribution}]}
    design = {"method": "one-at-a-time", "n": 8 if told else 1, "replicates": 8}
    said = warnings(parse_spec(spec_of(inputs, design=design)))
    assert [text for text in said if "say 'switch'" in text] == said
    assert len(said) == told
