"""What measured values promise beyond the contract: their masses, and NumPy's quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.design.empirical import Empirical
from parsl_sa.design.sequences import ScrambledSobol
from parsl_sa.errors import DesignError

EPS = 2.0**-52
DATA = np.random.default_rng(3).gamma(2.0, size=37)


def test_every_value_comes_up_as_often_as_it_stands_there():
    points = 2**16
    unit = (np.arange(points) + 0.5) / points
    values, counts = np.unique(Empirical(DATA).from_unit(unit), return_counts=True)
    assert (values == np.sort(DATA)).all()
    assert np.abs(counts - points / len(DATA)).max() < 1
    tied, counts = np.unique(Empirical([5, 1, 5, 5]).from_unit(unit), return_counts=True)
    assert (tied.tolist(), counts.tolist()) == ([1, 5], [points / 4, 3 * points / 4])


def test_a_replicate_of_as_many_points_is_the_sample():
    sample = np.random.default_rng(0).normal(size=256)
    unit = ScrambledSobol(1, 256, seed=1).points(0, 0, 256)[:, 0]
    assert (np.sort(Empirical(sample).from_unit(unit)) == np.sort(sample)).all()


@pytest.mark.parametrize("n", [3, 7, 1000, 12345])
def test_steps_are_exact_to_one_point_of_the_lattice(n):
    """Around each border j / n the last point of a step and the first of the next are told apart."""
    measured = Empirical(np.arange(n))
    for j in range(1, n, max(1, n // 50)):
        k = j * 2**52 // n
        assert measured.from_unit(np.array([(k - 0.5) * EPS, (k + 1.5) * EPS])).tolist() == [j - 1, j]


def test_lines_between_values_are_those_of_numpy():
    unit = np.random.default_rng(1).random(1000)
    found = Empirical(DATA, interpolate=True).from_unit(unit)
    np.testing.assert_allclose(found, np.quantile(DATA, unit), rtol=1e-14)
    ends = Empirical([-1.7e308, 1.7e308], interpolate=True).from_unit(np.array([EPS / 2, 0.5, 1 - EPS / 2]))
    np.testing.assert_allclose(ends, [-1.7e308, 0.0, 1.7e308], rtol=4 * EPS)


@pytest.mark.parametrize("values", [[], [1.0, np.nan], ["a"], [[1.0, 2.0]], 3.0])
def test_what_is_no_list_of_numbers_is_refused(values):
    with pytest.raises(DesignError, match=r"^values: must"):
        Empirical(values)
