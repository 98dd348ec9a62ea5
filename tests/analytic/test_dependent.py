"""The dependent linear function against the formulas of two inputs, the independent one, and regression."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.analytic import dependence_of, dependent_linear, linear_gaussian

R = [[1.0, 0.5, -0.3, 0.0], [0.5, 1.0, 0.2, 0.0], [-0.3, 0.2, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
C, S = (1.0, 2.0, -1.5, 0.5), (1.0, 0.5, 2.0, 3.0)


@pytest.mark.parametrize("r", [-0.9, 0.0, 0.6])
@pytest.mark.parametrize("b", [-2.0, 0.0, 2.0])
def test_two_inputs(b, r):
    function = dependent_linear((1.0, b), ((1.0, r), (r, 1.0)))
    V = 1 + b**2 + 2 * b * r
    assert function.variance == pytest.approx(V)
    np.testing.assert_allclose(function.S1, [(1 + b * r) ** 2 / V, (b + r) ** 2 / V], atol=1e-12)
    np.testing.assert_allclose(function.ST, [(1 - r**2) / V, b**2 * (1 - r**2) / V], atol=1e-12)


def test_without_correlation_it_is_the_independent_one():
    found, expected = dependent_linear(C, np.eye(4), S), linear_gaussian(C, S)
    for name in ("S1", "ST", "variance"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)


@pytest.mark.parametrize("groups", [None, [[0], [1, 3], [2]], [[0, 1, 2], [3]]])
def test_indices_are_shares_that_regression_explains(groups):
    """Full: variance explained by the factor. Independent: variance that all the others leave unexplained."""
    function = dependent_linear(C, R, S, groups)
    rng = np.random.default_rng(0)
    n = 200_000
    x = rng.standard_normal((n, 4)) @ np.linalg.cholesky(np.array(R)).T * np.array(S)
    y = function(x)
    for i, own in enumerate(groups or [[0], [1], [2], [3]]):
        rest = [j for j in range(4) if j not in own]
        # A share of explained variance has a standard error below 2 / sqrt(n); five of them.
        assert abs(explained(x[:, own], y) - function.S1[i]) < 10 / np.sqrt(n)
        assert abs(1 - explained(x[:, rest], y) - function.ST[i]) < 10 / np.sqrt(n)


def explained(x, y):
    fit = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return 1 - np.var(y - fit) / np.var(y)


def test_the_dependence_is_that_of_a_spec():
    assert dependence_of([[1, 0.5], [0.5, 1]]) == {
        "kind": "gaussian-copula",
        "parameters": ["x1", "x2"],
        "correlation": [[1.0, 0.5], [0.5, 1.0]],
    }
