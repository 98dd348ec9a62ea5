"""Coordinates and weights of fields: written out or in files, and every way in which they can be wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa.errors import SpecError
from parsl_sa.records import digest_of
from parsl_sa.spec import load_spec, parse_spec, resolved, science
from parsl_sa.spec.grid import read_coordinate, read_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIDE = ["upper", "lower"]
X = [(i + 0.5) / 32 for i in range(32)]


def faults(plain: dict[str, Any], base: Path | None = None) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(plain) if base is None else resolved(parse_spec(plain), base)
    return {fault.place: fault.message for fault in caught.value.faults}


def test_a_field_may_have_coordinates_units_and_weights(edited: Callable[..., dict[str, Any]]) -> None:
    coords = {"side": SIDE, "x": {"values": X, "unit": "chord"}}
    weights = [[1.0] * 32, [2] * 32]
    spec = parse_spec(edited(("outputs.1.coords", coords), ("outputs.1.weights", weights)))
    theta = spec.outputs[1]
    assert (theta.coords["side"].values, theta.coords["side"].unit) == (tuple(SIDE), "")
    assert (theta.coords["x"].values, theta.coords["x"].unit) == (tuple(X), "chord")
    np.testing.assert_array_equal(read_weights(theta.weights, (2, 32)), np.repeat([1.0, 2.0], 32))
    assert set(spec.outputs_plain()[1]) == {"name", "select", "dims", "unit"}


@pytest.mark.parametrize(
    ("place", "value", "fault", "words"),
    [
        ("coords", {"y": [1, 2]}, "coords.y", "no axis 'y'; dims has side, x"),
        ("coords", {"x": [1.0, 2.0]}, "coords.x", "has 2 coordinates for 32 cells"),
        ("coords", {"side": {"values": ["up"], "unit": ""}}, "coords.side", "has 1 coordinates for 2"),
        ("coords", {"side": [1, "lower"]}, "coords.side.values", "numbers alone, or texts alone"),
        ("coords", {"side": [True, False]}, "coords.side.values", "numbers alone, or texts alone"),
        ("coords", {"side": []}, "coords.side.values", "must be a list, or the name of a file"),
        ("coords", {"side": 3}, "coords.side.values", "must be a list, or the name of a file"),
        ("coords", {"x": "x.txt"}, "coords.x.values", 'such as "x.npy"'),
        ("coords", {"x": {"values": X, "units": "m"}}, "coords.x.units", "did you mean 'unit'?"),
        ("weights", [1.0] * 63, "weights", "has the shape (63,); the axes give (2, 32)"),
        ("weights", [[1.0] * 32] * 3, "weights", "has the shape (3, 32)"),
        ("weights", [[1.0] * 32, [1.0] * 31], "weights", "lists of equal length"),
        (
            "weights",
            [-0.5] + [1.0] * 63,
            "weights",
            "not negative, as volumes are; the smallest of 64 is -0.5",
        ),
        ("weights", [0] * 64, "weights", "are all 0"),
        ("weights", ["a"] * 64, "weights", "must hold finite numbers"),
        ("weights", "volume.csv", "weights", 'such as "volume.npy"'),
        ("weights", 1.0, "weights", "must be a list of numbers"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    edited: Callable[..., dict[str, Any]], place: str, value: Any, fault: str, words: str
) -> None:
    found = faults(edited((f"outputs.1.{place}", value)))
    assert list(found) == [f"outputs[1].{fault}"]
    assert words in found[f"outputs[1].{fault}"]


def test_a_scalar_has_no_grid(edited: Callable[..., dict[str, Any]]) -> None:
    found = faults(edited(("outputs.0.coords", {"x": [1]}), ("outputs.0.weights", [1])))
    assert "declare the axes" in found["outputs[0].coords.x"]
    assert "declare its axes" in found["outputs[0].weights"]


def test_an_axis_may_not_be_called_like_one_of_the_results(edited: Callable[..., dict[str, Any]]) -> None:
    found = faults(edited(("outputs.1.dims", {"look": 2, "x": 32})))
    assert "axis of the results" in next(iter(found.values()))


def test_files_are_read_relative_to_the_spec(edited: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    np.save(tmp_path / "volume.npy", np.arange(64.0).reshape(2, 32))
    (tmp_path / "x.csv").write_text("x [m]\n" + "\n".join(str(x) for x in X))
    (tmp_path / "side.csv").write_text("upper, lower\n")
    coords = {"x": "x.csv", "side": "side.csv"}
    plain = edited(("outputs.1.coords", coords), ("outputs.1.weights", "volume.npy"))
    (tmp_path / "spec.json").write_text(json.dumps(plain))
    spec = resolved(load_spec(tmp_path / "spec.json"), tmp_path)
    theta = spec.outputs[1]
    assert read_coordinate(theta.coords["x"].values, 32) == tuple(X)
    assert read_coordinate(theta.coords["side"].values, 2) == tuple(SIDE)
    np.testing.assert_array_equal(read_weights(theta.weights, (2, 32)), np.arange(64.0))
    assert resolved(spec, tmp_path / "elsewhere") == spec
    assert parse_spec(spec.plain()) == spec


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file; paths are relative to the spec"),
        (np.ones((2, 31)), "has the shape (2, 31); the axes give (2, 32)"),
        (np.full((2, 32), np.nan), "must be finite and not negative"),
        (np.where(np.arange(64) == 7, -1.0, 1.0), "the smallest of 64 is -1"),
        (np.full(64, np.inf), "must be finite and not negative"),
        (np.zeros(64), "are all 0"),
        (np.array(["a"] * 64), "not real numbers"),
        (b"no array", "is not a .npy file"),
    ],
)
def test_faulty_weights_in_a_file(
    edited: Callable[..., dict[str, Any]], tmp_path: Path, content: Any, words: str
) -> None:
    if isinstance(content, bytes):
        (tmp_path / "w.npy").write_bytes(content)
    elif content is not None:
        np.save(tmp_path / "w.npy", content)
    found = faults(edited(("outputs.1.weights", "w.npy")), tmp_path)
    assert words in found["outputs[1].weights"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.csv", None, "no such file"),
        ("x.csv", "1\n2\n3\n", "has 3 coordinates for 32 cells"),
        ("x.npy", np.ones((4, 8)), "not a list of numbers or texts"),
        ("x.npy", np.full(32, np.nan), "not finite"),
        ("x.npy", np.ones(31), "has 31 coordinates for 32 cells"),
    ],
)
def test_faulty_coordinates_in_a_file(
    edited: Callable[..., dict[str, Any]], tmp_path: Path, name: str, content: Any, words: str
) -> None:
    if isinstance(content, str):
        (tmp_path / name).write_text(content)
    elif content is not None:
        np.save(tmp_path / name, content)
    found = faults(edited(("outputs.1.coords", {"x": name})), tmp_path)
    assert words in found["outputs[1].coords.x"]


def test_the_digest_of_a_study_follows_the_contents_of_its_files(
    edited: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    plain = edited(("outputs.1.weights", "w.npy"))
    digests = []
    for folder, weights in (("a", np.ones(64)), ("b", np.ones(64)), ("c", np.arange(64.0))):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "w.npy", weights)
        digests.append(digest_of(science(resolved(parse_spec(plain), tmp_path / folder))))
    assert digests[0] == digests[1] != digests[2]
