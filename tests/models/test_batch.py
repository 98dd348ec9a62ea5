"""Choosing the batch: the policy with given timings, and once on this machine's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from torch import nn

from parsl_sa.models import BatchChoice, Evaluator, choose_batch
from parsl_sa.models.batch import Measurement, measure_forward
from parsl_sa.models.inputs import Assembler
from parsl_sa.models.wrapped import TorchModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

ROWS = np.random.default_rng(0).standard_normal((10, 3))
STILL_BYTES = 2 * (3 * 8) + 2 * (1 * 4)


def evaluator(**batches: Any) -> Evaluator:
    ready = Evaluator(
        TorchModel(lambda x: x[:, 0], dtype="float32", **batches), [{"name": "y"}], Assembler(3)
    )
    ready.probe(ROWS)
    return ready


def choose(
    seconds: Callable[[int], float],
    grown: Callable[[int], int] = lambda batch: 0,
    memory_bytes: float = 1e12,
    largest: int = 1024,
    **batches: Any,
) -> tuple[BatchChoice, Sequence[int]]:
    seen: list[int] = []

    def measure(_: Evaluator, rows: npt.NDArray[np.float64], batch: int) -> Measurement:
        seen.append(batch)
        return Measurement(seconds(batch), grown(batch))

    return choose_batch(evaluator(**batches), ROWS, int(memory_bytes), largest, measure), seen


def test_it_doubles_while_that_pays() -> None:
    # A call costs as much as 64 rows: from 512 to 1024 rows the rate gains 6 %.
    choice, seen = choose(lambda batch: 1e-6 * (64 + batch), largest=8192)
    assert choice.batch == 512
    assert choice.forward_s == pytest.approx(576e-6)
    assert seen == [2**k for k in range(12)]


def test_one_hiccup_does_not_end_it() -> None:
    choice, _ = choose(lambda batch: 1e-6 * (64 + batch) * (10 if batch == 8 else 1))
    assert choice.batch == 512


def test_a_busy_machine_does_not_end_it() -> None:
    """Two threads that wait for each other take hundreds of times as long while others use their core."""
    choice, seen = choose(lambda batch: 1e-6 * (64 + batch) * (300 if 2 <= batch <= 64 else 1))
    assert choice.batch == 512
    assert seen.count(8) == 5  # tried again before it was passed over


def test_time_that_grows_with_the_square_of_the_batch_ends_it() -> None:
    choice, seen = choose(lambda batch: 1e-3 * batch**2, largest=1 << 20)
    assert choice.batch == 1
    assert max(seen) <= 64


def test_a_hiccup_is_measured_again() -> None:
    slow = iter([True, False])
    choice, seen = choose(lambda batch: 1e-6 * (64 + batch) * (10 if batch == 512 and next(slow) else 1))
    assert (choice.batch, seen.count(512)) == (512, 2)


def test_it_stops_after_two_doublings_without_gain() -> None:
    choice, seen = choose(lambda batch: 1e-2 * batch)
    assert (choice.batch, seen) == (1, [1, 2, 4])


def test_forwards_too_short_to_be_timed_do_not_end_it() -> None:
    # Busy moments hide what batches up to 16 rows gain; from 32 rows on, 0.2 ms a call, it shows.
    choice, seen = choose(lambda batch: 1e-6 * (200 + batch) * (batch if batch <= 16 else 1))
    assert choice.batch == 1024
    assert seen == [2**k for k in range(11)]


def test_it_never_exceeds_the_largest() -> None:
    assert choose(lambda batch: 1e-3, largest=100)[0].batch == 64
    assert choose(lambda batch: 1e-3, largest=1)[0].batch == 1


def test_memory_bounds_it() -> None:
    choice, seen = choose(lambda batch: 1e-3, lambda batch: 1000 * batch // 2, memory_bytes=40_000)
    # Growth is counted over all batches so far: 500 a row of each, so nearly 1000 a row of the last.
    assert choice.batch == 32
    assert choice.row_bytes == STILL_BYTES + sum(500 * 2**k for k in range(6)) // 32
    assert max(seen) == 32


def test_a_fixed_overhead_does_not_count_as_rows() -> None:
    choice, _ = choose(lambda batch: 1e-3, lambda batch: 10**7 if batch == 1 else 0, memory_bytes=4e7)
    assert choice.batch == 1024
    assert choice.row_bytes < 10**5


def test_the_smallest_batch_is_returned_even_where_it_does_not_fit() -> None:
    choice, _ = choose(lambda batch: 1e-3, lambda batch: 10**9, memory_bytes=1e6)
    assert (choice.batch, choice.row_bytes > 10**8) == (1, True)


def test_forwards_stay_short() -> None:
    assert choose(lambda batch: 0.3 + 1e-3 * batch)[0].batch == 256


def test_a_fixed_batch_is_respected() -> None:
    choice, seen = choose(lambda batch: 2.0, fixed_batch=6, smallest_batch=6, largest_batch=6, largest=4)
    assert (choice.batch, choice.forward_s, seen) == (6, 2.0, [6])


def test_bounds_of_the_model_are_respected() -> None:
    choice, seen = choose(lambda batch: 1e-3, smallest_batch=3, largest_batch=40)
    assert (choice.batch, seen[0]) == (32, 4)
    assert choose(lambda batch: 1e-3, smallest_batch=5, largest_batch=6)[0].batch == 6


def test_the_measured_forward_is_plausible() -> None:
    net = nn.Sequential(nn.Linear(3, 2000), nn.ReLU(), nn.Linear(2000, 1))
    ready = Evaluator(TorchModel(net, dtype="float32"), [{"name": "y"}], Assembler(3))
    ready.probe(ROWS)
    few, many = (measure_forward(ready, ROWS, n) for n in (64, 32768))
    assert 0 < few.forward_s < many.forward_s
    # The hidden layer alone takes 32768 * 2000 * 4 bytes at once.
    assert many.grown_bytes > 200e6
    choice = choose_batch(ready, ROWS, 2**30, 256)
    assert choice.batch in {2**k for k in range(9)}
