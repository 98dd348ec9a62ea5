"""A user's own function of a tensor: what it is given, what it may return, and whose fault is whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models import hashes
from parsl_sa.models.quantities import Reader
from parsl_sa.models.wrapped import TorchModel

if TYPE_CHECKING:
    from pathlib import Path

CODE = """\
import weights

calls = []


def ahead(tensor):
    calls.append(type(tensor).__name__)
    return weights.SCALE * (tensor[:, 0] - tensor[:, -1])


def broken(tensor):
    return tensor / None


def text(tensor):
    return "no tensor"


def total(tensor):
    return tensor.sum()


number = 3
"""
Y = np.array([[1.0, 4.0, -2.0], [0.0, 0.5, 0.0]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "post.py").write_text(CODE)
    (tmp_path / "weights.py").write_text("SCALE = 2.0\n")
    return tmp_path


def reader(folder: Path, *specs: dict[str, Any]) -> Reader:
    return Reader([{"name": f"y{i}", **spec} for i, spec in enumerate(specs)], base_dir=folder)


@pytest.mark.parametrize("given", ["torch", "numpy"])
def test_a_function_takes_what_the_model_gives(folder: Path, given: str) -> None:
    output = torch.from_numpy(Y) if given == "torch" else Y
    whole = {"function": "post.py:ahead"}
    found = reader(folder, whole, {**whole, "slice": "0:2"}).read(lambda: output)
    np.testing.assert_array_equal(found[0], [6.0, 0.0])
    np.testing.assert_array_equal(found[1], [-6.0, -1.0])


def test_quantities_of_one_tensor_share_its_function(folder: Path) -> None:
    spec = {"function": "post.py:ahead"}
    made = reader(folder, spec, {**spec, "quantity": "logit"}, {**spec, "quantity": "entropy"})
    made.read(lambda: Y)
    (function,) = made._functions.values()
    assert function.call.__globals__["calls"] == ["ndarray"]


def test_its_files_are_hashed_with_those_of_the_model(folder: Path) -> None:
    made = reader(folder, {"function": "post.py:ahead"})
    assert [file.name for file in made.files] == ["post.py", "weights.py"]
    model = TorchModel(lambda x: x, dtype="float32")
    before = hashes(model, made.files)
    assert set(before) == {"post.py", "weights.py"}
    (folder / "weights.py").write_text("SCALE = 3.0\n")
    after = hashes(model, made.files)
    assert before["post.py"] == after["post.py"]
    assert before["weights.py"] != after["weights.py"]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("post.py:aehad", "no function 'aehad' in post.py: it has"),
        ("post.py:number", "is of the type int"),
        ("pst.py:spread", "that folder has post.py, weights.py"),
        ("post.py:broken", "broken() of a tensor (2, 3) raised TypeError"),
        ("post.py:text", "text() returned str; it must return a tensor"),
        ("post.py:total", "axis 0 must be the batch"),
    ],
)
def test_what_is_wrong_with_it_is_named(folder: Path, function: str, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        reader(folder, {}, {"function": function}).learn(lambda: Y, 2)
    (found,) = caught.value.faults
    assert found.place == "outputs[1].function"
    assert words in found.message


def test_what_it_raises_names_its_line(folder: Path) -> None:
    line = CODE.splitlines().index("    return tensor / None") + 1
    with pytest.raises(ModelError, match=rf"post\.py:{line}\)"):
        reader(folder, {"function": "post.py:broken"}).read(lambda: Y)


def test_a_file_that_cannot_be_imported_is_the_fault_of_the_function(folder: Path) -> None:
    (folder / "post.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ModelError, match=r"importing post\.py raised ModuleNotFoundError") as caught:
        reader(folder, {"function": "post.py:ahead"})
    assert caught.value.faults[0].place == "outputs[0].function"
