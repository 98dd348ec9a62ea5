"""Conditional rows: what they share with their partners, how they are distributed, the indices they give."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from parsl_sa.analytic import dependence_of, dependent_linear
from parsl_sa.design import assemble
from parsl_sa.design.conditional import Conditional
from parsl_sa.design.inputs import Inputs
from parsl_sa.design.sequences import CounterRandom
from parsl_sa.errors import DesignError

R = [
    [1.0, 0.6, 0.0, 0.3, 0.0],
    [0.6, 1.0, 0.2, -0.1, 0.0],
    [0.0, 0.2, 1.0, 0.4, 0.0],
    [0.3, -0.1, 0.4, 1.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 1.0],
]
C = (1.0, -2.0, 0.5, 1.5, 1.0)
GROUPS = {"pair": ["x2", "x4"], "mixed": ["x3", "x5"]}  # the second has a member without correlations
OF_GROUPS = [[0], [1, 3], [2, 4]]
every_grouping = pytest.mark.parametrize(
    ("groups", "factors"), [(None, [[i] for i in range(5)]), (GROUPS, OF_GROUPS)], ids=["alone", "groups"]
)


def build(sequence="random", groups=None, parameters=None, size=1024):
    design = {"method": "pick-freeze", "sequence": sequence, "seed": 0}
    parameters = parameters or dependent_linear(C, R).parameters
    return assemble(design, parameters, size, groups=groups, dependence=dependence_of(R))


@every_grouping
def test_rows_share_exactly_what_they_are_said_to_share(groups, factors):
    sampler = build(groups=groups, size=16)
    d = len(factors)
    assert (sampler.layout.method, sampler.layout.d, sampler.layout.n_rows) == ("conditional", d, 2 * d + 2)
    for rows in (sampler.rows(0, 50), sampler.unit_rows(0, 50)):
        A, B, F, T = rows[:, 0], rows[:, 1], rows[:, 2 : 2 + d], rows[:, 2 + d :]
        for i, own in enumerate(factors):
            rest = [j for j in range(5) if j not in own]
            assert (F[:, i][:, own] == B[:, own]).all()
            assert (T[:, i][:, rest] == A[:, rest]).all()
            assert (T[:, i][:, own] != A[:, own]).all()
            moved = [j for j in rest if any(reaches(j, k) for k in own)]
            assert (F[:, i][:, moved] != A[:, moved]).all()
            kept = [j for j in rest if j not in moved]
            assert (F[:, i][:, kept] == A[:, kept]).all()


def reaches(j, k):
    """x1 to x4 hang together, directly or through others; a direct zero leaves the conditional mean alone."""
    return R[j][k] != 0 if j != k else True


def test_an_independent_factor_has_the_rows_of_pick_freeze():
    rows = build(size=16).rows(0, 50)
    expected = rows[:, 0].copy()
    expected[:, 4] = rows[:, 1, 4]
    assert (rows[:, 2 + 4] == expected).all()
    assert (rows[:, 7 + 4] == expected).all()


@every_grouping
def test_every_row_has_the_wanted_correlation(groups, factors):
    """Five standard errors, (1 - r^2) / sqrt(n), of a correlation; 1 / sqrt(2 n) of a standard deviation."""
    n = 16384
    rows = build(groups=groups).rows(0, n)
    for row in range(rows.shape[1]):
        found = np.corrcoef(rows[:, row], rowvar=False)
        assert (np.abs(found - R) <= 5 * (1 - np.square(R)) / sqrt(n) + 1e-12).all()
        assert np.abs(rows[:, row].std(axis=0) - 1).max() < 5 / sqrt(2 * n)


def test_partners_are_independent_given_what_they_share():
    """F_i less its regression on x_i, against the same of B; T_i's own residual against A's."""
    n, C_ = 16384, np.array(R)
    rows = build().rows(0, n)
    A, B = rows[:, 0], rows[:, 1]
    for i in range(4):
        rest = [j for j in range(5) if j != i]
        left = [x[:, rest] - np.outer(x[:, i], C_[i, rest]) for x in (B, rows[:, 2 + i])]
        assert np.abs(cross_correlation(*left)).max() < 5 / sqrt(n)
        told = np.linalg.solve(C_[np.ix_(rest, rest)], C_[rest, i])
        left = [x[:, [i]] - x[:, rest] @ told[:, None] for x in (A, rows[:, 7 + i])]
        assert np.abs(cross_correlation(*left)).max() < 5 / sqrt(n)


def cross_correlation(x, y):
    return np.corrcoef(x, y, rowvar=False)[: x.shape[1], x.shape[1] :]


@every_grouping
@pytest.mark.parametrize("sequence", ["sobol", "random"])
def test_full_and_independent_indices_of_a_linear_function(groups, factors, sequence):
    """Ratios of sums over 32 replicates, within five of their standard errors of the exact indices."""
    function, d, L, size = dependent_linear(C, R, groups=factors), len(factors), 32, 256
    rows = build(sequence, groups, size=size).rows(0, L * size)
    y = function(rows.reshape(-1, 5)).reshape(L, size, 2 * d + 2)
    A, B, F, T = y[..., 0], y[..., 1], y[..., 2 : 2 + d], y[..., 2 + d :]
    Q = ((A - B) ** 2).sum(axis=1)
    for numerators, exact in (
        (((A - B) ** 2)[..., None] - (B[..., None] - F) ** 2, function.S1),
        ((A[..., None] - T) ** 2, function.ST),
    ):
        P = numerators.sum(axis=1)
        theta = P.sum(axis=0) / Q.sum()
        error = np.sqrt(((P - theta * Q[:, None]) ** 2).sum(axis=0)) / Q.sum()
        assert (np.abs(theta - exact) < 5 * error).all()
        assert error.max() < 0.02


def test_an_input_that_does_nothing_has_no_independent_index_but_a_full_one():
    function = dependent_linear((0.0, 1.0), ((1.0, 0.6), (0.6, 1.0)))
    np.testing.assert_allclose(function.S1, [0.36, 1.0])
    design = {"method": "pick-freeze", "sequence": "sobol", "seed": 0}
    dependence = dependence_of([[1.0, 0.6], [0.6, 1.0]])
    y = function(
        assemble(design, function.parameters, 256, dependence=dependence).rows(0, 4096).reshape(-1, 2)
    )
    A, B, F1, F2, T1, T2 = y.reshape(-1, 6).T
    assert (T1 == A).all()
    assert (F2 == B).all()
    Q = ((A - B) ** 2).sum()
    assert abs(1 - ((B - F1) ** 2).sum() / Q - 0.36) < 0.02
    assert abs(((A - T2) ** 2).sum() / Q - 0.64) < 0.02


def test_other_distributions_keep_theirs_in_every_row():
    """Kolmogorov-Smirnov at one in ten million."""
    parameters = [dict(p) for p in dependent_linear(C, R).parameters]
    parameters[1] = {"name": "x2", "distribution": "uniform", "low": 0.0, "high": 1.0}
    parameters[3] = {"name": "x4", "distribution": "lognormal", "mean_log": 0.0, "sd_log": 0.5}
    rows = build(parameters=parameters).rows(0, 4096)
    for row in range(rows.shape[1]):
        assert stats.kstest(rows[:, row, 1], stats.uniform.cdf).pvalue > 1e-7
        assert stats.kstest(rows[:, row, 3], stats.lognorm(0.5).cdf).pvalue > 1e-7


def test_refusals():
    parameters = dependent_linear(C, R).parameters
    design = {"method": "pick-freeze", "sequence": "sobol", "seed": 0, "both_ways": True}
    with pytest.raises(DesignError, match=r"design\.both_ways: correlated factors have no rows BA_i"):
        assemble(design, parameters, 16, dependence=dependence_of(R))
    with pytest.raises(DesignError, match="need a Gaussian copula"):
        Conditional(Inputs.of(parameters), CounterRandom, 16, 0)
