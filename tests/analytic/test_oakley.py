"""Oakley and O'Hagan's function against published digits and SALib's evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.analytic import oakley, oakley_ohagan


def test_published_digits():
    function = oakley_ohagan()
    assert function.variance == pytest.approx(60.156207, abs=5.1e-7)
    assert function.mean == pytest.approx(8.984097, abs=5.1e-7)
    S1 = [0.001560, 0.000186, 0.001307, 0.003045, 0.002909, 0.023027, 0.024164, 0.026515]
    ST = [0.058959, 0.062917, 0.035881, 0.054620, 0.023692, 0.041289, 0.057966, 0.082213]
    np.testing.assert_allclose(function.S1[:8], S1, rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(function.ST[:8], ST, rtol=0, atol=5.1e-7)


def test_salib_evaluates_the_same():
    theirs = pytest.importorskip("SALib.test_functions.oakley2004")
    x = np.random.default_rng(0).normal(size=(50, 15))
    expected = theirs.evaluate(x, oakley._COEFFICIENTS, oakley._MATRIX)
    np.testing.assert_allclose(oakley_ohagan()(x), expected, rtol=1e-12)
