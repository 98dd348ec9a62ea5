"""Sobol' indices by other packages, from rows that they are handed; a package that is missing is left out."""

from __future__ import annotations

import contextlib
import io
import logging
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = dict[str, Floats]

MODULES = {"SALib": "SALib", "openturns": "openturns", "iterative-stats": "iterative_stats"}
_OPENTURNS = ("Saltelli", "Martinez", "Jansen", "MauntzKucherenko")
_ITERATIVE = ("Saltelli", "Martinez", "Jansen")


def versions() -> dict[str, str | None]:
    """Return the version of every package, None where it is not installed."""
    return {name: metadata.version(name) if find_spec(module) else None for name, module in MODULES.items()}


def everyone(*, slow: bool = True) -> dict[str, Callable[[Floats, int], Indices]]:
    """Return every estimator that is installed: from outputs (n, n_rows, repeats, cells) and d to indices.

    Indices are S1 and ST, (d, repeats, cells), and S2, (d (d - 1) / 2, repeats, cells), from rows both ways.
    Without `slow`, iterative-stats is left out, which takes a millisecond and more a bundle.
    """
    found: dict[str, Callable[[Floats, int], Indices]] = {}
    if find_spec("SALib"):
        found["SALib"] = _one_by_one(_salib)
    if find_spec("openturns"):
        for method in _OPENTURNS:
            found[f"openturns {method}"] = _one_by_one(_openturns(method))
    if slow and find_spec("iterative_stats"):
        logging.disable(logging.INFO)
        for method in _ITERATIVE:
            found[f"iterative-stats {method}"] = _iterative(method)
    return found


def _pairs(d: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    first, second = np.triu_indices(d, 1)
    return first, second


def _one_by_one(indices: Callable[[Floats, int], Indices]) -> Callable[[Floats, int], Indices]:
    def all_of(y: Floats, d: int) -> Indices:
        repeats, cells = y.shape[2:]
        found = [indices(np.ascontiguousarray(y[:, :, r, c]), d) for r, c in np.ndindex(repeats, cells)]
        return {
            name: np.stack([one[name] for one in found], axis=-1).reshape(-1, repeats, cells)
            for name in found[0]
        }

    return all_of


def _salib(y: Floats, d: int) -> Indices:
    from SALib.analyze import sobol

    both_ways = y.shape[1] > d + 2
    order = [0, *range(2, y.shape[1]), 1]  # A, AB_1 .. AB_d [, BA_1 .. BA_d], B
    problem = {"num_vars": d, "names": [f"x{i}" for i in range(d)], "bounds": [[0, 1]] * d}
    told = sobol.analyze(problem, y[:, order].ravel(), calc_second_order=both_ways, num_resamples=2, seed=0)
    found = {"S1": told["S1"], "ST": told["ST"]}
    return found | {"S2": told["S2"][_pairs(d)]} if both_ways else found


def _openturns(method: str) -> Callable[[Floats, int], Indices]:
    def indices(y: Floats, d: int) -> Indices:
        ot = import_module("openturns")
        n, n_rows = y.shape
        by_matrix = ot.Sample(y.T.reshape(-1, 1))  # A, B, AB_1 .. AB_d [, BA_1 .. BA_d]
        algorithm = getattr(ot, f"{method}SensitivityAlgorithm")(ot.Sample(n * n_rows, d), by_matrix, n)
        with _quiet(ot):
            found = {
                "S1": np.array(algorithm.getFirstOrderIndices()),
                "ST": np.array(algorithm.getTotalOrderIndices()),
            }
            if n_rows > d + 2:
                found["S2"] = np.array(algorithm.getSecondOrderIndices())[_pairs(d)]
        return found

    return indices


@contextlib.contextmanager
def _quiet(ot: Any) -> Iterator[None]:
    """Leave out its warnings that an index is negative."""
    before = ot.Log.Flags()
    ot.Log.Show(ot.Log.NONE)
    try:
        yield
    finally:
        ot.Log.Show(before)


def _iterative(method: str) -> Callable[[Floats, int], Indices]:
    def indices(y: Floats, d: int) -> Indices:
        module = import_module(f"iterative_stats.sensitivity.sensitivity_{method.lower()}")
        n, n_rows, repeats, cells = y.shape
        both_ways = n_rows > d + 2 and method != "Saltelli"  # which has none of second order
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(invalid="ignore", divide="ignore"):
            engine = getattr(module, f"IterativeSensitivity{method}")(
                nb_parms=d, dim=repeats * cells, second_order=both_ways
            )
            for bundle in y.reshape(n, n_rows, -1):
                engine.increment(bundle)
        found = {"S1": engine.getFirstOrderIndices(), "ST": engine.getTotalOrderIndices()}
        shaped = {name: np.asarray(value).T.reshape(d, repeats, cells) for name, value in found.items()}
        if both_ways:
            first, second = _pairs(d)
            shaped["S2"] = np.asarray(engine.getSecondOrderIndices())[:, first, second].T.reshape(
                -1, repeats, cells
            )
        return shaped

    return indices
