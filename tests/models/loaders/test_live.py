"""The loader of functions and modules of this very process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import load
from parsl_sa.models.loaders import live


def loaded(function: Any, **model: Any) -> Any:
    return load({"loader": "live", "path": live.register(function), **model}, Path())


def test_a_function_is_found_by_its_name_wherever_that_name_has_been() -> None:
    key = live.register(lambda x: x[:, 0] * 2)
    model = load({"loader": "live", "path": f"/some/folder/{key}", "arrays": "numpy"}, Path("/elsewhere"))
    assert model(np.array([[1.5, 0.0]])) == [3.0]
    assert model.files == ()


def test_names_are_of_this_process_alone() -> None:
    """A study that goes on in another process must not meet another function under its name."""
    keys = {live.register(len) for _ in range(50)}
    assert len(keys) == 50
    assert not any(key.removeprefix("live-").isdigit() and len(key) < 12 for key in keys)


def test_an_unknown_name_says_how_to_go_on() -> None:
    with pytest.raises(ModelError, match=r"of another Python process.*from_function.*resume") as caught:
        load({"loader": "live", "path": "live-gone"}, Path())
    assert caught.value.faults[0].place == "model.path"


def test_a_name_can_be_given_again() -> None:
    key = live.register(lambda x: x)
    assert live.register(np.negative, key) == key
    assert live.registered(key) is np.negative
    assert live.registered("live-gone") is None


def test_the_callers_module_keeps_its_mode_dtype_and_weights() -> None:
    own = nn.Sequential(nn.Linear(2, 1), nn.Dropout(0.5)).train()
    model = loaded(own, dtype="float64")
    assert model.dtype == "float64"
    assert own.training
    assert own[0].weight.dtype is torch.float32
    ones = np.ones((64, 2))
    assert len(np.unique(model(ones).numpy())) == 1  # no dropout: eval mode
    with torch.no_grad():
        own[0].weight.zero_()
    assert float(model(ones)[0, 0]) != float(own[0].bias.detach()[0])


def test_a_module_that_cannot_be_copied_is_taken_itself() -> None:
    own = nn.Linear(2, 1)
    own.derived = own.weight * 2  # a tensor with a history refuses deepcopy
    assert live.apart(own) is own
    assert loaded(own)(np.ones((1, 2))).shape == (1, 1)


def test_another_callable_is_taken_itself() -> None:
    assert live.apart(np.sin) is np.sin


@pytest.mark.parametrize("arrays", ["numpy", "torch"])
def test_the_spec_says_what_it_is_fed(arrays: str) -> None:
    seen: list[type] = []

    def function(x: Any) -> Any:
        seen.append(type(x))
        return x

    loaded(function, arrays=arrays)(np.ones((1, 2)))
    assert seen == [{"numpy": np.ndarray, "torch": torch.Tensor}[arrays]]
