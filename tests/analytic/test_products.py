"""Sobol' G, G* and the product, to the digits that are published for them."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.analytic import g_star, product, sobol_g


def test_sobol_g_digits():
    function = sobol_g()
    assert function.mean == 1
    assert function.variance == pytest.approx(0.46542443, abs=5.1e-9)
    S1, ST = [0.716192, 0.179048, 0.023676, 0.007162], [0.787144, 0.242198, 0.034317, 0.010460]
    np.testing.assert_allclose(function.S1[:4], S1, rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(function.ST[:4], ST, rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(function.S1[4:], 7.2e-5, rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(function.ST[4:], 1.05e-4, rtol=0, atol=5.1e-7)


def test_g_star_digits_whatever_the_shift():
    for shift in ((0.0, 0.0, 0.0, 0.0), (0.1, 0.4, 0.0, 0.9)):
        function = g_star(shift=shift)
        assert function.variance == pytest.approx(0.55516667, abs=5.1e-9)
        np.testing.assert_allclose(function.S1, [0.600420, 0.266853, 0.014072, 0.014410], rtol=0, atol=5.1e-7)
        np.testing.assert_allclose(function.ST, [0.700315, 0.361453, 0.021715, 0.022232], rtol=0, atol=5.1e-7)


def test_g_star_without_exponents_and_shifts_is_g():
    """Up to |4 x - 2| against 2 |2 x - 1|, which are the same number."""
    a = (0.0, 1.0, 4.5)
    x = np.random.default_rng(0).random((100, 3))
    same = g_star(a, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    np.testing.assert_allclose(same(x), sobol_g(a)(x), rtol=1e-14)
    np.testing.assert_allclose(same.ST, sobol_g(a).ST, rtol=1e-14)


def test_product_digits():
    function = product()
    assert function.mean == 0
    assert function.variance == 8.5
    np.testing.assert_allclose(function.S1, [0, 0, 8 / 17], rtol=1e-15)
    np.testing.assert_allclose(function.ST, [0.5, 1 / 17, 1.0], rtol=1e-15)
    assert (function.S1[:2] == 0).all()
