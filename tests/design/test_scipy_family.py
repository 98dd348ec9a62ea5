"""What SciPy's families promise beyond the contract: digits in the upper tail, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.design.scipy_family import ScipyFamily
from parsl_sa.errors import DesignError

EPS = 2.0**-52


def test_both_tails_keep_their_digits():
    """Closed forms: the exponential's -log(1 - u), and the Gumbel's -log(-log u) with log u by log1p."""
    tail = 2.0 ** -np.arange(2.0, 54.0)
    far = -np.log(tail)
    np.testing.assert_allclose(ScipyFamily("expon").from_unit(1 - tail), far, rtol=4 * EPS)
    np.testing.assert_allclose(ScipyFamily("expon").from_unit(tail), -np.log1p(-tail), rtol=4 * EPS)
    gumbel = ScipyFamily("gumbel_r").from_unit(1 - tail)
    np.testing.assert_allclose(gumbel, -np.log(-np.log1p(-tail)), rtol=8 * EPS)


def test_shapes_have_scipys_names_in_any_order():
    from scipy import stats

    unit = np.linspace(0.01, 0.99, 99)
    found = ScipyFamily("beta", {"b": 5.0, "a": 2.0}, loc=1.0, scale=3.0).from_unit(unit)
    np.testing.assert_allclose(found, 1 + 3 * stats.beta.ppf(unit, 2, 5), rtol=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: ScipyFamily("gama", {"a": 2.0}),
            "family: scipy.stats has no continuous distribution 'gama'",
        ),
        (lambda: ScipyFamily("poisson", {"mu": 2.0}), "family: scipy.stats has no continuous"),
        (lambda: ScipyFamily("gamma", {}), "shapes: do not suit gamma"),
        (lambda: ScipyFamily("gamma", {"a": 2.0, "b": 1.0}), "shapes: do not suit gamma"),
        (lambda: ScipyFamily("gamma", {"a": -2.0}), "shapes: make no gamma distribution"),
        (lambda: ScipyFamily("norm", scale=0.0), "scale: must exceed 0"),
        (lambda: ScipyFamily("pareto", {"b": 1e-3}), "shapes: quantiles of pareto overflow"),
    ],
)
def test_fields_that_make_no_distribution_are_refused(build, message):
    with pytest.raises(DesignError, match=message):
        build()
