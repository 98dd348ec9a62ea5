"""Rows of a table come up equally often; shares sum to their total and have Dirichlet's moments."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from parsl_sa.design import assemble
from parsl_sa.design.joint import Rows, Simplex
from parsl_sa.errors import DesignError

N = 8192
MONTE_CARLO = {"method": "monte-carlo", "seed": 0}
JOINT = {"distribution": "joint"}
UNIFORM = {"distribution": "uniform", "low": 0.0, "high": 1.0}


def drawn(dependence, sequence="random", joint="abc"):
    parameters = [{"name": "x", **UNIFORM}, *({"name": name, **JOINT} for name in joint)]
    return assemble({**MONTE_CARLO, "sequence": sequence}, parameters, 1024, dependence=dependence).rows(
        0, N
    )[:, 0]


@pytest.mark.parametrize("n_rows", [1, 7, 100])
def test_rows_are_whole_and_equally_likely(n_rows):
    """Chi-square of n draws at one in a million; a balanced sequence stays within it."""
    table = np.random.default_rng(0).random((n_rows, 3))
    for sequence in ("random", "sobol"):
        x = drawn({"kind": "rows", "parameters": [*"abc"], "values": table}, sequence)[:, 1:]
        found = (x[:, None] == table).all(axis=2)
        assert (found.sum(axis=1) == 1).all()
        counts = found.sum(axis=0)
        assert ((counts - N / n_rows) ** 2 / (N / n_rows)).sum() <= stats.chi2.isf(1e-6, max(n_rows - 1, 1))


def test_columns_go_to_the_parameters_of_their_name():
    table = np.array([[1.0, 2.0, 3.0]])
    x = drawn({"kind": "rows", "parameters": [*"cab"], "values": table})
    assert (x[:, 1:] == [2, 3, 1]).all()


@pytest.mark.parametrize("concentration", [1.0, 0.02, [1.0, 2.0, 5.0], [300.0, 0.5, 1.0]])
def test_shares_have_dirichlets_moments(concentration):
    """Five standard errors of a mean, from the exact variance; of a variance from the spread of squares."""
    x = drawn({"kind": "simplex", "parameters": [*"bca"], "total": 10.0, "concentration": concentration})[
        :, 1:
    ]
    shares = x[:, [1, 2, 0]] / 10
    assert (shares >= 0).all()
    assert np.abs(shares.sum(axis=1) - 1).max() < 1e-14
    alphas = np.broadcast_to(concentration, 3)
    exact = stats.dirichlet(alphas)
    mean, variance = exact.mean(), exact.var()
    assert (np.abs(shares.mean(axis=0) - mean) < 5 * np.sqrt(variance / N)).all()
    squares = (shares - mean) ** 2
    assert (np.abs(squares.mean(axis=0) - variance) < 5 * squares.std(axis=0) / sqrt(N)).all()


def test_shares_are_beta_distributed():
    """Kolmogorov-Smirnov at one in ten million."""
    x = drawn({"kind": "simplex", "parameters": [*"abc"], "concentration": [1.0, 2.0, 3.0]})[:, 1:]
    for share, (a, b) in zip(x.T, [(1, 5), (2, 4), (3, 3)], strict=True):
        assert stats.kstest(share, stats.beta(a, b).cdf).pvalue > 1e-7


def test_joint_parameters_take_as_few_coordinates_as_they_can():
    rows = {"kind": "rows", "parameters": [*"abc"], "values": np.ones((4, 3))}
    parameters = [{"name": name, **JOINT} for name in "abc"]
    design = {**MONTE_CARLO, "sequence": "sobol"}
    assert assemble(design, parameters, 16, dependence=rows).unit_rows(0, 1).shape == (1, 1, 1)
    simplex = {"kind": "simplex", "parameters": [*"abc"]}
    assert assemble(design, parameters, 16, dependence=simplex).unit_rows(0, 1).shape == (1, 1, 2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Rows(["a", "b"], np.ones((3, 3))), r"inputs\.dependence\.path: must have rows of 2 numbers"),
        (lambda: Rows(["a"], np.ones((0, 1))), "must have rows of 1 numbers"),
        (lambda: Simplex(["a"]), r"inputs\.dependence\.parameters: must be at least two"),
        (lambda: Simplex(["a", "b"], total=0), r"total: must exceed 0"),
        (lambda: Simplex(["a", "b"], concentration=-1), r"concentration: must be a number above 0, or 2"),
        (lambda: Simplex(["a", "b"], concentration=[1] * 3), r"concentration: must be a number above 0"),
        (lambda: drawn({"kind": "simplex", "parameters": ["a", "b"]}), "a, b, c is declared joint"),
        (lambda: drawn({"kind": "simplex"}), "wrong fields for simplex"),
        (lambda: drawn({"kind": "dirichlet"}), r"inputs\.dependence\.kind: unknown dependence 'dirichlet'"),
        (lambda: drawn({}), r"inputs\.dependence\.kind: is missing"),
    ],
)  # fmt: skip
def test_faults(build, message):
    with pytest.raises(DesignError, match=message):
        build()
