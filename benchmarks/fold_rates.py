"""How fast bundles are folded, beside iterative-stats, NumPy, and merely reading the same bytes.

Contenders take turns on the same batch, warm, and each keeps the median of its times.
"""

from __future__ import annotations

import logging
import statistics
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from parsl_sa.records import Layout
from parsl_sa.stats.sobol import Sobol

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_BYTES = 6e9
"""Memory for batch, sums and NumPy's intermediate arrays; what needs more is left out, and said."""

PEER_CELLS = 2_000_000
"""Above this iterative-stats is left out: its state is several times as large as ours."""


class Shape(NamedTuple):
    """One line of the table."""

    estimator: str
    d: int
    cells: int
    batch: int
    dtype: str

    @property
    def layout(self) -> Layout:
        """Rows of a bundle: each estimator has those that it uses."""
        return Layout("pick-freeze", self.d, both_ways=self.estimator == "azzini-rosati")

    @property
    def batch_bytes(self) -> int:
        """Bytes of the rows of a batch."""
        return self.batch * self.layout.n_rows * self.cells * np.dtype(self.dtype).itemsize


def numpy_paired(rows: np.ndarray, d: int, sums: dict[str, np.ndarray]) -> None:
    """Add squared differences, vectorised over a batch."""
    A, B = rows[:, 0], rows[:, 1]
    sums["Q"] += _squares(A, B)
    for i in range(d):
        sums["N"][i] += _squares(B, rows[:, 2 + i])
        sums["T"][i] += _squares(A, rows[:, 2 + i])


def numpy_both_ways(rows: np.ndarray, d: int, sums: dict[str, np.ndarray]) -> None:
    """Add the sums of Azzini and Rosati, vectorised over a batch."""
    A, B = rows[:, 0], rows[:, 1]
    for i in range(d):
        AB, BA = rows[:, 2 + i], rows[:, 2 + d + i]
        forth = np.subtract(A, AB, dtype=np.float64)
        back = np.subtract(BA, B, dtype=np.float64)
        sums["P"][i] += np.einsum("bc,bc->c", forth, back)
        sums["T"][i] += np.einsum("bc,bc->c", forth, forth) + np.einsum("bc,bc->c", back, back)
        sums["Q"][i] += _squares(A, B) + _squares(BA, AB)


def numpy_correlated(rows: np.ndarray, d: int, sums: dict[str, np.ndarray]) -> None:
    """Add first and second moments and products, vectorised over a batch."""
    A, B = rows[:, 0].astype(np.float64), rows[:, 1].astype(np.float64)
    for row, values in enumerate((A, B)):
        sums["S"][2 * row] += values.sum(axis=0)
        sums["S"][2 * row + 1] += np.einsum("bc,bc->c", values, values)
    for i in range(d):
        AB = rows[:, 2 + i].astype(np.float64)
        sums["N"][i] += AB.sum(axis=0)
        sums["T"][i] += np.einsum("bc,bc->c", AB, AB)
        sums["P"][i] += np.einsum("bc,bc->c", A, AB)
        sums["R"][i] += np.einsum("bc,bc->c", B, AB)


def _squares(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    step = np.subtract(left, right, dtype=np.float64)
    return np.einsum("bc,bc->c", step, step)


NUMPY = {
    "jansen-paired": numpy_paired,
    "azzini-rosati": numpy_both_ways,
    "martinez": numpy_correlated,
}


@numba.njit(cache=True)
def _total(words: np.ndarray) -> int:
    total = 0
    for k in range(words.shape[0]):
        total += words[k]
    return total


@numba.njit(parallel=True, cache=True)
def read(words: np.ndarray, totals: np.ndarray) -> None:
    """Add up words, in many stretches that threads share."""
    size = words.shape[0] // totals.shape[0] + 1
    for stretch in numba.prange(totals.shape[0]):
        totals[stretch] = _total(words[stretch * size : (stretch + 1) * size])


def peer(shape: Shape, rows: np.ndarray) -> Callable[[], None] | None:
    """Return what adds one bundle to the Martinez of iterative-stats; None where it is missing."""
    if shape.estimator != "martinez" or shape.cells > PEER_CELLS:
        return None
    try:
        from iterative_stats.sensitivity.sensitivity_martinez import IterativeSensitivityMartinez
    except ImportError:
        return None
    logging.disable(logging.CRITICAL)
    theirs = IterativeSensitivityMartinez(shape.d, dim=shape.cells)
    bundles = iter(range(1 << 30))

    def add_one() -> None:
        with np.errstate(all="ignore"):  # its variance is 0 after one bundle
            theirs.increment(rows[next(bundles) % len(rows)])

    return add_one


def measure(shape: Shape, repeats: int) -> dict[str, Any]:
    """Time the contenders on one batch and return a line of the table."""
    line: dict[str, Any] = shape._asdict()
    ours = Sobol(shape.layout, shape.cells, estimator=shape.estimator)
    sums_bytes = 2 * ours.partial().nbytes  # ours and NumPy's
    if shape.batch_bytes + sums_bytes + 4 * shape.batch * shape.cells * 8 > LARGEST_BYTES:
        return {**line, "skipped": f"needs more than {LARGEST_BYTES / 1e9:.0f} GB"}
    rng = np.random.default_rng(1)
    rows = np.empty((shape.batch, shape.layout.n_rows, shape.cells), shape.dtype)
    rows[:] = rng.standard_normal(rows.shape[1:], shape.dtype)
    rows += np.arange(shape.batch, dtype=shape.dtype)[:, None, None]
    sums = {name: np.zeros((max(shape.d, 4), shape.cells)) for name in "PTQNRS"}
    sums |= {"Q": np.zeros(shape.cells)} if shape.estimator == "jansen-paired" else {}
    words, totals = rows.reshape(-1).view(np.int64), np.zeros(64, np.int64)
    contenders: dict[str, Callable[[], None]] = {
        "fold": lambda: ours.update(rows),
        "read": lambda: read(words, totals),
        "numpy": lambda: NUMPY[shape.estimator](rows, shape.d, sums),
    }
    add_one = peer(shape, rows)
    if add_one is not None:
        contenders["peer"] = add_one
    seconds, cores = _alternate(contenders, repeats)
    n_pairs = shape.batch * shape.cells
    line |= {
        "cell_bundles_per_s": n_pairs / seconds["fold"],
        "cores": cores["fold"],
        "vs_numpy": seconds["numpy"] / seconds["fold"],
        "of_read_rate": seconds["read"] / seconds["fold"],
        "read_bytes_per_s": rows.nbytes / seconds["read"],
        "vs_iterative_stats": seconds["peer"] * shape.batch / seconds["fold"] if add_one else None,
    }
    return line


def _alternate(
    contenders: dict[str, Callable[[], None]], repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return medians of each contender's seconds and of the cores that it got; slow ones run less often."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    cores: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for repeat in range(repeats):
        for name, run in contenders.items():
            if name in {"numpy", "peer"} and repeat >= 2:
                continue
            began, used = time.perf_counter(), time.process_time()
            run()
            seconds[name].append(time.perf_counter() - began)
            cores[name].append((time.process_time() - used) / seconds[name][-1])
    return _medians(seconds), _medians(cores)


def _medians(of: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in of.items()}
