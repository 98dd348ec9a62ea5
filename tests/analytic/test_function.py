"""What every test function owes: shapes, and answers that a large quasi-random estimate agrees with."""

from __future__ import annotations

import json
import pickle
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from parsl_sa.analytic import FUNCTIONS
from parsl_sa.design import assemble
from parsl_sa.errors import BundleShapeError

L, SIZE = 32, 512
# Two-sided, at one in ten million: with some 100 comparisons in this file, a false alarm stays under 1e-5.
T = stats.t.ppf(1 - 0.5e-7, L - 1)

every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


def replicate_ratio(numerators, denominators):
    """Ratio of sums over replicates (first axis) and the half-width from the spread of replicates."""
    theta = numerators.sum(axis=0) / denominators.sum(axis=0)
    residual = numerators - theta * denominators
    half = T * np.sqrt(L / (L - 1) * (residual**2).sum(axis=0)) / denominators.sum(axis=0)
    return theta, half


@every_function
def test_shapes_and_plain_values(function):
    cells = function.mean.shape
    assert function.variance.shape == cells
    assert function.S1.shape == function.ST.shape == (function.d, *cells)
    assert function(np.ones((5, function.d))).shape == (5, *cells)
    assert function(np.ones((5, function.d))).dtype == np.float64
    assert json.loads(json.dumps(function.parameters)) == list(function.parameters)
    copy = pickle.loads(pickle.dumps(function))
    assert (copy(np.ones((2, function.d))) == function(np.ones((2, function.d)))).all()


@every_function
def test_indices_obey_the_variance_split(function):
    """0 <= S1 <= ST <= 1, sum S1 <= 1 <= sum ST, to the 10 decimals of a tabulated value each."""
    slack = 1e-9
    first, total = function.S1, function.ST
    assert (first >= 0).all()
    assert (first <= total + slack).all()
    assert (total <= 1 + slack).all()
    assert (first.sum(axis=0) <= 1 + slack).all()
    assert (total.sum(axis=0) >= 1 - slack).all()


@every_function
def test_groups_of_one_input_have_its_indices_and_the_group_of_all_has_1(function):
    if function.closed is None:
        with pytest.raises(ValueError, match=f"{function.name} has no closed indices"):
            function.of_groups([[0]])
        return
    S1, ST = function.of_groups([[i] for i in range(function.d)])
    np.testing.assert_allclose(S1, function.S1, atol=1e-12)
    np.testing.assert_allclose(ST, function.ST, atol=1e-12)
    S1, ST = function.of_groups([range(function.d)])
    np.testing.assert_allclose(S1, 1, atol=1e-12)
    np.testing.assert_allclose(ST, 1, atol=1e-12)


@every_function
def test_other_widths_are_refused(function):
    with pytest.raises(BundleShapeError, match=rf"{function.name} takes rows of shape \(n, {function.d}\)"):
        function(np.ones((5, function.d + 1)))


@every_function
def test_exact_answers_agree_with_a_large_estimate(function):
    """Saltelli's rows by Azzini-Rosati's S1 and Jansen's ST, and the moments, each within its own band."""
    design = {"method": "pick-freeze", "sequence": "sobol", "both_ways": True, "seed": 0}
    sampler = assemble(design, function.parameters, SIZE)
    rows = sampler.rows(0, L * SIZE)
    y = function(rows.reshape(-1, function.d)).reshape(L, SIZE, sampler.layout.n_rows, *function.mean.shape)
    y = y - function.mean
    d = function.d
    A, B, AB, BA = y[:, :, :1], y[:, :, 1:2], y[:, :, 2 : d + 2], y[:, :, d + 2 :]

    estimates = {
        "S1": replicate_ratio(
            (2 * (BA - B) * (A - AB)).sum(axis=1), ((A - B) ** 2 + (BA - AB) ** 2).sum(axis=1)
        ),
        "ST": replicate_ratio(((A - AB) ** 2).sum(axis=1), ((A - B) ** 2).sum(axis=1)),
    }
    for name, (theta, half) in estimates.items():
        assert (np.abs(theta - getattr(function, name)) <= half + 1e-9).all(), name
        assert half.max() < 0.06, "the band is too wide to say anything"

    both = y[:, :, :2]
    for values, expected in ((both, 0.0), (both**2, function.variance)):
        means = values.mean(axis=(1, 2))
        half = T * means.std(axis=0, ddof=1) / sqrt(L)
        assert (np.abs(means.mean(axis=0) - expected) <= half + 1e-9 * function.variance).all()


def test_names_are_unique():
    assert len({function.name for function in FUNCTIONS}) == len(FUNCTIONS)
