"""Many repeats of one study at once: each repeat is a cell, or a field, of one large study.

Every replicate of every repeat has a scrambling of its own, so that repeats are independent. The statistics
are those that studies use; only the rows are made here, all repeats together.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

# Numba looks for the package of that name, and would find the script beside this file.
sys.modules.setdefault("coverage", None)  # type: ignore[arg-type]
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from parsl_sa.records import Layout  # noqa: E402 - see above
from parsl_sa.stats import assemble  # noqa: E402 - see above
from support.repeated import scrambled  # noqa: E402 - see above

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.analytic import Function

    Floats = npt.NDArray[np.float64]
    Rows = Callable[["Design", int, np.random.Generator], Floats]

PROBE_ROWS = 64
_NUMBERS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Design:
    """How a study samples: `replicates` of `size` bundles each."""

    sequence: str
    replicates: int
    size: int
    method: str = "pick-freeze"
    both_ways: bool = False

    @property
    def n(self) -> int:
        """Base points."""
        return self.replicates * self.size

    def layout(self, d: int) -> Layout:
        """Return the rows of a bundle of d inputs."""
        return Layout(self.method, d, both_ways=self.both_ways)


def replicated(forwards: int, n_rows: int, planned: int = 16) -> tuple[int, int]:
    """Return the replicates, and the bundles of one, that studies of at most so many forwards have."""
    n = forwards // n_rows
    size = 1 << max((n // planned).bit_length() - 1, 4)
    return n // size, size


def unit_points(design: Design, dimensions: int, repeats: int, rng: np.random.Generator) -> Floats:
    """Return the points of one replicate of every repeat, (size, repeats, dimensions)."""
    if design.sequence == "random":
        return rng.random((design.size, repeats, dimensions))
    return scrambled(dimensions, design.size, repeats, rng)


def physical(parameters: Sequence[Mapping[str, Any]], unit: Floats) -> Floats:
    """Map points (..., d) of the unit cube to the units of uniform and normal parameters, in place."""
    for i, parameter in enumerate(parameters):
        u = unit[..., i]
        if parameter["distribution"] == "uniform":
            u *= parameter["high"] - parameter["low"]
            u += parameter["low"]
        elif parameter["distribution"] == "normal":
            u[...] = parameter["mean"] + parameter["sd"] * ndtri(u)
        else:
            raise ValueError(f"no map to {parameter['distribution']}")
    return unit


def outputs(function: Function, rows: Floats) -> Floats:
    """Evaluate rows (..., repeats, d); returns (..., repeats) or, of a field, (..., repeats * cells)."""
    y = function.evaluate(rows.reshape(-1, rows.shape[-1]))
    return y.reshape(*rows.shape[:-2], -1)


def pick_freeze(function: Function) -> Rows:
    """Return what makes the outputs of a replicate of every repeat, (size, n_rows, cells)."""

    def rows(design: Design, repeats: int, rng: np.random.Generator) -> Floats:
        d = function.d
        points = unit_points(design, 2 * d, repeats, rng)
        A, B = (physical(function.parameters, half) for half in (points[..., :d], points[..., d:]))
        step = max(1, _NUMBERS_AT_ONCE // (repeats * d * design.layout(d).n_rows))
        parts = []
        for first in range(0, design.size, step):
            a, b = A[first : first + step], B[first : first + step]
            mixed = [np.where(np.arange(d) == i, b, a) for i in range(d)]
            if design.both_ways:
                mixed += [np.where(np.arange(d) == i, a, b) for i in range(d)]
            parts.append(outputs(function, np.stack([a, b, *mixed], axis=1)))
        return np.concatenate(parts)

    return rows


def studies(
    rows: Rows,
    pivots: Floats,
    design: Design,
    statistics: Mapping[str, Mapping[str, Any]],
    *,
    d: int,
    repeats: int,
    seed: int,
    field_cells: int = 1,
    watch: Callable[[Floats], None] | None = None,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Return the results of independent repeats of a study, by each of some statistics on the same rows.

    Parameters
    ----------
    rows : callable
        Makes the outputs of one replicate of so many repeats.
    pivots : ndarray of float64, shape (field_cells,)
        Near the means, as a study's probe finds them.
    design : Design
        How every repeat samples.
    statistics : mapping
        Name to options of the statistic "sobol".
    d : int
        Inputs.
    repeats, seed : int
        How many repeats, and from what seed.
    field_cells : int
        Cells of a field; where there are several, aggregated indices are returned too, (d, repeats), under
        the keys of the index with ``_aggregated`` behind them.
    watch : callable, optional
        Is shown the outputs of every replicate of a block of repeats.
    """
    layout = design.layout(d)
    block = max(1, min(repeats, _NUMBERS_AT_ONCE // (design.size * layout.n_rows * field_cells)))
    found: dict[str, list[dict[str, npt.NDArray[Any]]]] = {name: [] for name in statistics}
    for first in range(0, repeats, block):
        count = min(block, repeats - first)
        fields = [slice(k, k + field_cells) for k in range(0, count * field_cells, field_cells)]
        built = {
            name: assemble(
                [{"name": "sobol", **options}],
                layout,
                count * field_cells,
                np.tile(pivots, count),
                fields=fields if field_cells > 1 else (),
            )
            for name, options in statistics.items()
        }
        rng = np.random.default_rng([seed, first])
        for _ in range(design.replicates):
            y = rows(design, count, rng)
            if watch is not None:
                watch(y)
            for study in built.values():
                study.update(y)
                study.close_replicate()
        for name, study in built.items():
            whole = {f"{key}_aggregated": value for key, value in study.aggregates.result().items()}
            found[name].append(study.result() | whole)
    return {name: {key: np.concatenate([p[key] for p in parts], axis=-1) for key in parts[0]}
            for name, parts in found.items()}  # fmt: skip


def probed(function: Function) -> Floats:
    """Return the mean of every cell over a few random rows, as a probe finds it."""
    unit = np.random.default_rng(0).random((PROBE_ROWS, function.d))
    return np.atleast_1d(function(physical(function.parameters, unit)).mean(axis=0)).astype(np.float64)


def exact(function: Function) -> dict[str, Floats]:
    """Return the exact indices, (k,); of a field those of the whole field."""
    if function.mean.ndim:
        share = function.variance / function.variance.sum()
        return {name: np.nansum(getattr(function, name) * share, axis=1) for name in ("S1", "ST")}
    found = {"S1": function.S1, "ST": function.ST}
    if function.closed is not None:
        pairs = np.stack(np.triu_indices(function.d, 1), axis=1).tolist()
        found["S2"] = np.array([function.closed(pair) for pair in pairs]) - np.array(
            [function.S1[pair].sum() for pair in pairs]
        )
    return found
