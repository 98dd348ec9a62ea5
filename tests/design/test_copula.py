"""Correlations of a Gaussian copula: of scores, of ranks, of what is left alone."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from parsl_sa.design import assemble
from parsl_sa.design.copula import GaussianCopula, weighted
from parsl_sa.errors import DesignError

N = 16384
MONTE_CARLO = {"method": "monte-carlo", "sequence": "random", "seed": 0}
NORMAL = {"distribution": "normal", "mean": 3.0, "sd": 2.0}
SKEW = {"distribution": "lognormal", "mean_log": 0.0, "sd_log": 1.0}
UNIFORM = {"distribution": "uniform", "low": -1.0, "high": 1.0}
HORNED = {"distribution": "beta", "alpha": 0.5, "beta": 0.7}
GUMBEL = {"distribution": "scipy", "family": "gumbel_r"}
MEASURED = {"distribution": "empirical", "values": [1.0, 2.0, 4.0, 9.0, 30.0], "interpolate": True}
R = [[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]]


def drawn(distributions, **dependence):
    parameters = [{"name": name, **each} for name, each in zip("abcd", distributions, strict=False)]
    dependence = {"kind": "gaussian-copula", "parameters": [*"abc"], **dependence}
    return assemble(MONTE_CARLO, parameters, 1024, dependence=dependence).rows(0, N)[:, 0]


def assert_correlated(found, expected):
    """Five standard errors, (1 - r^2) / sqrt(n), of a correlation; of ranks 6 % more and a little."""
    np.fill_diagonal(found, 1)
    assert (np.abs(found - expected) <= 5 * 1.2 * (1 - np.square(expected)) / sqrt(N) + 1e-12).all()


def test_the_correlation_is_that_of_normal_parameters_and_of_logarithms():
    x = drawn([NORMAL, SKEW, NORMAL], correlation=R)
    assert_correlated(np.corrcoef([x[:, 0], np.log(x[:, 1]), x[:, 2]]), R)


@pytest.mark.parametrize("distributions", [[NORMAL] * 3, [SKEW, UNIFORM, NORMAL], [HORNED, GUMBEL, MEASURED]])
def test_rank_correlations_do_not_depend_on_the_distributions(distributions):
    x = drawn(distributions, rank_correlation=R)
    assert_correlated(stats.spearmanr(x).statistic, R)


def test_distributions_stay_what_they_are():
    """Kolmogorov-Smirnov at one in ten million."""
    x = drawn([NORMAL, SKEW, UNIFORM], correlation=R)
    for column, reference in ((0, stats.norm(3, 2)), (1, stats.lognorm(1)), (2, stats.uniform(-1, 2))):
        assert stats.kstest(x[:, column], reference.cdf).pvalue > 1e-7


def test_a_discrete_parameter_can_be_correlated():
    x = drawn([NORMAL, {"distribution": "integer", "low": 0, "high": 4}, NORMAL], correlation=R)
    assert set(x[:, 1]) == {0, 1, 2, 3, 4}
    masses = np.bincount(x[:, 1].astype(int)) / N
    assert np.abs(masses - 0.2).max() < 5 * sqrt(0.2 * 0.8 / N)
    assert 0.4 < np.corrcoef(x[:, 0], x[:, 1])[0, 1] < 0.6


def test_parameters_without_correlation_keep_their_bits():
    """b has none in the matrix, and d is not in it."""
    matrix = [[1, 0, 0.5], [0, 1, 0], [0.5, 0, 1]]
    x = drawn([NORMAL, SKEW, NORMAL, UNIFORM], correlation=matrix)
    parameters = [
        {"name": n, **each} for n, each in zip("abcd", [NORMAL, SKEW, NORMAL, UNIFORM], strict=True)
    ]
    alone = assemble(MONTE_CARLO, parameters, 1024).rows(0, N)[:, 0]
    assert (x[:, [1, 3]] == alone[:, [1, 3]]).all()
    assert (x[:, 2] != alone[:, 2]).any()
    none = drawn([NORMAL, SKEW, NORMAL, UNIFORM], correlation=np.eye(3))
    assert (none == alone).all()


def test_the_farthest_points_stay_inside_the_unit_interval():
    copula = GaussianCopula(["a", "b"], [[1, 0.9], [0.9, 1]])
    corner = np.array([[2.0**-53, 2.0**-53], [1 - 2.0**-53, 1 - 2.0**-53]])
    unit = copula.unit(copula.scores(corner))
    assert ((unit > 0) & (unit < 1)).all()


def test_conditional_regressions_are_those_of_the_covariance():
    copula = GaussianCopula([*"abc"], R)
    own, rest, C = [0, 2], [1], np.array(R)
    forward, residual = copula.given(np.array(own))
    np.testing.assert_allclose(forward[own], np.eye(2), atol=1e-14)
    np.testing.assert_allclose(
        forward[rest], C[np.ix_(rest, own)] @ np.linalg.inv(C[np.ix_(own, own)]), atol=1e-14
    )
    np.testing.assert_allclose(residual[:, own], np.eye(2), atol=1e-14)
    np.testing.assert_allclose(residual[:, rest], -C[np.ix_(own, rest)], atol=1e-14)


def test_weighted_sums_are_products_whose_bits_do_not_depend_on_the_number_of_rows():
    x, weights = np.random.default_rng(0).random((1000, 7)), np.random.default_rng(1).random((5, 7))
    whole = weighted(x, weights)
    np.testing.assert_allclose(whole, x @ weights.T, rtol=1e-14)
    assert all((weighted(x[i : i + 1], weights) == whole[i]).all() for i in range(0, 1000, 97))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "needs either correlation or rank_correlation"),
        ({"correlation": R, "rank_correlation": R}, "needs either"),
        (
            {"correlation": [[1, 0.5], [0.5, 1]]},
            r"inputs\.dependence\.correlation: must be symmetric .* 3 by 3",
        ),
        ({"rank_correlation": np.array(R) + np.triu(R, 1)}, r"rank_correlation: must be symmetric"),
        ({"correlation": 0.9 * np.array(R)}, "with ones on its diagonal"),
        ({"correlation": [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]}, "must be positive definite"),
        ({"corelation": R}, "wrong fields for gaussian-copula"),
        ({"correlation": R, "parameters": ["a", "b", "x"]}, "no uncertain parameter is called 'x'"),
    ],
)
def test_faults(fields, message):
    with pytest.raises(DesignError, match=message):
        drawn([NORMAL] * 3, **fields)
