"""What a spec may say of a quantity of interest and of a classifier, and every way to say it wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.errors import SpecError
from parsl_sa.spec import parse_spec, resolved, science
from parsl_sa.spec.cuts import CutError, parse_cut
from parsl_sa.spec.output_rules import kept_dims

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def faults(plain: dict[str, Any], base: Path | None = None) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(plain) if base is None else resolved(parse_spec(plain), base)
    return {fault.place: fault.message for fault in caught.value.faults}


def test_what_is_not_asked_for_is_not_written(edited: Callable[..., dict[str, Any]]) -> None:
    spec = parse_spec(edited())
    assert set(spec.outputs_plain()[0]) == {"name", "select", "dims", "unit"}
    assert not {"classes", "scores"} & set(science(spec)["model"])
    asked = {"name": "CL", "quantity": "margin", "target": 2.0, "slice": "0:3", "reduce": "mean", "axes": [0]}
    spec = parse_spec(edited(("outputs.0", asked)))
    plain = {"name": "CL", "select": "", "dims": {}, "unit": "", **asked, "target": 2}
    assert spec.outputs_plain()[0] == plain
    assert json.loads(json.dumps(science(spec)))["outputs"][0] == plain


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({"quantity": "log_odds"}, "quantity", "did you mean 'log-odds'? known: value, logit"),
        ({"layer": "fc", "select": "y"}, "layer", "give layer or select, not both"),
        ({"target": -1}, "target", "must be the index of a class from 0"),
        ({"target": True}, "target", "must be the index of a class from 0"),
        ({"target": 1.5}, "target", "must be the index of a class from 0"),
        ({"target": ""}, "target", "must be the index of a class from 0"),
        ({"quantity": "entropy", "target": 1}, "target", "leave the target out"),
        ({"quantity": "margin", "loss": "cross-entropy"}, "loss", 'is for "quantity": "loss"'),
        ({"loss": "cross-entropy"}, "loss", 'this one is "value"'),
        ({"quantity": "loss", "loss": "hinge", "target": 1}, "loss", "cross-entropy"),
        (
            {"quantity": "loss", "loss": "squared-error", "target": 1},
            "target",
            "an error is against the label",
        ),
        ({"quantity": "loss"}, "quantity", "give inputs.base.labels"),
        ({"target": "label"}, "target", "give inputs.base.labels"),
        ({"target": "predicted"}, "target", "give inputs.base, or name a class"),
        ({"slice": "0:3, a"}, "slice", "'a' of '0:3, a' is none of them"),
        ({"slice": "__import__('os')"}, "slice", "is none of them"),
        ({"slice": "::-1"}, "slice", "can only run forwards"),
        ({"slice": "..., ..."}, "slice", "can hold '...' once"),
        ({"function": "post.py"}, "function", "such as 'post.py:drag'"),
        ({"function": "post.py:2x"}, "function", "such as 'post.py:drag'"),
        ({"reduce": "median"}, "reduce", "mean"),
        ({"axes": [0]}, "axes", "give reduce too"),
        ({"reduce": "mean", "axes": ["y"]}, "axes[0]", "no axis 'y'; declare the axes in dims"),
        ({"reduce": "mean", "axes": ["z"], "dims": {"y": 2}}, "axes[0]", "no axis 'z'; dims has y"),
        ({"reduce": "mean", "axes": [1], "dims": {"y": 2}}, "axes[0]", "no axis 1; dims has 1, 0 to 0"),
        ({"reduce": "mean", "axes": 0}, "axes", "must be a list of axes"),
        ({"dims": {"case": 3}}, "dims.case", "is an axis of the results already"),
        ({"dims": {"y": 2}, "reduce": "sum", "weights": [1, 1]}, "weights", "declare its axes in dims"),
        ({"dims": {"y": 2}, "reduce": "sum", "coords": {"y": [1, 2]}}, "coords.y", "no axis 'y'"),
    ],
)
def test_fields_that_do_not_go_together_are_named(
    edited: Callable[..., dict[str, Any]], fields: dict[str, Any], place: str, words: str
) -> None:
    found = faults(edited(("outputs.0", {"name": "CL", **fields})))
    assert [where.replace("['", ".").replace("']", "") for where in found] == [f"outputs[0].{place}"]
    assert words in next(iter(found.values()))


def test_coordinates_and_weights_are_of_the_axes_that_are_left(edited: Callable[..., dict[str, Any]]) -> None:
    fields = {"name": "CL", "dims": {"y": 2, "x": 3}, "reduce": "mean", "axes": ["y"]}
    grid = {"coords": {"x": [1, 2, 3]}, "weights": [1, 2, 1]}
    assert parse_spec(edited(("outputs.0", {**fields, **grid}))).outputs[0].kept_dims == {"x": 3}
    assert kept_dims({"class": 3}, "max", ["class"]) == {}


def test_class_names_come_from_lists_and_files(edited: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n\n")
    (tmp_path / "names.json").write_text('["cat", "dog"]')
    for given in (["cat", "dog"], "names.txt", "names.json"):
        spec = resolved(parse_spec(edited(("model.classes", given))), tmp_path)
        assert spec.model.classes == ("cat", "dog")
        assert spec.model.class_names() == ("cat", "dog")
        assert science(spec)["model"]["classes"] == ["cat", "dog"]
        # The study keeps the names: the file may go.
        assert (
            resolved(parse_spec(json.loads(json.dumps(spec.plain()))), tmp_path / "elsewhere").model
            == spec.model
        )


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["cat", "cat"], "names 'cat' twice, as 0 and as 1"),
        (["cat"], "has 1 name; name two classes at least"),
        (["cat", 2], "must be a list of names"),
        (["label", "cat"], "has a class 'label', which is what a target may say"),
        ("names.csv", "a .txt file with one a line"),
        (3, "must be a list of names"),
        ("missing.txt", "no such file; paths are relative to the spec"),
        ("broken.json", "is no JSON"),
        ("object.json", "must be a list of names"),
    ],
)
def test_class_names_that_cannot_be_used_are_named(
    edited: Callable[..., dict[str, Any]], tmp_path: Path, classes: Any, words: str
) -> None:
    (tmp_path / "broken.json").write_text("[")
    (tmp_path / "object.json").write_text("{}")
    found = faults(edited(("model.classes", classes)), tmp_path)
    assert list(found) == ["model.classes"]
    assert words in found["model.classes"]


def test_a_function_belongs_to_the_spec_wherever_it_lies(
    edited: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    given = parse_spec(edited(("outputs.0", {"name": "CL", "function": "sub/post.py:drag"})))
    here = resolved(given, tmp_path)
    assert here.outputs[0].function == f"{tmp_path}/sub/post.py:drag"
    assert science(here) == science(given) == science(resolved(given, tmp_path / "other"))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("", ()),
        ("-1", (-1,)),
        (" 0:3 , : ", (slice(0, 3), slice(None))),
        ("1::2, ...", (slice(1, None, 2), Ellipsis)),
    ],
)
def test_cuts_are_read(text: str, cut: tuple[Any, ...]) -> None:
    assert parse_cut(text) == cut


@pytest.mark.parametrize("text", ["1,", "a", "1:2:3:4", "1.0", "[0]", "None", ":-"])
def test_what_is_no_cut_is_refused(text: str) -> None:
    with pytest.raises(CutError):
        parse_cut(text)
