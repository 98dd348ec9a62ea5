"""What discrete distributions promise beyond the contract: exact masses, both ends, refusals."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsl_sa.design.discrete import Categorical, Choice, Discrete, Integer, Ordinal
from parsl_sa.design.sequences import ScrambledSobol
from parsl_sa.errors import DesignError

EPS = 2.0**-52
POINTS = 2**52  # of the lattice, at the odd multiples of 2^-53


def level_by_fractions(weights, place):
    """Return the level at a point of the lattice in exact arithmetic, and those that a rounding allows."""
    total = sum(map(Fraction, weights))
    sums = [part / total for part in accumulate(map(Fraction, weights))]
    unit = Fraction(2 * place + 1, 2**53)
    half = Fraction(1, 2**54)
    return {sum(border <= unit + shift for border in sums[:-1]) for shift in (-half, 0, half)}


@given(
    weights=st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=12),
    shares=st.lists(st.floats(0, 1, exclude_max=True), max_size=8),
)
@settings(max_examples=150, deadline=None)
def test_masses_are_the_weights_to_one_point_of_the_lattice(weights, shares):
    """Beside every border and anywhere else, levels are those of exact fractions."""
    total = sum(map(Fraction, weights))
    borders = [int(part / total * POINTS) for part in accumulate(map(Fraction, weights))][:-1]
    near = {border + step for border in borders for step in (-1, 0, 1)} | {int(s * POINTS) for s in shares}
    places = sorted(place for place in near | {0, POINTS - 1} if 0 <= place < POINTS)
    unit = (np.array(places, np.float64) + 0.5) * EPS
    named = [f"level {code}" for code in range(len(weights))]
    for distribution in (
        Categorical(named, weights),
        Ordinal(named, weights),
        Choice(range(len(weights)), weights),
    ):
        for place, code in zip(places, distribution.from_unit(unit).tolist(), strict=True):
            assert code in level_by_fractions(weights, place)


@pytest.mark.parametrize("seed", [0, 7])
def test_a_replicate_of_sobol_points_holds_exactly_its_share_of_every_level(seed):
    """Any stretch between multiples of 1/n has as many of n points; others differ by less than 2."""
    n = 1024
    unit = ScrambledSobol(1, n, seed=seed).points(3, 0, n)[:, 0]
    eighths = Categorical(["a", "b", "c", "d"], [1, 2, 4, 1]).from_unit(unit)
    assert np.bincount(eighths.astype(int)).tolist() == [128, 256, 512, 128]
    probabilities = [0.1, 0.2, 0.3, 0.4]
    tenths = Discrete([0, 1, 2, 3], probabilities).from_unit(unit)
    assert (np.abs(np.bincount(tenths.astype(int)) - n * np.array(probabilities)) < 2).all()
    thirds = Ordinal([10, 20, 40]).from_unit(unit)
    assert (np.abs(np.bincount(thirds.astype(int)) - n / 3) < 2).all()


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
        (lambda: Discrete([1.0, 2.0], [0.5, 0.4]), "probabilities: must sum to 1, not to 0.9"),
        (lambda: Discrete([1.0, 2.0], [1.0]), "probabilities: must be as many"),
        (lambda: Categorical(["a", "a"]), "levels: must all be different"),
        (lambda: Categorical(["a", 1]), "levels: must be texts"),
        (lambda: Categorical("ab"), "levels: must be a list"),
        (lambda: Ordinal([1, 3, 2]), "levels: must rise"),
        (lambda: Ordinal([1, "b"]), "levels: must be texts alone, or finite numbers alone"),
        (lambda: Ordinal(["b", "a"], [1.0]), "weights: must be as many as the levels, 2, not 1"),
    ],
)
def test_fields_that_make_no_distribution_are_refused(build, message):
    with pytest.raises(DesignError, match=message):
        build()
