"""Dropout that stays active: a function of the batch, all else frozen; and dropout that is hidden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator
from parsl_sa.models.feeding import feed
from parsl_sa.models.inputs import Assembler

ROWS = np.random.default_rng(0).standard_normal((64, 3))


def active(module: nn.Module) -> Any:
    return feed(module, {"mode": "dropout"})


def test_half_of_the_values_are_dropped_and_the_rest_is_doubled() -> None:
    model = active(nn.Dropout(0.5))
    rows = np.ones((100, 100))
    found = model(rows)
    assert set(found.unique().tolist()) == {0.0, 2.0}
    # 10^4 draws of probability 1/2: four standard deviations are 200.
    assert abs(int((found == 0).sum()) - 5000) < 200


def test_the_same_batch_gives_the_same_values_and_another_one_others() -> None:
    model = active(nn.Dropout(0.5))
    before = torch.get_rng_state()
    first = model(ROWS)
    torch.manual_seed(99)
    assert torch.equal(first, model(ROWS))
    changed = np.concatenate([ROWS[:1] + 1e-6, ROWS[1:]])
    assert not torch.equal(first == 0, model(changed) == 0)
    torch.set_rng_state(before)
    model(ROWS)
    assert torch.equal(torch.get_rng_state(), before)


def test_named_inputs_make_the_masks_too() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
            return self.drop(x + shift)

    model = active(Two())
    named = {"x": ROWS, "shift": np.zeros((64, 1))}
    assert torch.equal(model(named), model(named))
    other = {"x": ROWS, "shift": np.ones((64, 1))}
    assert not torch.equal(model(named) == 0, model(other) == 0)


def test_batch_normalisation_stays_frozen() -> None:
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
    model = active(net)
    model(ROWS + 7)
    assert torch.equal(net[0].running_mean, torch.zeros(3))


@pytest.mark.parametrize(
    "layer",
    [nn.LSTM(3, 4, num_layers=2, dropout=0.5, batch_first=True), nn.MultiheadAttention(4, 2, dropout=0.5)],
    ids=["LSTM", "attention"],
)
def test_layers_that_drop_by_themselves_are_active(layer: nn.Module) -> None:
    assert active(nn.Sequential(nn.Linear(3, 3), layer)).module[1].training


def test_a_model_with_dropout_passes_its_probe() -> None:
    evaluator = Evaluator(
        active(nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5))), [{"name": "y"}], Assembler(3)
    )
    evaluator.probe(ROWS)
    np.testing.assert_array_equal(evaluator.evaluate(ROWS, 16), evaluator.evaluate(ROWS, 16))


class Hidden(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, 0.5)


def test_hidden_dropout_is_found_by_repeating() -> None:
    evaluator = Evaluator(feed(Hidden(), {}), [{"name": "y"}], Assembler(3))
    with pytest.raises(ModelError) as caught:
        evaluator.probe(ROWS)
    (only,) = caught.value.faults
    assert only.place == "outputs[0]"
    for words in ("other values the second time", "training=self.training", "model.mode 'dropout'"):
        assert words in only.message
