"""Loading ONNX: batch sizes, inputs and outputs by name, dtypes, external data, and what cannot be fed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator, choose_batch, load
from parsl_sa.models.inputs import Assembler
from support.networks import FIELDS, net, write_onnx
from support.requirements import require_module

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.random.default_rng(0).standard_normal((10, 3))


@pytest.fixture(autouse=True)
def needs_onnx() -> None:
    require_module("onnx", "onnxruntime")


def write(path: Path, nodes: list[Any], inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
    """Write a graph of nodes, with inputs and outputs as (dtype, shape) by name."""
    import onnx
    from onnx import helper

    def described(tensors: dict[str, Any]) -> list[Any]:
        return [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            for name, (dtype, shape) in tensors.items()
        ]

    graph = helper.make_graph(
        [helper.make_node(*node) for node in nodes], "g", described(inputs), described(outputs)
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def fault(folder: Path, **model: Any) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        load({"path": "net.onnx", **model}, folder)
    (only,) = caught.value.faults
    return only.place, only.message


def test_it_gives_what_torch_gives(tmp_path: Path) -> None:
    module = net().eval()
    write_onnx(tmp_path / "net.onnx", module)
    model = load({"path": "net.onnx"}, tmp_path)
    with torch.inference_mode():
        expected = module(torch.tensor(ROWS, dtype=torch.float32))
    for name in ("y", "h"):
        np.testing.assert_allclose(model(ROWS)[name], expected[name], rtol=1e-5, atol=1e-6)
    assert (model.inputs[0].name, model.inputs[0].shape, model.fixed_batch) == ("x", (None, 3), None)


def test_a_static_batch_is_kept_to(tmp_path: Path) -> None:
    write_onnx(tmp_path / "net.onnx", net().eval(), batch=4)
    model = load({"path": "net.onnx"}, tmp_path)
    assert (model.fixed_batch, model.smallest_batch, model.largest_batch) == (4, 4, 4)
    evaluator = Evaluator(model, FIELDS, Assembler(3))
    evaluator.probe(ROWS)
    assert choose_batch(evaluator, ROWS, 2**30, 1024).batch == 4
    assert evaluator.evaluate(ROWS, 4).shape == (10, 9)


def test_several_inputs_are_given_by_name(tmp_path: Path) -> None:
    wide, narrow = ("float32", ["n", 3]), ("float32", ["n", 1])
    write(tmp_path / "net.onnx", [("Add", ["x", "f"], ["y"])], {"x": wide, "f": narrow}, {"y": wide})
    model = load({"path": "net.onnx"}, tmp_path)
    np.testing.assert_allclose(model({"f": np.ones((10, 1)), "x": ROWS}), ROWS + 1, rtol=1e-6)
    with pytest.raises(ModelError, match="takes the inputs x, f by name; it was given x"):
        model(ROWS)
    with pytest.raises(ModelError, match="it was given f, x, z"):
        model({"f": np.ones((10, 1)), "x": ROWS, "z": ROWS})


def test_whole_numbers_are_not_cut(tmp_path: Path) -> None:
    whole = ("int64", ["n", 3])
    write(tmp_path / "net.onnx", [("Identity", ["i"], ["o"])], {"i": whole}, {"o": whole})
    model = load({"path": "net.onnx"}, tmp_path)
    np.testing.assert_array_equal(model(np.full((2, 3), 7.0)), np.full((2, 3), 7))
    with pytest.raises(ValueError, match="'i' takes int64 and was given fractions"):
        model(ROWS)


def test_dots_in_the_names_of_outputs(tmp_path: Path) -> None:
    nodes = [("Identity", ["x"], ["out.0"]), ("Neg", ["x"], ["out.1"])]
    shape = ("float32", ["n", 3])
    write(tmp_path / "net.onnx", nodes, {"x": shape}, {"out.0": shape, "out.1": shape})
    assert set(load({"path": "net.onnx"}, tmp_path)(ROWS)) == {"out_0", "out_1"}


def test_external_data_are_files_of_the_model(tmp_path: Path) -> None:
    import onnx

    write_onnx(tmp_path / "net.onnx", net().eval())
    held = onnx.load(tmp_path / "net.onnx")
    beside = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save(held, tmp_path / "net.onnx", **beside)
    assert [path.name for path in load({"path": "net.onnx"}, tmp_path).files] == ["net.onnx", "weights.bin"]
    (tmp_path / "weights.bin").unlink()
    place, message = fault(tmp_path)
    assert (place, "weights.bin" in message) == ("model.path", True)


def test_what_it_cannot_do_is_refused(tmp_path: Path) -> None:
    write_onnx(tmp_path / "net.onnx", net().eval())
    assert fault(tmp_path, dtype="float64")[0] == "model.dtype"
    assert fault(tmp_path, arrays="torch")[0] == "model.arrays"
    assert fault(tmp_path, mode="dropout")[0] == "model.mode"
    assert fault(tmp_path, options={"a": 1})[0] == "model.options"
    (tmp_path / "net.onnx").write_bytes((tmp_path / "net.onnx").read_bytes()[:60])
    assert fault(tmp_path)[0] == "model.path"


def test_an_input_without_a_batch_is_refused(tmp_path: Path) -> None:
    rows, scalar = ("float32", ["n", 3]), ("float32", [])
    write(tmp_path / "net.onnx", [("Mul", ["x", "scale"], ["y"])], {"x": rows, "scale": scalar}, {"y": rows})
    assert "'scale' of net.onnx has no batch axis" in fault(tmp_path)[1]


def test_threads_are_those_of_torch(tmp_path: Path) -> None:
    write_onnx(tmp_path / "net.onnx", net().eval())
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        options = load({"path": "net.onnx"}, tmp_path).function.session.get_session_options()  # type: ignore[attr-defined]
    finally:
        torch.set_num_threads(before)
    assert (options.intra_op_num_threads, options.use_deterministic_compute) == (1, True)
