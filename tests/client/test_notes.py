"""What a probe notes beside its warnings: outputs whose last bits depend on the size of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parsl_sa.client.notes import batch_bits
from parsl_sa.models import Assembler, Evaluator
from parsl_sa.models.wrapped import NumpyModel

ROWS = np.random.default_rng(0).uniform(size=(8, 2))


def of_batch(x: Any) -> Any:
    """Return sums whose last bits tell the size of the batch."""
    return x.sum(axis=1) + len(x) * 2.0**-50


@pytest.mark.parametrize(("function", "told"), [(of_batch, 1), (lambda x: x.sum(axis=1), 0)])
def test_bits_that_depend_on_the_batch_are_noted(function: Any, told: int) -> None:
    evaluator = Evaluator(NumpyModel(function, dtype="float64"), [{"name": "y"}], Assembler(2))
    evaluator.probe(ROWS)
    said = list(batch_bits(evaluator, ROWS, evaluator.evaluate(ROWS, 4), 4))
    assert len(said) == told
    assert all("depend on the size of a batch" in text for text in said)


def test_a_model_of_one_batch_has_no_other() -> None:
    model = NumpyModel(of_batch, dtype="float64", fixed_batch=4, smallest_batch=4, largest_batch=4)
    evaluator = Evaluator(model, [{"name": "y"}], Assembler(2))
    evaluator.probe(ROWS)
    assert list(batch_bits(evaluator, ROWS, evaluator.evaluate(ROWS, 4), 4)) == []
