"""The borehole's tabulated answers, computed again by quadrature."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.analytic import borehole

# Gauss-Legendre nodes for rw, r (in ln r), Tu, Tl, L, Kw: the next finer grid moves no index by 1e-13.
NODES = {"rw": 16, "r": 24, "Tu": 4, "Tl": 5, "L": 6, "Kw": 5}


def quadrature():
    """Mean, variance, S1 and ST, from the flow at Hu - Hl = 1 and the exact moments of Hu - Hl."""
    function = borehole()
    bounds = {p["name"]: (p["low"], p["high"]) for p in function.parameters}
    axes, weights = [], []
    for name, n in NODES.items():
        low, high = bounds[name]
        x, w = np.polynomial.legendre.leggauss(n)
        if name == "r":
            x = np.exp(np.log(low) + np.log(high / low) * (x + 1) / 2)
            w = w / 2 * np.log(high / low) * x / (high - low)
        else:
            x, w = low + (high - low) * (x + 1) / 2, w / 2
        axes.append(x)
        weights.append(w)
    columns = dict(zip(NODES, np.meshgrid(*axes, indexing="ij"), strict=True))
    columns |= {"Hu": np.ones_like(columns["rw"]), "Hl": np.zeros_like(columns["rw"])}
    x = np.stack([columns[p["name"]].ravel() for p in function.parameters], axis=1)
    g = function(x).reshape([*NODES.values()])

    def average(values, *over):
        for axis in sorted(over, reverse=True):
            shape = [1] * values.ndim
            shape[axis] = -1
            values = (values * weights[axis].reshape(shape)).sum(axis=axis, keepdims=True)
        return values

    everything = range(6)
    mean_g, square_g = average(g, *everything).item(), average(g**2, *everything).item()
    mean_head, var_head = 1050.0 - 760.0, 120.0**2 / 12  # of Hu - Hl, and of each of the two
    square_head = mean_head**2 + 2 * var_head
    variance = square_head * square_g - (mean_head * mean_g) ** 2
    S1 = {"Hu": var_head * mean_g**2, "Hl": var_head * mean_g**2}
    ST = {"Hu": var_head * square_g, "Hl": var_head * square_g}
    for i, name in enumerate(NODES):
        others = [axis for axis in everything if axis != i]
        S1[name] = mean_head**2 * (average(average(g, *others) ** 2, i).item() - mean_g**2)
        ST[name] = square_head * average(average((g - average(g, i)) ** 2, i), *others).item()
    order = [p["name"] for p in function.parameters]
    return (
        mean_head * mean_g,
        variance,
        np.array([S1[name] for name in order]) / variance,
        np.array([ST[name] for name in order]) / variance,
    )


def test_table_equals_quadrature():
    function, (mean, variance, S1, ST) = borehole(), quadrature()
    assert function.mean == pytest.approx(mean, abs=1e-10)
    assert function.variance == pytest.approx(variance, abs=1e-9)
    np.testing.assert_allclose(function.S1, S1, rtol=0, atol=1e-10)
    np.testing.assert_allclose(function.ST, ST, rtol=0, atol=1e-10)


def test_published_digits():
    function = borehole()
    assert function.mean == pytest.approx(77.6513, abs=5.1e-5)
    assert function.variance == pytest.approx(2078.93, abs=5.1e-3)
    S1 = [0.82892, 0, 0, 0.04139, 1e-5, 0.04138, 0.03934, 0.00952]
    ST = [0.86683, 0, 0, 0.05411, 1e-5, 0.05411, 0.05208, 0.01273]
    np.testing.assert_allclose(function.S1, S1, rtol=0, atol=2e-5)
    np.testing.assert_allclose(function.ST, ST, rtol=0, atol=2e-5)
