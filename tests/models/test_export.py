"""A live module as a file for other processes, or the reason why it cannot be one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import load
from parsl_sa.models.export import export

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.random.default_rng(3).standard_normal((10, 3))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.norm, self.drop = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": self.drop(self.norm(self.layer(x))).tanh()}


class Branching(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.sum() > 0 else x


def refused(function: Any, path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        export(function, 3, path)
    (only,) = caught.value.faults
    assert only.place == "model"
    assert not path.exists()
    return only.message


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("dtype", ["auto", "float64"])
def test_the_file_gives_what_the_module_gives_at_any_batch(tmp_path: Path, dtype: str) -> None:
    own = Net()
    path = export(own, 3, tmp_path / "model.pt2", dtype)
    model = load({"loader": "exported", "path": path.name, "dtype": dtype}, tmp_path)
    assert model.fixed_batch is None
    assert model.inputs[0].shape == (None, 3)
    assert own.training, "the caller's module is left in its mode"
    kind = torch.float64 if dtype == "float64" else torch.float32
    with torch.no_grad():
        expected = own.to(kind).eval()(torch.tensor(ROWS, dtype=kind))["y"]
    for batch in (2, 10):
        got = model(ROWS[:batch])["y"]
        np.testing.assert_allclose(got, expected[:batch], rtol=1e-5, atol=1e-6)


def test_a_function_is_refused_with_the_cure(tmp_path: Path) -> None:
    message = refused(lambda x: x, tmp_path / "model.pt2")
    assert "a function of this Python process cannot be sent to other processes" in message
    assert 'loader "python"' in message
    assert 'site="inline"' in message


def test_what_torch_cannot_trace_is_refused_with_torchs_reason(tmp_path: Path) -> None:
    message = refused(Branching(), tmp_path / "model.pt2")
    assert "torch.export refuses this module (" in message
    assert 'site="inline"' in message
