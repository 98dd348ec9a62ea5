"""Choose how many rows one forward takes: by measured rate, within a bound of memory."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from parsl_sa.models.evaluator import Evaluator

_LEAST_GAIN = 1.1
_PATIENCE = 2  # doublings without that gain: one may be a hiccup of the machine
_MOST_GROWTH = 2.2  # of the time of a doubled batch; more is not the batch but the machine
_TRIES = 5
_LONGEST_S = 1.0
_SHORT_S = 2e-3
_FEW, _FEW_S = 64, 20e-3
_TIMED_S = 0.05
_REPEATS = (3, 20)


@dataclass(frozen=True)
class BatchChoice:
    """A batch size, and what one forward of it costs.

    Parameters
    ----------
    batch : int
        Rows of one forward.
    forward_s : float
        Seconds of one forward of `batch` rows, selection included.
    row_bytes : int
        Estimated bytes that one row of the batch takes while it is evaluated.
    """

    batch: int
    forward_s: float
    row_bytes: int


@dataclass(frozen=True)
class Measurement:
    """What evaluating one batch cost.

    Parameters
    ----------
    forward_s : float
        Seconds, the least of several repeats.
    grown_bytes : int
        Growth of the memory in use at its highest.
    """

    forward_s: float
    grown_bytes: int


def choose_batch(
    evaluator: Evaluator,
    rows: npt.NDArray[np.float64],
    memory_bytes: int,
    largest: int,
    measure: Callable[[Evaluator, npt.NDArray[np.float64], int], Measurement] | None = None,
) -> BatchChoice:
    """Double the batch for as long as that pays and fits.

    Parameters
    ----------
    evaluator : Evaluator
        After its `probe`.
    rows : ndarray of float64, shape (m, n_columns)
        Rows of the design, repeated, each with the next case, to fill a batch.
    memory_bytes : int
        What the rows of one batch may take.
    largest : int
        Largest batch to consider.
    measure : callable, optional
        Evaluates one batch and returns its `Measurement`; by default on this machine's clock.

    Returns
    -------
    BatchChoice
        A power of two, or the only batch that the model takes; never more than a model's own bound.

    Notes
    -----
    Given the measurements the choice is deterministic. A batch that seems to take over twice as long as half
    of it was measured while something else ran, and is measured again, up to five times; even then it does
    not count against larger ones. Doubling ends when two in a row gain less than a tenth in rows a second
    and a forward takes long enough to be timed (2 ms; 20 ms below 64 rows),
    when twice the rows would exceed `memory_bytes`, or when their forward would last over a second, because
    leases should be short. A row's bytes are its inputs and outputs plus its share of all growth measured so
    far: an allocator keeps what it once took, so a larger batch shows only the increment. The smallest batch
    is returned even where it exceeds the bound, for the caller to report.
    """
    model = evaluator.model
    measured = measure or measure_forward
    cells = evaluator.n_cells // evaluator.n_cases
    still_bytes = 8 * evaluator.n_columns * 2 + np.dtype(evaluator.dtype).itemsize * cells * 2

    grown_bytes = 0

    def cost(batch: int, most_s: float = np.inf) -> BatchChoice:
        nonlocal grown_bytes
        least_s = np.inf
        for _ in range(_TRIES):
            taken = measured(evaluator, rows, batch)
            grown_bytes += max(0, taken.grown_bytes)
            least_s = min(least_s, taken.forward_s)
            if least_s <= most_s or least_s > _LONGEST_S:
                break
        return BatchChoice(batch, least_s, still_bytes + grown_bytes // batch)

    if model.fixed_batch is not None:
        return cost(model.fixed_batch)
    bound = min(largest, model.largest_batch or largest)
    best = cost(min(_power_of_two(model.smallest_batch), model.largest_batch or sys.maxsize))
    last, idle = best, 0
    while (idle < _PATIENCE or _too_short(last)) and _may_double(last, bound, memory_bytes):
        most_s = _MOST_GROWTH * last.forward_s
        last = cost(2 * last.batch, most_s)
        if last.batch * last.row_bytes > memory_bytes:
            break
        if last.batch / last.forward_s >= _LEAST_GAIN * best.batch / best.forward_s:
            best, idle = last, 0
        elif last.forward_s > _LONGEST_S:  # by the clock, whatever half of it took
            break
        elif last.forward_s <= most_s:
            idle += 1
        else:  # so that the next one is compared with what this one would take in peace
            last = replace(last, forward_s=most_s)
    return best


def _too_short(last: BatchChoice) -> bool:
    """Tell whether a forward is too short for its time to say much on a busy machine."""
    return last.forward_s < _SHORT_S or (last.batch < _FEW and last.forward_s < _FEW_S)


def _may_double(last: BatchChoice, bound: int, memory_bytes: int) -> bool:
    twice = 2 * last.batch
    return twice <= bound and twice * last.row_bytes <= memory_bytes and 2 * last.forward_s <= _LONGEST_S


def measure_forward(evaluator: Evaluator, rows: npt.NDArray[np.float64], batch: int) -> Measurement:
    """Evaluate one batch several times after a warm-up, and take the least time.

    Parameters
    ----------
    evaluator : Evaluator
        After its `probe`.
    rows : ndarray of float64, shape (m, n_columns)
        Rows of the design, repeated to fill the batch.
    batch : int
        Rows of the forward.

    Returns
    -------
    Measurement
        Memory is the growth of this process over the warm-up (of its high-water mark where that rose),
        or the GPU's own peak.
    """
    grown = _growth(evaluator, rows, batch)
    fewest, most = _REPEATS
    times: list[float] = []
    while len(times) < most and (len(times) < fewest or sum(times) < _TIMED_S):
        started = time.perf_counter()
        evaluator.one_forward(rows, batch)
        times.append(time.perf_counter() - started)
        if times[-1] > _LONGEST_S:
            break
    return Measurement(min(times), grown)


def _growth(evaluator: Evaluator, rows: npt.NDArray[np.float64], batch: int) -> int:
    """Evaluate once and return by how many bytes the memory in use grew at its highest."""
    device = evaluator.model.device
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
        base = torch.cuda.memory_allocated(device)
        evaluator.one_forward(rows, batch)
        return int(torch.cuda.max_memory_allocated(device) - base)
    process = psutil.Process()
    before, mark = process.memory_info().rss, _high_water_bytes()
    evaluator.one_forward(rows, batch)
    after, risen = process.memory_info().rss, _high_water_bytes()
    return int(max(after - before, risen - before if risen > mark else 0))


def _high_water_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _power_of_two(least: int) -> int:
    """Round up to a power of two.

    Examples
    --------
    >>> [_power_of_two(n) for n in (1, 2, 3, 9)]
    [1, 2, 4, 16]
    """
    return 1 << (least - 1).bit_length()
