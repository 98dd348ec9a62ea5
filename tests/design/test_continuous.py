"""What single distributions promise beyond the contract: digits in far tails, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.design.continuous import (
    Beta,
    LogNormal,
    LogUniform,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
)
from parsl_sa.errors import DesignError

EPS = 2.0**-52

# Quantiles to 20 digits, from 60-digit arithmetic on the definition (mpmath, root of P(x) - p).
FAR_TAILS = [
    ((0, 1, -1, 2), 2.0**-53, -0.99999999999999962441),
    ((0, 1, -1, 2), 0.1, -0.7046478210947451805),
    ((0, 1, -1, 2), 1 - 1e-6, 1.9999848385339991343),
    ((0, 1, 5, 8), 1e-6, 5.0000001928081972344),
    ((0, 1, 5, 8), 0.5, 5.1320183316359252887),
    ((0, 1, 5, 8), 1 - 2.0**-53, 7.9999999937009087364),
    ((0, 1, -8, -5), 2.0**-53, -7.9999999937009087364),
    ((0, 1, 40, None), 0.1, 40.002632283207007429),
    ((0, 1, 40, None), 1 - 2.0**-53, 40.907563906503472706),
    ((0, 1, None, -40), 0.9, -40.002632283207007428),
    ((0, 1, -3, None), 1 - 2.0**-53, 8.2096983515680180046),
    ((2, 0.5, None, 3), 2.0**-53, -2.1061495130307610552),
    ((2, 0.5, None, 3), 1 - 1e-6, 2.9999909500399492129),
    ((0, 1, 8, 8.5), 0.9, 8.2634829869890370629),
    ((0, 1, 30, 31), 1 - 1e-6, 30.45654084066034825),
]


@pytest.mark.parametrize(("fields", "unit", "expected"), FAR_TAILS)
def test_truncated_normal_keeps_its_digits_in_both_tails(fields, unit, expected):
    quantile = TruncatedNormal(*fields).from_unit(np.array([unit]))[0]
    # Four units in the last place of the sum mean + sd z, whose terms are no larger than this.
    assert abs(quantile - expected) <= 4 * EPS * (abs(fields[0]) + abs(expected - fields[0]))


def test_truncated_normal_is_mirrored_exactly():
    unit = (np.floor(np.random.default_rng(0).random(1000) * 2**52) + 0.5) * EPS
    right = TruncatedNormal(0.0, 1.0, 1.0, 4.0).from_unit(unit)
    left = TruncatedNormal(0.0, 1.0, -4.0, -1.0).from_unit(1 - unit)
    assert np.abs(left + right).max() <= 8 * EPS * 4


def test_beta_is_a_power_at_either_end():
    """With one shape 1 the quantile is a closed form: u^(1/alpha), and 1 - (1 - u)^(1/beta)."""
    tail = 2.0 ** -np.arange(1.0, 54.0)
    for shape in (0.1, 0.7, 3.0):
        near = tail ** (1 / shape)
        np.testing.assert_allclose(Beta(shape, 1.0).from_unit(tail), near, rtol=1e-13)
        np.testing.assert_allclose(Beta(1.0, shape, -1.0, 0.0).from_unit(1 - tail), -near, rtol=1e-13)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Uniform(1.0, 1.0), "high: must exceed low"),
        (lambda: Uniform(2.0, 1.0), "high: must exceed low"),
        (lambda: Uniform(-1.7e308, 1.7e308), "high: lies too far"),
        (lambda: LogUniform(0.0, 1.0), "low: must exceed 0"),
        (lambda: LogUniform(2.0, 1.0), "high: must exceed low"),
        (lambda: LogUniform(1e-300, 1e300), "high: lies too far"),
        (lambda: Normal(0.0, 0.0), "sd: must exceed 0"),
        (lambda: Normal(0.0, -1.0), "sd: must exceed 0"),
        (lambda: LogNormal(0.0, 0.0), "sd_log: must exceed 0"),
        (lambda: LogNormal(1000.0, 10.0), "are the fields those of ln X"),
        (lambda: TruncatedNormal(0.0, 0.0, -1.0, 1.0), "sd: must exceed 0"),
        (lambda: TruncatedNormal(0.0, 1.0, 1.0, -1.0), "high: must exceed low"),
        (lambda: TruncatedNormal(0.0, 1.0, 1e200), "no mass"),
        (lambda: TruncatedNormal(0.0, 1.0, None, -1e200), "no mass"),
        (lambda: Beta(0.0, 1.0), "alpha: must exceed 0"),
        (lambda: Beta(1.0, -1.0), "beta: must exceed 0"),
        (lambda: Beta(1.0, 1.0, 2.0, 1.0), "high: must exceed low"),
        (lambda: Triangular(0.0, 2.0, 1.0), "mode: must lie"),
        (lambda: Triangular(1.0, 1.0, 1.0), "high: must exceed low"),
    ],
)
def test_fields_that_make_no_distribution_are_refused(build, message):
    with pytest.raises(DesignError, match=message):
        build()
