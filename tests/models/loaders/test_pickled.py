"""Loading pickled modules and estimators: only where the spec trusts the file, and it is told what runs."""

from __future__ import annotations

import os
import pickle
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import load
from parsl_sa.models.source import importable

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.random.default_rng(0).standard_normal((5, 3))


def fault(folder: Path, name: str, **model: Any) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        load({"path": name, **model}, folder)
    (only,) = caught.value.faults
    return only.place, only.message


@pytest.mark.parametrize("by", ["torch", "old torch", "pickle"])
def test_a_trusted_module_is_loaded_with_a_warning(tmp_path: Path, by: str) -> None:
    module = nn.Linear(3, 1)
    if by == "pickle":
        (tmp_path / "net.pkl").write_bytes(pickle.dumps(module))
    else:
        torch.save(module, tmp_path / "net.pkl", _use_new_zipfile_serialization=by == "torch")
    model = load({"path": "net.pkl", "trust": True}, tmp_path)
    np.testing.assert_allclose(model(ROWS), module(torch.tensor(ROWS).float()).detach())
    assert model.remarks[0].startswith("model.trust: net.pkl is a pickle, which runs code of its own")


def test_nothing_runs_without_trust(tmp_path: Path) -> None:
    class Trap(nn.Linear):
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save(Trap(3, 1), tmp_path / "net.pt")
    place, message = fault(tmp_path, "net.pt", loader="pickle")
    assert (place, "set it to true if you trust" in message) == ("model.trust", True)
    assert fault(tmp_path, "net.pt")[0] == "model.trust"
    assert not (tmp_path / "ran").exists()


def test_a_class_beside_the_file_is_found_and_one_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "their_net.py").write_text("from torch import nn\nclass Net(nn.Linear):\n    pass\n")
    with importable(tmp_path, []):
        from their_net import Net  # type: ignore[import-not-found]

        sys.modules["their_net"].Net = Net
        torch.save(Net(3, 1), tmp_path / "net.pt")
    model = load({"path": "net.pt", "trust": True}, tmp_path)
    assert [path.name for path in model.files] == ["net.pt", "their_net.py"]
    (tmp_path / "their_net.py").unlink()
    place, message = fault(tmp_path, "net.pt", trust=True)
    assert place == "model.path"
    assert "put the file that defines it beside the pickle" in message


def test_what_is_no_module_is_named(tmp_path: Path) -> None:
    torch.save(torch.Size([3]), tmp_path / "net.pt")
    assert "holds a Size" in fault(tmp_path, "net.pt", loader="pickle", trust=True)[1]
