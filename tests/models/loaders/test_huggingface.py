"""Loading folders of Hugging Face: images and tokens by name, and weights that would be made up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator, load
from parsl_sa.models.inputs import Assembler
from parsl_sa.models.selection import select
from support.requirements import require_module

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Write a small vision transformer, in training mode and in halves."""
    require_module("transformers", "safetensors")
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    config = ViTConfig(**SMALL, image_size=8, patch_size=4, num_channels=1, hidden_dropout_prob=0.5)
    ViTForImageClassification(config).bfloat16().train().save_pretrained(tmp_path / "vit")
    return tmp_path


def fault(folder: Path, **model: Any) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        load({"path": "vit", **model}, folder)
    (only,) = caught.value.faults
    return only.place, only.message


def test_an_image_goes_in_and_logits_come_out(images: Path) -> None:
    model = load({"path": "vit"}, images)
    (only,) = model.inputs
    assert (only.name, only.shape, only.dtype) == ("pixel_values", (None, 1, 8, 8), "float32")
    pixels = np.random.default_rng(0).random((4, 1, 8, 8))
    output = model({"pixel_values": pixels})
    assert select(output, "logits").shape == (4, 2)
    np.testing.assert_array_equal(select(output, "logits"), select(model(pixels), "logits"))
    assert [path.name for path in model.files] == ["config.json", "model.safetensors"]


def test_halves_are_evaluated_in_float32_and_said(images: Path) -> None:
    model = load({"path": "vit"}, images)
    assert model.dtype == "float32"
    assert any("the weights are bfloat16" in remark for remark in model.remarks)


def test_weights_that_would_be_random_are_refused(images: Path) -> None:
    model = {"auto_class": "AutoModelForMaskedImageModeling"}
    place, message = fault(images, options=model)
    assert place == "model.path"
    assert "lacks weights of AutoModelForMaskedImageModeling, which would be random: decoder" in message


def test_the_class_is_needed_where_the_folder_does_not_say(images: Path) -> None:
    config = json.loads((images / "vit" / "config.json").read_text())
    (images / "vit" / "config.json").write_text(json.dumps({**config, "architectures": None}))
    assert fault(images)[0] == "model.options.auto_class"
    assert fault(images, options={"auto_class": "AutoModelForEverything"})[0] == "model.options.auto_class"
    named = load({"path": "vit", "options": {"auto_class": "AutoModelForImageClassification"}}, images)
    assert type(named.module).__name__ == "ViTForImageClassification"


def test_code_of_the_folder_needs_trust(images: Path) -> None:
    config = json.loads((images / "vit" / "config.json").read_text())
    config["auto_map"] = {"AutoModelForImageClassification": "modeling.Net"}
    (images / "vit" / "config.json").write_text(json.dumps(config))
    place, message = fault(images)
    assert (place, "code of its own" in message) == ("model.trust", True)


@pytest.mark.parametrize("key", ["trust_remote_code", "local_files_only", "weights_only"])
def test_what_may_run_or_be_fetched_is_no_option(images: Path, key: str) -> None:
    for value in (True, False):
        place, message = fault(images, options={key: value}, trust=True)
        assert place == f"model.options.{key}"
        assert "cannot be set" in message


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    require_module("transformers")
    (tmp_path / "vit").mkdir()
    assert "without a config.json" in fault(tmp_path)[1]
    (tmp_path / "vit" / "config.json").write_text("{")
    assert "cannot be read" in fault(tmp_path)[1]


def test_dropout_may_stay_active(images: Path) -> None:
    model = load({"path": "vit", "mode": "dropout"}, images)
    rows = np.random.default_rng(0).random((6, 1, 8, 8))
    still = load({"path": "vit"}, images)
    assert not torch.equal(model(rows).logits, still(rows).logits)
    assert torch.equal(model(rows).logits, model(rows).logits)


def test_tokens(tmp_path: Path) -> None:
    require_module("transformers")
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(**SMALL, vocab_size=20)).save_pretrained(tmp_path / "vit")
    model = load({"path": "vit"}, tmp_path)
    assert (model.inputs[0].name, model.inputs[0].dtype) == ("input_ids", "int64")
    tokens, mask = np.arange(12).reshape(3, 4), np.ones((3, 4), np.int64)
    assert model({"input_ids": tokens, "attention_mask": mask}).logits.shape == (3, 2)
    evaluator = Evaluator(model, [{"name": "y", "select": "logits"}], Assembler(4))
    with pytest.raises(ModelError, match="Int"):  # a parameter's fractions are no tokens
        evaluator.probe(np.random.default_rng(0).random((4, 4)))
