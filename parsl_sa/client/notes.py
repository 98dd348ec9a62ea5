"""What the probe has seen that is good to know, and as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from parsl_sa.models import Evaluator

_FORWARDS = 1 << 12


def accuracy(evaluator: Evaluator) -> Iterator[str]:
    """Say how often the model is right about base inputs as they are; refuse one that guesses."""
    found = evaluator.clean.accuracy()
    if found is not None:
        share = 100 * found.right / found.count
        yield f"the model is right about {found.right:,} of {found.count:,} base inputs ({share:.3g} %)"


def batch_bits(
    evaluator: Evaluator, rows: npt.NDArray[np.float64], outputs: npt.NDArray[Any], batch: int
) -> Iterator[str]:
    """Say where the last bits of an output depend on the size of its batch, which the plan keeps."""
    model, half = evaluator.model, batch // 2
    rows = rows[: _FORWARDS // evaluator.n_cases]
    if model.fixed_batch is not None or half < model.smallest_batch or not len(rows):
        return
    if not np.array_equal(evaluator.evaluate(rows, half), outputs[: len(rows)], equal_nan=True):
        yield (
            "the last bits of the outputs depend on the size of a batch; the plan keeps it the same, so that "
            "results are the same to the bit"
        )
