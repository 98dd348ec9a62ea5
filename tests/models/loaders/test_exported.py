"""Loading torch.export files: batch, width and dtype come from the file itself."""

from __future__ import annotations

import io
import json
import os
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.export import Dim, export, save

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator, choose_batch, load
from parsl_sa.models.inputs import Assembler
from parsl_sa.models.loaders import pt2

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = np.random.default_rng(0).standard_normal((10, 3))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 2)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> dict[str, Any]:
        return {"a": self.drop(self.layer(x)), "b": (x.sum(1),)}


def write(path: Path, module: nn.Module, example: tuple[torch.Tensor, ...], dim: Any = None) -> None:
    shapes = None if dim is None else ({0: dim},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(export(module, example, dynamic_shapes=shapes), path)


def fault(path: Path, **model: Any) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        load({"loader": "exported", "path": path.name, **model}, path.parent)
    (only,) = caught.value.faults
    return only.place, only.message


def test_a_static_batch_is_read_and_kept(tmp_path: Path) -> None:
    net = Net().eval()
    write(tmp_path / "net.pt2", net, (torch.zeros(4, 3),))
    model = load({"loader": "exported", "path": "net.pt2"}, tmp_path)
    assert (model.fixed_batch, model.inputs[0].shape, model.dtype) == (4, (4, 3), "float32")
    evaluator = Evaluator(model, [{"name": "a", "select": "a"}, {"name": "b", "select": "b.0"}], Assembler(3))
    evaluator.probe(ROWS)
    choice = choose_batch(evaluator, ROWS, 2**30, 1024)
    assert choice.batch == 4
    got = evaluator.evaluate(ROWS, 4)
    with torch.inference_mode():
        expected = net(torch.tensor(ROWS, dtype=torch.float32))["a"]
    np.testing.assert_allclose(got[:, :2], expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ModelError, match="exactly 4 rows at once, not 8"):
        evaluator.evaluate(ROWS, 8)


@pytest.mark.parametrize(
    ("dim", "bounds"),
    [(Dim("batch"), (1, None)), (Dim("batch", min=2, max=64), (2, 64)), (Dim.AUTO, None)],
    ids=["open", "bounded", "auto"],
)
def test_a_dynamic_batch_is_read_with_its_bounds(
    tmp_path: Path, dim: Any, bounds: tuple[int, int | None] | None
) -> None:
    write(tmp_path / "net.pt2", Net().eval(), (torch.zeros(4, 3),), dim)
    model = load({"loader": "exported", "path": "net.pt2"}, tmp_path)
    assert model.fixed_batch is None
    if bounds:
        assert (model.smallest_batch, model.largest_batch) == bounds
    evaluator = Evaluator(model, [{"name": "a", "select": "a"}], Assembler(3))
    evaluator.probe(ROWS[:1])
    np.testing.assert_allclose(evaluator.evaluate(ROWS, 8), evaluator.evaluate(ROWS, 2), rtol=1e-5, atol=1e-6)
    choice = choose_batch(evaluator, ROWS, 2**30, 1024)
    assert 2 <= choice.batch <= (model.largest_batch or 1024)


def test_a_batch_that_is_a_multiple_is_served_at_its_own_size(tmp_path: Path) -> None:
    class Grouped(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.reshape(-1, 4, 3).sum(2).reshape(-1)

    write(tmp_path / "net.pt2", Grouped(), (torch.zeros(8, 3),), 4 * Dim("groups", max=100))
    model = load({"loader": "exported", "path": "net.pt2"}, tmp_path)
    assert model.fixed_batch == 8
    evaluator = Evaluator(model, [{"name": "y"}], Assembler(3))
    evaluator.probe(ROWS)
    np.testing.assert_allclose(evaluator.evaluate(ROWS, 8)[:, 0], ROWS.sum(1), rtol=1e-5, atol=1e-6)


def test_float64_is_read_from_the_file(tmp_path: Path) -> None:
    write(tmp_path / "net.pt2", nn.Linear(3, 1).double(), (torch.zeros(4, 3).double(),), Dim("batch"))
    assert load({"loader": "exported", "path": "net.pt2"}, tmp_path).dtype == "float64"
    assert fault(tmp_path / "net.pt2", dtype="float32") == (
        "model.dtype",
        "the file was exported for float64; use 'auto' or export again",
    )


def test_another_width_is_refused_before_any_call(tmp_path: Path) -> None:
    write(tmp_path / "net.pt2", Net().eval(), (torch.zeros(4, 3),))
    evaluator = Evaluator(
        load({"loader": "exported", "path": "net.pt2"}, tmp_path),
        [{"name": "a", "select": "a"}],
        Assembler(5),
    )
    with pytest.raises(ModelError) as caught:
        evaluator.probe(np.zeros((4, 5)))
    (only,) = caught.value.faults
    assert only.place == "inputs.parameters"
    assert "5 columns" in only.message
    assert "takes 3" in only.message


@pytest.mark.parametrize("module", [nn.Dropout(0.5), nn.BatchNorm1d(3)], ids=["dropout", "batch norm"])
def test_training_mode_is_refused(tmp_path: Path, module: nn.Module) -> None:
    write(tmp_path / "net.pt2", module.train(), (torch.zeros(4, 3),))
    place, message = fault(tmp_path / "net.pt2")
    assert place == "model.path"
    assert "module.eval() before torch.export.export" in message


def test_what_is_no_exported_program_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text.pt2").write_text("nope")
    torch.save(nn.Linear(3, 1).state_dict(), tmp_path / "weights.pt2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(3, 1)), tmp_path / "script.pt2")
    assert "no file" in fault(tmp_path / "absent.pt2")[1]
    assert "is not a torch.export file; make one" in fault(tmp_path / "text.pt2")[1]
    assert "file of weights" in fault(tmp_path / "weights.pt2")[1]
    assert "TorchScript file; set model.loader to 'torchscript'" in fault(tmp_path / "script.pt2")[1]


class Two(nn.Module):
    def forward(self, x: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        return x - shift


def test_an_image_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "image.pt2", nn.Conv2d(3, 2, 3), (torch.zeros(4, 3, 24, 24),), Dim("batch"))
    model = load({"loader": "exported", "path": "image.pt2"}, tmp_path)
    (only,) = model.inputs
    assert (only.shape, only.dtype) == ((None, 3, 24, 24), "float32")
    assert model(np.zeros((2, 3, 24, 24))).shape == (2, 2, 22, 22)


def test_several_inputs_are_taken_by_name(tmp_path: Path) -> None:
    batch = Dim("batch")
    example = (torch.zeros(4, 3), torch.zeros(4, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(export(Two(), example, dynamic_shapes=({0: batch}, {0: batch})), tmp_path / "two.pt2")
    model = load({"loader": "exported", "path": "two.pt2"}, tmp_path)
    assert [(one.name, one.shape) for one in model.inputs] == [("x", (None, 3)), ("shift", (None, 1))]
    named = {"shift": np.full((10, 1), 2.0), "x": ROWS}
    np.testing.assert_allclose(model(named), ROWS - 2.0, rtol=1e-6)
    with pytest.raises(
        ModelError, match=r"inputs\.template: .*takes the inputs x, shift; it was given x, lift"
    ):
        model({"x": ROWS, "lift": ROWS})


def test_other_signatures_are_refused(tmp_path: Path) -> None:
    class Nested(nn.Module):
        def forward(self, pair: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
            return pair[0] + pair[1]

    write(tmp_path / "nested.pt2", Nested(), ((torch.zeros(4, 3), torch.zeros(4, 3)),))
    write(tmp_path / "sizes.pt2", Two(), (torch.zeros(4, 3), torch.zeros(1, 3)))
    write(tmp_path / "mixed.pt2", Two(), (torch.zeros(4, 3), torch.zeros(4, 3).double()))
    write(tmp_path / "half.pt2", nn.Identity(), (torch.zeros(4, 3, dtype=torch.float16),))
    assert "takes tensors alone" in fault(tmp_path / "nested.pt2")[1]
    assert "different batch sizes (x 4, shift 1)" in fault(tmp_path / "sizes.pt2")[1]
    assert "inputs are float32, float64" in fault(tmp_path / "mixed.pt2")[1]
    assert "float16" in fault(tmp_path / "half.pt2")[1]
    assert fault(tmp_path / "sizes.pt2", options={"a": 1})[0] == "model.options"
    assert fault(tmp_path / "sizes.pt2", arrays="numpy")[0] == "model.arrays"
    assert fault(tmp_path / "sizes.pt2", mode="dropout")[0] == "model.mode"


class Evil:
    """Makes the folder `ran` when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, ("ran",)


def pickled(_: bytes) -> bytes:
    buffer = io.BytesIO()
    torch.save(Evil(), buffer)
    return buffer.getvalue()


def as_pickle(config: bytes) -> bytes:
    made = json.loads(config)
    for each in made["config"].values():
        each["use_pickle"] = True
    return json.dumps(made).encode()


def as_object(config: bytes) -> bytes:
    return config.replace(b"tensor_0", b"opaque_obj_0")


def written(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(text: bytes) -> bytes:
        assert old.encode() in text
        return text.replace(old.encode(), new.encode())

    return change


def forge(path: Path, changes: dict[str, Callable[[bytes], bytes]], more: tuple[str, ...] = ()) -> None:
    """Write a file like `path` in its place, some records of it changed, some added."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in records.items():
            changed = [change for end, change in changes.items() if name.endswith(end)]
            archive.writestr(name, changed[0](data) if changed else data)
        for name in more:
            archive.writestr(name, pickled(b""))


def root_of(path: Path) -> str:
    """Return the folder that the records of an archive are in."""
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()[0].partition("/")[0]


COMMAND = "__import__('os').mkdir('ran')"
CONTEXT = r"\"context\": \""  # of a form of inputs, which is JSON within JSON
FORGED: dict[str, tuple[dict[str, Callable[[bytes], bytes]], tuple[str, ...]]] = {
    "sample inputs": ({"sample_inputs/model.pt": pickled}, ()),
    "weights": ({"weights_config.json": as_pickle, "weight_0": pickled, "weight_1": pickled}, ()),
    "old weights": ({}, ("net/data/weights/model.pt",)),
    "constants": ({"constants_config.json": as_pickle, "tensor_0": pickled}, ()),
    "objects": ({"constants_config.json": as_object}, ("net/data/constants/opaque_obj_0",)),
    "old form": ({}, ("version", "serialized_exported_program.json")),
    "library": ({}, ("net/data/aotinductor/model/model.so",)),
    "formula": ({"model.json": written('"expr_str": "', f'"expr_str": "{COMMAND} or ')}, ()),
    "guard": ({"model.json": written('"guards_code": []', f'"guards_code": ["{COMMAND}"]')}, ()),
    "operator": ({"model.json": written("torch.ops.aten.mul.Tensor", "torch.os.mkdir")}, ()),
    "name": ({"model.json": written('"x"', f'"x={COMMAND}"')}, ()),
    "module": ({"model.json": written(CONTEXT + "null", CONTEXT + r"{\\\"__enum__\\\": 1}")}, ()),
}


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.scale = torch.tensor([2.0, 3.0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) * self.scale


@pytest.mark.parametrize("part", FORGED)
def test_nothing_of_a_forged_file_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.pt2"
    write(path, Scaled().eval(), (torch.zeros(4, 3),), Dim("batch"))
    assert pt2.runs(path) == ""
    changes, more = FORGED[part]
    root = root_of(path)
    forge(path, changes, tuple(name.replace("net/", f"{root}/") for name in more))
    place, message = fault(path)
    assert place == "model.trust"
    assert "which runs as code" in message
    assert not (tmp_path / "ran").exists()


def test_a_trusted_file_is_read_with_a_remark(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    write(path, Scaled().eval(), (torch.zeros(4, 3),))
    forge(path, {}, (f"{root_of(path)}/data/weights/unused.pt",))
    assert fault(path)[0] == "model.trust"
    model = load({"path": path.name, "trust": True}, tmp_path)
    assert model(np.zeros((4, 3))).shape == (4, 2)
    assert any("(data/weights/unused.pt)" in remark for remark in model.remarks)


def test_sizes_that_torch_writes_need_no_trust(tmp_path: Path) -> None:
    class Grouped(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[: x.shape[0] // 2 * 2].reshape(-1, 2 * x.shape[1]).sum(1).repeat_interleave(2)

    write(tmp_path / "net.pt2", Grouped(), (torch.zeros(8, 3),), 4 * Dim("groups", max=100))
    with zipfile.ZipFile(tmp_path / "net.pt2") as archive:
        (graph,) = [name for name in archive.namelist() if name.endswith("models/model.json")]
        assert len(json.loads(archive.read(graph))["guards_code"]) > 1
    assert pt2.runs(tmp_path / "net.pt2") == ""
