"""What discrete distributions promise beyond the contract: exact masses, both ends, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from parsl_sa.design.discrete import Choice, Integer
from parsl_sa.errors import DesignError

EPS = 2.0**-52


@pytest.mark.parametrize(("low", "high"), [(1, 3), (0, 9), (-3, 3), (0, 1), (5, 5)])
def test_integer_masses_are_equal_on_a_lattice(low, high):
    """On a fine lattice a level holds its share, less or more than one point."""
    points = 2**16
    unit = (np.arange(points) + 0.5) / points
    levels, counts = np.unique(Integer(low, high).from_unit(unit), return_counts=True)
    assert levels.tolist() == list(range(low, high + 1))
    assert np.abs(counts - points / len(levels)).max() < 1


@pytest.mark.parametrize("n", [3, 7, 10, 1000, 12345])
def test_integer_and_choice_borders_are_exact_to_one_lattice_point(n):
    """The last point under each border j / n belongs to level j - 1, the first point over it to level j."""
    integer, choice = Integer(0, n - 1), Choice(tuple(range(n)))
    for j in range(1, n, max(1, n // 50)):
        k = j * 2**52 // n  # the lattice cell that the border cuts or starts
        unit = np.array([(k - 1 + 0.5) * EPS, (k + 1 + 0.5) * EPS])
        assert integer.from_unit(unit).tolist() == [j - 1, j]
        assert choice.from_unit(unit).tolist() == [j - 1, j]


def test_integer_reaches_both_ends():
    unit = np.array([EPS / 2, 1 - EPS / 2])
    assert Integer(-(2**51), 2**51 - 1).from_unit(unit).tolist() == [-(2.0**51), 2.0**51 - 1]
    assert Integer(1, 3).from_unit(unit).tolist() == [1.0, 3.0]


def test_choice_masses_are_those_of_the_weights():
    choice = Choice([10.0, 20.0, 30.0, 40.0], [0.0, 0.1, 0.7, 0.0])
    points = 2**16
    unit = (np.arange(points) + 0.5) / points
    values, counts = np.unique(choice.from_unit(unit), return_counts=True)
    assert values.tolist() == [20.0, 30.0]
    assert np.abs(counts / points - [0.125, 0.875]).max() < 1 / points
    assert choice.from_unit(np.array([EPS / 2, 1 - EPS / 2])).tolist() == [20.0, 30.0]


def test_many_small_weights_do_not_drift():
    """The double 0.1 is added 10 000 times; the borders are still within one rounding of j / 10 000."""
    choice = Choice(range(10_000), [0.1] * 10_000)
    j = np.arange(1, 10_000)
    below, above = np.nextafter(j / 10_000, 0) - EPS, np.nextafter(j / 10_000, 1) + EPS
    assert (choice.from_unit(below) == j - 1).all()
    assert (choice.from_unit(above) == j).all()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Integer(3, 1), "high: must not be under low"),
        (lambda: Integer(0.5, 1), "low: must be a whole number"),
        (lambda: Integer(0, 2**60), "high: must lie within"),
        (lambda: Integer(-(2**52), 2**52), "high: lies more than"),
        (lambda: Choice([]), "values: must not be empty"),
        (lambda: Choice([1.0, 2.0], [1.0]), "weights: must be as many"),
        (lambda: Choice([1.0, 2.0], [1.0, -1.0]), "weights: must be finite, not negative"),
        (lambda: Choice([1.0, 2.0], [0.0, 0.0]), "weights: must be finite, not negative"),
        (lambda: Choice([1.0, math.nan]), "values: must be finite"),
    ],
)
def test_fields_that_make_no_distribution_are_refused(build, message):
    with pytest.raises(DesignError, match=message):
        build()
