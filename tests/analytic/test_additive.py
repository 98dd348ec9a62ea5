"""Ishigami, Friedman, linear and levels, to the digits that are published for them."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.analytic import friedman, ishigami, levels, linear_gaussian


def test_ishigami_digits():
    function = ishigami()
    assert function.mean == 3.5
    assert function.variance == pytest.approx(13.8445879407, abs=5e-11)
    np.testing.assert_allclose(function.S1, [0.3139051911, 0.4424111448, 0], rtol=0, atol=5.1e-11)
    np.testing.assert_allclose(function.ST, [0.5575888552, 0.4424111448, 0.2436836641], rtol=0, atol=5.1e-11)
    assert function.S1[2] == 0


def test_ishigami_point():
    x = np.array([[np.pi / 2, np.pi / 2, 2.0], [0.0, 0.0, 3.0]])
    np.testing.assert_allclose(ishigami()(x), [1 + 7 + 1.6, 0.0], rtol=1e-15)


def test_friedman_digits():
    function = friedman()
    assert function.mean == pytest.approx(14.4133, abs=5.1e-5)
    assert function.variance == pytest.approx(23.8265, abs=5.1e-5)
    S1, ST = [0.19731, 0.19731, 0.09327, 0.34975, 0.08744], [0.27223, 0.27223, 0.09327, 0.34975, 0.08744]
    np.testing.assert_allclose(function.S1[:5], S1, rtol=0, atol=5.1e-6)
    np.testing.assert_allclose(function.ST[:5], ST, rtol=0, atol=5.1e-6)
    assert (function.S1[5:] == 0).all()
    assert (function.ST[5:] == 0).all()
    assert friedman(0).d == 5


def test_friedman_by_quadrature():
    """sin(pi x1 x2) is entire, so 40 Gauss-Legendre nodes a side give all digits of a double."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    nodes, weights = (nodes + 1) / 2, weights / 2
    g = 10 * np.sin(np.pi * np.outer(nodes, nodes))
    mean, square = weights @ g @ weights, weights @ g**2 @ weights
    first = weights @ (g @ weights) ** 2 - mean**2
    function = friedman(0)
    rest = 400 / 180 + 125 / 12
    assert function.variance == pytest.approx(square - mean**2 + rest, rel=1e-12)
    assert function.S1[0] * function.variance == pytest.approx(first, rel=1e-12)
    assert function.ST[0] * function.variance == pytest.approx(square - mean**2 - first, rel=1e-12)


def test_linear_gaussian_shares():
    function = linear_gaussian((1.0, -2.0), (3.0, 0.5))
    assert function.variance == 10
    assert function.S1.tolist() == function.ST.tolist() == [0.9, 0.1]
    assert function(np.array([[2.0, 1.0]])).tolist() == [0.0]


def test_levels_by_enumeration():
    function = levels((0.0, 1.0, 4.0), slope=2.0)
    assert function.mean == pytest.approx(5 / 3 + 1)
    assert function.variance == pytest.approx(26 / 9 + 4 / 12)
    assert function.S1[0] == pytest.approx((26 / 9) / (26 / 9 + 4 / 12))
    assert function(np.array([[1.0, 0.5], [3.0, 0.25]])).tolist() == [1.0, 4.5]
