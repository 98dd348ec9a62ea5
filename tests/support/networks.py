"""One small network, with dropout, in the form of every loader."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from parsl_sa.models.loaders import live
from parsl_sa.models.source import import_file
from support.requirements import require_module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

WIDTH = 3
FIELDS = ({"name": "y", "select": "y"}, {"name": "h", "select": "h", "dims": {"unit": 8}})

SOURCE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, dtype="float32"):
        super().__init__()
        torch.manual_seed(1)
        self.hidden = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5))
        self.last = nn.Linear(8, 1)
        self.to(getattr(torch, dtype)).train()

    def forward(self, x):
        h = self.hidden(x)
        return {"y": self.last(h), "h": h}
"""


@dataclass(frozen=True)
class Network:
    """A network in one loader's form.

    Parameters
    ----------
    model : dict
        The spec's ``model``.
    outputs : tuple of dict
        The spec's ``outputs``.
    """

    model: dict[str, Any]
    outputs: tuple[dict[str, Any], ...] = field(default=FIELDS)


def net(dtype: str = "float32") -> nn.Module:
    """Make the network itself."""
    held: dict[str, Any] = {"__name__": "net"}
    exec(SOURCE, held)
    made: nn.Module = held["Net"](dtype)
    return made


def python(folder: Path, dtype: str) -> Network:
    (folder / "net.py").write_text(SOURCE)
    return Network({"loader": "python", "path": "net.py:Net", "options": {"dtype": dtype}})


def exported(folder: Path, dtype: str) -> Network:
    example = torch.zeros(4, WIDTH, dtype=getattr(torch, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shapes = ({0: torch.export.Dim("batch")},)
        program = torch.export.export(net(dtype).eval(), (example,), dynamic_shapes=shapes)
        torch.export.save(program, folder / "net.pt2")
    return Network({"loader": "exported", "path": "net.pt2"})


def state_dict(folder: Path, dtype: str) -> Network:
    (folder / "code.py").write_text(SOURCE)
    torch.save(net(dtype).state_dict(), folder / "net.pt")
    options = {"dtype": dtype}
    return Network(
        {"loader": "state-dict", "path": "net.pt", "architecture": "code.py:Net", "options": options}
    )


def torchscript(folder: Path, dtype: str) -> Network:
    (folder / "code.py").write_text(SOURCE)  # torch.jit.script reads it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(import_file(folder / "code.py").Net(dtype)), folder / "net.pt")
    return Network({"loader": "torchscript", "path": "net.pt"})


def onnx(folder: Path, dtype: str) -> Network:
    require_module("onnx", "onnxruntime")
    write_onnx(folder / "net.onnx", net(dtype).eval(), dtype)
    return Network({"loader": "onnx", "path": "net.onnx"})


def write_onnx(path: Path, made: Any, dtype: str = "float32", batch: int | str = "batch") -> None:
    """Write the network by hand: torch's exporter needs a package that we do not."""
    import onnx as writer
    from onnx import helper, numpy_helper

    weights = {key.replace(".", "_"): value.detach().numpy() for key, value in made.state_dict().items()}
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        helper.make_node("Gemm", ["x", "hidden_0_weight", "hidden_0_bias"], ["z"], transB=1),
        helper.make_node("Tanh", ["z"], ["h"]),
        helper.make_node("Gemm", ["h", "last_weight", "last_bias"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", kind, [batch, WIDTH])],
        [
            helper.make_tensor_value_info("y", kind, [batch, 1]),
            helper.make_tensor_value_info("h", kind, [batch, 8]),
        ],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    made_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    writer.save(made_model, path)


def huggingface(folder: Path, dtype: str) -> Network:
    require_module("transformers", "safetensors")
    from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

    torch.manual_seed(1)
    config = Wav2Vec2Config(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, conv_dim=(8,),
        conv_stride=(1,), conv_kernel=(1,), feat_extract_norm="layer", num_conv_pos_embeddings=2,
        num_conv_pos_embedding_groups=2, classifier_proj_size=8, num_labels=9, hidden_dropout=0.5,
    )  # fmt: skip
    made = Wav2Vec2ForSequenceClassification(config).to(getattr(torch, dtype)).train()
    made.save_pretrained(folder / "net")
    logits = {"name": "y", "select": "logits", "dims": {"label": 9}}
    return Network({"loader": "huggingface", "path": "net"}, (logits,))


def estimator(folder: Path, dtype: str) -> Network:
    require_module("sklearn")
    import joblib
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, WIDTH)).astype(dtype)
    fitted = LinearRegression().fit(x, rng.standard_normal((30, 9)).astype(dtype))
    joblib.dump(fitted, folder / "net.joblib")
    model = {"loader": "sklearn", "path": "net.joblib", "trust": True, "dtype": dtype}
    return Network(model, ({"name": "y", "dims": {"column": 9}},))


def pickled(folder: Path, dtype: str) -> Network:
    """Write a module of torch's own layers: a class of a test's file is not there in another process."""
    layers = torch.nn.Sequential(net(dtype).hidden, torch.nn.Linear(8, 9, dtype=getattr(torch, dtype)))
    torch.save(layers.train(), folder / "net.pt")
    model = {"loader": "pickle", "path": "net.pt", "trust": True}
    return Network(model, ({"name": "y", "dims": {"column": 9}},))


def of_this_process(folder: Path, dtype: str) -> Network:
    return Network({"loader": "live", "path": live.register(net(dtype))})


MAKERS: dict[str, Callable[[Path, str], Network]] = {
    "python": python,
    "exported": exported,
    "onnx": onnx,
    "huggingface": huggingface,
    "state-dict": state_dict,
    "torchscript": torchscript,
    "sklearn": estimator,
    "pickle": pickled,
    "live": of_this_process,
}
