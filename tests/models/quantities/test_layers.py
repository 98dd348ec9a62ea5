"""Activations of layers by name, in the one forward that gives everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import load
from parsl_sa.models.evaluator import Evaluator
from parsl_sa.models.export import export
from parsl_sa.models.inputs import Assembler
from parsl_sa.models.quantities import Reader
from parsl_sa.models.wrapped import NumpyModel, TorchModel

if TYPE_CHECKING:
    from pathlib import Path

X = np.random.default_rng(1).normal(size=(8, 3))


class Net(nn.Module):
    """Two blocks with one shared activation, a recurrent layer, and a layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True))
        self.act = nn.Tanh()
        self.rnn = nn.LSTM(4, 5, batch_first=True)
        self.head = nn.Linear(5, 2)
        self.unused = nn.Linear(1, 1)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return two scores."""
        self.calls += 1
        h = self.act(self.features(x))
        h, _ = self.rnn(h[:, None])
        return self.act(self.head(h[:, 0]))


def net() -> Net:
    return Net().double().eval()


def layer(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "layer": name, **fields}


def read(module: Net, *specs: dict[str, Any]) -> list[Any]:
    model = TorchModel(module, dtype="float64")
    return Reader(specs, module=model.module).read(lambda: model(X))


def test_activations_come_from_the_same_forward() -> None:
    module = net()
    evaluator = Evaluator(
        TorchModel(module, dtype="float64"),
        [layer("features.0"), {"name": "y"}, layer("head", slice="0")],
        Assembler(3),
    )
    evaluator.learn(X)
    assert module.calls == 1
    found = evaluator.evaluate(X, batch=8)
    assert module.calls == 2
    with torch.inference_mode():
        expected = module.features[0](torch.from_numpy(X)).numpy()
    # What the first layer returned, and not what ReLU(inplace=True) made of it.
    np.testing.assert_array_equal(found[:, :4], expected)
    assert (expected < 0).any()
    np.testing.assert_array_equal(found[:, 4], np.tanh(found[:, 6]))


def test_of_several_runs_the_last_counts_and_of_several_tensors_the_first() -> None:
    module = net()
    last, output, rnn = read(module, layer("act"), {"name": "y"}, layer("rnn", slice="0"))
    np.testing.assert_array_equal(last, output)
    assert rnn.shape == (8, 5)
    model = TorchModel(module, dtype="float64")
    reader = Reader([layer("act"), layer("rnn")], module=module)
    reader.learn(lambda: model(X), 8)
    assert set(reader.remarks) == {
        "outputs[0].layer: 'act' runs 2 times in a forward; its last run is taken",
        "outputs[1].layer: 'rnn' returns several tensors; the first is taken, at 0",
    }


def test_hooks_are_gone_afterwards() -> None:
    module = net()
    read(module, layer("head"))
    assert not any(child._forward_hooks for child in module.modules())
    with pytest.raises(ZeroDivisionError):
        Reader([layer("head")], module=module).read(lambda: 1 / 0)
    assert not any(child._forward_hooks for child in module.modules())


def test_a_layer_may_hold_the_scores() -> None:
    module = net()
    (p,) = read(module, layer("head", quantity="probability", target=1))
    (head,) = read(module, layer("head"))
    np.testing.assert_allclose(p, 1 / (1 + np.exp(head[:, 0] - head[:, 1])), rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("haed", "no layer 'haed'; did you mean 'head'? there are features, features.0, features.1, act"),
        ("unused", "'unused' did not run by itself in the forward: it is never called"),
    ],
)
def test_a_layer_that_gives_nothing_is_named(name: str, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        read(net(), {"name": "y"}, layer(name))
    assert caught.value.faults[0].place == "outputs[1].layer"
    assert words in caught.value.faults[0].message


def test_a_layer_without_the_batch_in_front_names_the_layer() -> None:
    class Turned(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.T

    module = nn.Sequential(Turned(), Turned())
    with pytest.raises(ModelError) as caught:
        Reader([layer("0")], module=module).learn(lambda: module(torch.zeros(8, 3)), 8)
    assert caught.value.faults[0].place == "outputs[0].layer"
    assert "movedim(1, 0)" in caught.value.faults[0].message


def test_an_exported_network_has_no_layers_that_run(tmp_path: Path) -> None:
    export(nn.Sequential(nn.Linear(3, 4), nn.Tanh()).eval(), 3, tmp_path / "net.pt2")
    model = load({"loader": "exported", "path": "net.pt2"}, tmp_path)
    with pytest.raises(ModelError) as caught:
        Evaluator(model, [layer("0")], Assembler(3)).learn(X)
    assert caught.value.faults[0].place == "outputs[0].layer"


def test_a_function_on_arrays_has_no_layers() -> None:
    with pytest.raises(ModelError, match="only the layers of a torch module can be looked into"):
        Evaluator(NumpyModel(lambda x: x, dtype="float64"), [layer("0")], Assembler(3))
