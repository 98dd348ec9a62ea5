"""What bundles cost on one rank, by its clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa import stats
from parsl_sa.client.cut import CHUNK_BYTES, Costs, full_batch_bundles, power_of_two_below

if TYPE_CHECKING:
    from parsl_sa import design, models

_TIMED = 3
_TIMED_S = 0.2


def measure_costs(
    sampler: design.Sampler, evaluator: models.Evaluator, accumulator: stats.Accumulator, batch: int
) -> Costs:
    """Time whole bundles, as many as fill a batch: their design, their forwards, their fold.

    Parameters
    ----------
    sampler : Sampler
        Of the study.
    evaluator : Evaluator
        After its `probe`.
    accumulator : Accumulator
        Empty; its kernels are compiled here, and it is left empty.
    batch : int
        Rows of a forward, as they pay best.
    """
    model, n_rows = evaluator.model, sampler.layout.n_rows
    forwards = n_rows * evaluator.n_cases
    bundle_bytes = n_rows * evaluator.n_cells * np.dtype(evaluator.dtype).itemsize
    n = min(
        full_batch_bundles(forwards, batch, fixed=model.fixed_batch is not None),
        power_of_two_below(CHUNK_BYTES // bundle_bytes),
        sampler.replicate_bundles,
    )
    size = model.fixed_batch or max(model.smallest_batch, min(batch, n * forwards))
    stats.prewarm(accumulator, evaluator.dtype)
    times: list[float] = []
    while len(times) < _TIMED and sum(times) < _TIMED_S:
        started = time.perf_counter()
        inputs = sampler.rows(len(times) * n, (len(times) + 1) * n)
        outputs = evaluator.evaluate(inputs.reshape(n * n_rows, -1), size).reshape(n, n_rows, -1)
        accumulator.update(outputs, stats.whole_bundles(outputs, accumulator.masked))
        accumulator.give_back(accumulator.take_partials()[0])
        times.append(time.perf_counter() - started)
    lane_bytes = 8 * sum(k * width for k, width in accumulator.partial_shapes())
    return Costs(
        forwards, min(times) / n, bundle_bytes, batch, model.smallest_batch, model.fixed_batch, lane_bytes
    )
