"""Loading weights into an architecture: what is found by itself, and what each mismatch is answered with."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import load
from support.networks import SOURCE, net
from support.requirements import require_module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parsl_sa.models import Model

ROWS = np.random.default_rng(0).standard_normal((5, 3))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Model]:
    """Save what is given as a file, and load it into the network of `support.networks`."""

    def write(held: Any, name: str = "net.pt", **model: Any) -> Model:
        (tmp_path / "code.py").write_text(SOURCE)
        torch.save(held, tmp_path / name)
        return load({"path": name, "architecture": "code.py:Net", **model}, tmp_path)

    return write


def fault(load_it: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        load_it()
    (only,) = caught.value.faults
    return only.place, only.message


def expected() -> np.ndarray[Any, Any]:
    with torch.inference_mode():
        return net().eval()(torch.tensor(ROWS, dtype=torch.float32))["y"].numpy()


def other() -> dict[str, torch.Tensor]:
    return {name: torch.zeros_like(tensor) for name, tensor in net().state_dict().items()}


def under(prefix: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in weights.items()}


class TestWhatIsFound:
    @pytest.mark.parametrize(
        ("wrap", "said"),
        [
            (lambda weights: weights, ""),
            (lambda weights: under("module", weights), "'module'"),
            (lambda weights: under("module.model", weights), "'module.model'"),
            (lambda weights: {"epoch": 3, "state_dict": weights}, "'state_dict'"),
            (lambda weights: {"model_state_dict": under("model", weights)}, "'model_state_dict.model'"),
            (lambda weights: {**under("model", weights), "loss.weight": torch.ones(2)}, "'model'"),
            (
                lambda weights: {"model": weights, "optimizer": {"state": {0: {"step": torch.ones(1)}}}},
                "'model'",
            ),
        ],
        ids=["plain", "module.", "two prefixes", "checkpoint", "both", "a loss beside it", "an optimizer"],
    )
    def test_one_way_only_is_taken_and_said(
        self, saved: Callable[..., Model], wrap: Callable[[Any], Any], said: str
    ) -> None:
        model = saved(wrap(net().state_dict()))
        np.testing.assert_array_equal(model(ROWS)["y"], expected())
        assert (" ".join(model.remarks).count(said) == 1) if said else not model.remarks

    def test_a_key_chooses_between_several(self, saved: Callable[..., Model]) -> None:
        held = {"state_dict": other(), "ema": under("module", net().state_dict())}
        np.testing.assert_array_equal(saved(held, key="ema.module")(ROWS)["y"], expected())
        np.testing.assert_array_equal(saved(held, key="state_dict")(ROWS)["y"], np.zeros((5, 1)))
        place, message = fault(lambda: saved(held))
        assert (place, "'state_dict', 'ema.module'; name one" in message) == ("model.key", True)
        place, message = fault(lambda: saved(held, key="average"))
        assert (place, "no weights under 'average'" in message) == ("model.key", True)

    def test_safetensors(self, tmp_path: Path) -> None:
        require_module("safetensors")
        from safetensors.torch import save_file

        (tmp_path / "code.py").write_text(SOURCE)
        save_file(net().state_dict(), tmp_path / "net.safetensors")
        model = load({"path": "net.safetensors", "architecture": "code.py:Net"}, tmp_path)
        np.testing.assert_array_equal(model(ROWS)["y"], expected())
        assert [path.name for path in model.files] == ["net.safetensors", "code.py"]

    def test_the_old_form_of_torch_save(self, tmp_path: Path) -> None:
        (tmp_path / "code.py").write_text(SOURCE)
        torch.save(net().state_dict(), tmp_path / "net.pt", _use_new_zipfile_serialization=False)
        model = load({"path": "net.pt", "architecture": "code.py:Net"}, tmp_path)
        np.testing.assert_array_equal(model(ROWS)["y"], expected())

    def test_counters_that_old_files_lack(self, tmp_path: Path) -> None:
        (tmp_path / "code.py").write_text("from torch import nn\ndef norm():\n    return nn.BatchNorm1d(3)\n")
        weights = nn.BatchNorm1d(3).state_dict()
        del weights["num_batches_tracked"]
        torch.save(weights, tmp_path / "net.pt")
        assert load({"path": "net.pt", "architecture": "code.py:norm"}, tmp_path)(ROWS).shape == (5, 3)


class TestMistakes:
    def test_other_weights_are_listed(self, saved: Callable[..., Model]) -> None:
        weights = net().state_dict()
        weights["last.weight"] = torch.zeros(2, 8)
        weights["extra"] = weights.pop("last.bias")
        place, message = fault(lambda: saved(weights))
        assert place == "model.architecture"
        for words in (
            "not those of this Net",
            "lacks 'last.bias'",
            "besides 'extra'",
            "'last.weight (2, 8) for (1, 8)'",
        ):
            assert words in message

    def test_only_the_first_few_are_listed(self, saved: Callable[..., Model]) -> None:
        weights = {f"w{index}": torch.zeros(1) for index in range(40)}
        assert "and 35 more" in fault(lambda: saved(weights))[1]

    def test_other_objects_need_trust(self, saved: Callable[..., Model]) -> None:
        held = {"state_dict": net().state_dict(), "args": argparse.Namespace(lr=0.1)}
        place, message = fault(lambda: saved(held))
        assert (place, "argparse.Namespace" in message) == ("model.trust", True)
        model = saved(held, trust=True)
        np.testing.assert_array_equal(model(ROWS)["y"], expected())
        assert any("runs code" in remark for remark in model.remarks)

    def test_nothing_of_the_file_runs_without_trust(
        self, saved: Callable[..., Model], tmp_path: Path
    ) -> None:
        class Trap:
            def __reduce__(self) -> tuple[Any, ...]:
                return os.mkdir, (str(tmp_path / "ran"),)

        assert fault(lambda: saved({"state_dict": net().state_dict(), "trap": Trap()}))[0] == "model.trust"
        assert not (tmp_path / "ran").exists()

    def test_a_checkpoint_without_weights(self, saved: Callable[..., Model]) -> None:
        place, message = fault(lambda: saved({"epoch": 3, "loss": 0.1}))
        assert (place, "no dict of tensors; it has epoch, loss" in message) == ("model.path", True)

    def test_what_is_no_architecture(self, saved: Callable[..., Model], tmp_path: Path) -> None:
        (tmp_path / "lambda.py").write_text("def load():\n    return lambda x: x\n")
        weights = net().state_dict()
        assert fault(lambda: saved(weights, architecture="lambda.py:load"))[0] == "model.architecture"
        assert fault(lambda: saved(weights, architecture="code.py:Nte"))[0] == "model.architecture"
        assert (
            fault(lambda: saved(weights, loader="state-dict", architecture=None))[0] == "model.architecture"
        )
        assert fault(lambda: saved(weights, options={"widht": 3}))[0] == "model.options.widht"
