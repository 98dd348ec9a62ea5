"""The interval of a ratio against the sample formula it abbreviates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from parsl_sa.stats.intervals import half_width, ratio_scatter, widening


def test_equals_the_formula_over_stored_totals() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.gamma(5.0, size=(12, 4)), rng.gamma(9.0, size=(12, 4))
    ratio = p.sum(0) / q.sum(0)
    scatter = ratio_scatter((p * p).sum(0), (p * q).sum(0), (q * q).sum(0), ratio)
    residuals = p - ratio * q
    expected = t.ppf(0.95, 11) * np.sqrt(12) * residuals.std(axis=0, ddof=1) / q.sum(0)
    np.testing.assert_allclose(half_width(scatter, q.sum(0), 12, 0.9), expected, rtol=1e-12)


def test_replicates_in_proportion_have_no_spread_and_never_nan() -> None:
    q = np.random.default_rng(1).random((10, 1000)) + 0.5
    p = q / 3.0
    ratio = p.sum(0) / q.sum(0)
    scatter = ratio_scatter((p * p).sum(0), (p * q).sum(0), (q * q).sum(0), ratio)
    assert (scatter < 0.0).any()  # rounding does go below 0
    half = half_width(scatter, q.sum(0), 10, 0.95)
    assert np.all((half >= 0.0) & (half < 1e-7))


@pytest.mark.parametrize("n_replicates", [0, 1, 7])
def test_too_few_replicates_have_no_interval(n_replicates: int) -> None:
    assert np.isnan(half_width(np.ones(3), np.ones(3), n_replicates, 0.95)).all()


def test_a_zero_denominator_has_no_interval() -> None:
    assert np.isnan(half_width(np.zeros(2), np.array([0.0, 1.0]), 9, 0.95)).tolist() == [True, False]


@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
@pytest.mark.parametrize(
    ("level", "n_intervals", "n_replicates"), [(0.95, 8, 16), (0.9, 40, 8), (0.99, 3, 32)]
)
def test_widened_intervals_hold_all_at_once(
    shared: float, level: float, n_intervals: int, n_replicates: int
) -> None:
    # estimates with a part of their replicates' scatter in common, each with a spread of its own
    rng, repeats = np.random.default_rng(2), 20_000
    common = rng.normal(size=(n_replicates, repeats, 1))
    totals = np.sqrt(shared) * common + np.sqrt(1.0 - shared) * rng.normal(
        size=(n_replicates, repeats, n_intervals)
    )
    students = totals.mean(axis=0) / (totals.std(axis=0, ddof=1) / np.sqrt(n_replicates))
    reach = t.ppf((1.0 + level) / 2.0, n_replicates - 1) * widening(level, n_intervals, n_replicates)
    held = np.mean((np.abs(students) <= reach).all(axis=1))
    error = 4.5 * np.sqrt(level * (1.0 - level) / repeats)
    if shared == 0.0:
        assert abs(held - level) < error  # exact where the estimates are independent
    else:
        assert held > level - error
    if shared == 1.0:
        assert held > level + 2.0 * error  # and wider than needed where they move together


def test_one_interval_is_not_widened_and_too_few_replicates_have_none() -> None:
    assert widening(0.95, 1, 8) == 1.0
    assert np.isnan(widening(0.95, 4, 7))
