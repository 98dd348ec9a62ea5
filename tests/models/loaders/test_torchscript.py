"""Loading TorchScript: deprecated and said so, and what trains whatever its mode is refused."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import load
from parsl_sa.models.source import import_file

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.random.default_rng(0).standard_normal((6, 3))
MODULE = nn.Sequential(nn.Linear(3, 64), nn.Dropout(0.5), nn.BatchNorm1d(64))


def write(path: Path, made: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(made(), path)


def loaded(folder: Path, **model: Any) -> Any:
    return load({"path": "net.pt", **model}, folder)


def test_the_form_is_said_to_be_deprecated(tmp_path: Path) -> None:
    write(tmp_path / "net.pt", lambda: torch.jit.trace(MODULE.eval(), torch.zeros(2, 3)))
    (remark,) = loaded(tmp_path).remarks
    assert remark.startswith("model.loader: TorchScript is deprecated")
    assert "use the loader 'exported'" in remark


def test_a_scripted_module_is_put_into_its_mode(tmp_path: Path) -> None:
    write(tmp_path / "net.pt", lambda: torch.jit.script(MODULE.train()))
    still = loaded(tmp_path)
    assert torch.equal(still(ROWS), still(ROWS))
    assert torch.all(still(ROWS) != 0)
    active = loaded(tmp_path, mode="dropout")
    assert 0 < int((active(ROWS) == 0).sum()) < 6 * 64
    assert torch.equal(active(ROWS), active(ROWS))


@pytest.mark.parametrize("kind", ["dropout", "batch_norm"])
def test_what_was_traced_in_training_is_refused(tmp_path: Path, kind: str) -> None:
    layer = {"dropout": nn.Dropout(0.5), "batch_norm": nn.BatchNorm1d(3)}[kind].train()
    write(tmp_path / "net.pt", lambda: torch.jit.trace(layer, torch.zeros(2, 3), check_trace=False))
    with pytest.raises(ModelError, match=rf"model\.path: net.pt trains whatever its mode: {kind}"):
        loaded(tmp_path)


def test_functional_dropout_inside_a_branch_is_found(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(
        "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
        "class Net(nn.Module):\n    def forward(self, x):\n"
        "        if x.sum() > 0:\n            x = F.dropout(x, 0.5)\n        return x\n"
    )
    write(tmp_path / "net.pt", lambda: torch.jit.script(import_file(tmp_path / "code.py").Net()))
    with pytest.raises(ModelError, match="trains whatever its mode: dropout"):
        loaded(tmp_path)
