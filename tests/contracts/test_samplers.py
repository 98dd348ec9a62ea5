"""What every sampler owes, asked of each with each sequence."""

from __future__ import annotations

import pickle
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsl_sa.design import assemble
from parsl_sa.design.marginals import Marginals
from parsl_sa.errors import DesignError
from parsl_sa.registry import names, resolve

SIZE = 16
PARAMETERS = [
    {"name": "span", "distribution": "constant", "value": 2.5},
    {"name": "alpha", "distribution": "normal", "mean": 3.0, "sd": 0.5, "unit": "deg"},
    {"name": "Re", "distribution": "loguniform", "low": 5e5, "high": 5e6},
    {"name": "chord", "distribution": "constant", "value": -1.0},
    {"name": "gust", "distribution": "truncated-normal", "mean": 0.0, "sd": 1.0, "low": -1.0},
    {"name": "member", "distribution": "integer", "low": 0, "high": 4},
]
VARYING = [1, 2, 4, 5]
CONSTANT = [0, 3]
D = len(VARYING)
ROWS = {"monte-carlo": 1, "pick-freeze": D + 2, "one-at-a-time": D + 1}
TAKEN_FROM_B = ("pick-freeze", "one-at-a-time")
KINDS = list(product(names("sampler"), names("sequence"), (False, True)))


def build(kind, seed=0, size=SIZE, case=0, parameters=PARAMETERS):
    method, sequence, both_ways = kind
    design = {"method": method, "sequence": sequence, "both_ways": both_ways, "seed": seed}
    return assemble(design, parameters, size, case=case)


pytestmark = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind)))


def test_shapes_are_those_of_the_layout(kind):
    sampler = build(kind)
    n_rows = sampler.layout.n_rows
    assert sampler.layout.d == D
    assert sampler.layout.method == kind[0]
    assert n_rows == ROWS[kind[0]] + (D if sampler.layout.both_ways else 0)
    assert sampler.replicate_bundles == SIZE
    for first, last in ((0, 1), (3, 3), (5, 40)):
        unit, rows = sampler.unit_rows(first, last), sampler.rows(first, last)
        assert unit.shape == (last - first, n_rows, D)
        assert rows.shape == (last - first, n_rows, len(PARAMETERS))
        assert unit.dtype == rows.dtype == np.float64
        assert rows.flags.c_contiguous


def test_unit_samples_are_half_lattice_points_of_the_open_interval(kind):
    unit = build(kind, size=1024).unit_rows(0, 4096)
    assert unit.min() > 0
    assert unit.max() < 1
    scaled = unit * 2.0**53
    assert (scaled == np.floor(scaled)).all()
    assert (np.mod(scaled, 2) == 1).all()
    assert ((1 - unit) + unit == 1).all()
    # All 52 digits are in use, whatever the number of points: the last one is a fair coin. Six standard
    # errors of a fair coin over the distinct values.
    last_digits = np.mod((np.unique(unit) * 2.0**53 - 1) / 2, 2)
    assert abs(last_digits.mean() - 0.5) < 6 * 0.5 / sqrt(last_digits.size)


def test_same_arguments_same_bits_in_another_object_and_after_pickling(kind):
    sampler = build(kind)
    rows = sampler.rows(3, 50)
    assert (build(kind).rows(3, 50) == rows).all()
    assert (pickle.loads(pickle.dumps(sampler)).rows(3, 50) == rows).all()
    assert (sampler.rows(3, 50) == rows).all()


def test_a_returned_array_belongs_to_the_caller(kind):
    sampler = build(kind)
    for first, last in ((0, 1), (0, SIZE), (1, 2)):
        kept = sampler.rows(first, last)
        for method in (sampler.rows, sampler.unit_rows):
            method(first, last)[:] = np.nan
        assert (sampler.rows(first, last) == kept).all()


def test_seed_zero_is_a_seed_and_seeds_and_cases_differ(kind):
    drawn = [
        build(kind, seed=seed, case=case).unit_rows(0, 4) for seed, case in ((0, 0), (1, 0), (0, 1), (1, 1))
    ]
    assert (build(kind, seed=0).unit_rows(0, 4) == drawn[0]).all()
    values = [set(rows.ravel().tolist()) for rows in drawn]
    assert not any(values[i] & values[j] for i in range(4) for j in range(i))


@pytest.mark.parametrize("seed", [None, -1, 1.5, "0", True])
def test_a_seed_that_is_no_explicit_integer_is_refused(kind, seed):
    with pytest.raises(DesignError, match=r"design\.seed: must be an integer >= 0"):
        build(kind, seed=seed)


def test_replicates_have_scramblings_of_their_own(kind):
    unit = build(kind).unit_rows(0, 8 * SIZE).reshape(8, -1)
    values = [set(replicate.tolist()) for replicate in unit]
    assert not any(values[i] & values[j] for i in range(8) for j in range(i))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_access_equals_sequential(kind, data):
    """Ranges in any order from one object: within a replicate, back, and across borders."""
    sampler = build(kind)
    whole_unit, whole = build(kind).unit_rows(0, 5 * SIZE), build(kind).rows(0, 5 * SIZE)
    for _ in range(4):
        first = data.draw(st.integers(0, 5 * SIZE))
        last = data.draw(st.integers(first, 5 * SIZE))
        assert (sampler.unit_rows(first, last) == whole_unit[first:last]).all()
        assert (sampler.rows(first, last) == whole[first:last]).all()


@pytest.mark.parametrize("bundle", [10**6, 10**12])
def test_bundles_have_no_upper_bound(kind, bundle):
    sampler = build(kind)
    sampler.rows(0, 3)
    assert (sampler.rows(bundle, bundle + 20)[7:9] == build(kind).rows(bundle + 7, bundle + 9)).all()


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (3, 2)])
def test_what_is_no_range_is_refused(kind, first, last):
    with pytest.raises(DesignError, match="not a range"):
        build(kind).rows(first, last)


def test_constants_are_columns_and_not_counted(kind):
    rows = build(kind).rows(0, 40)
    assert (rows[..., CONSTANT] == [2.5, -1.0]).all()
    # Nor do they take coordinates: without them the others keep their bits.
    fewer = build(kind, parameters=[PARAMETERS[i] for i in VARYING])
    assert (fewer.rows(0, 40) == rows[..., VARYING]).all()


def test_rows_are_the_quantiles_of_unit_rows(kind):
    sampler = build(kind)
    unit = sampler.unit_rows(0, 40)
    physical = Marginals.of(PARAMETERS).physical(unit.reshape(-1, D)).reshape(40, -1, len(PARAMETERS))
    assert (sampler.rows(0, 40) == physical).all()


def base_of(kind, unit):
    """Return the drawn coordinates of each bundle, A and B: from one at a time, B's come one a row."""
    if kind[0] == "one-at-a-time":
        return np.concatenate([unit[:, 0], unit[:, 1:].diagonal(axis1=1, axis2=2)], axis=1)
    return unit[:, : 2 if kind[0] == "pick-freeze" else 1].reshape(len(unit), -1)


def test_one_at_a_time_rows_take_one_column_of_another_point(kind):
    sampler = build(kind)
    if sampler.layout.method != "one-at-a-time":
        return
    paired = build(("pick-freeze", kind[1], False))
    for rows, expected in (
        (sampler.rows(0, 40), paired.rows(0, 40)),
        (sampler.unit_rows(0, 40), paired.unit_rows(0, 40)),
    ):
        assert (rows == np.delete(expected, 1, axis=1)).all()


def test_the_rows_that_the_layout_calls_alone_change_one_factor(kind):
    sampler = build(kind)
    rows = sampler.rows(0, 40)
    alone = rows[:, sampler.layout.alone]
    assert alone.shape[1] == (0 if kind[0] == "monte-carlo" else D)
    for i in range(alone.shape[1]):
        changed = (alone[:, i] != rows[:, 0]).any(axis=0)
        assert np.flatnonzero(changed).tolist() == [VARYING[i]]


def test_pick_freeze_rows_exchange_one_column_exactly(kind):
    sampler = build(kind)
    if sampler.layout.method != "pick-freeze":
        assert sampler.layout.both_ways is False
        return
    for rows, columns in ((sampler.rows(0, 40), VARYING), (sampler.unit_rows(0, 40), range(D))):
        A, B = rows[:, 0], rows[:, 1]
        assert (A[:, list(columns)] != B[:, list(columns)]).any(axis=0).all()
        for i, column in enumerate(columns):
            expected = A.copy()
            expected[:, column] = B[:, column]
            assert (rows[:, 2 + i] == expected).all()
            if kind[2]:
                expected = B.copy()
                expected[:, column] = A[:, column]
                assert (rows[:, 2 + D + i] == expected).all()


def test_a_and_b_are_the_halves_of_one_sequence(kind):
    sampler = build(kind)
    unit = sampler.unit_rows(0, 2 * SIZE)
    n_base = 2 if kind[0] in TAKEN_FROM_B else 1
    sequence = resolve("sequence", kind[1])(n_base * D, SIZE, 0)
    for replicate in range(2):
        points = sequence.points(replicate, 0, SIZE)
        base = base_of(kind, unit[replicate * SIZE : (replicate + 1) * SIZE])
        assert (base == points).all()


def test_base_columns_are_uncorrelated(kind):
    """Correlation of n independent pairs has standard error 1 / sqrt(n); five of them, over < 30 pairs.

    Sobol' points, balanced in whole replicates, have to stay within the band of random ones.
    """
    sampler = build(kind, size=256)
    n = 16 * 256
    base = base_of(kind, sampler.unit_rows(0, n))
    correlation = np.corrcoef(base, rowvar=False)
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 5 / sqrt(n)


def test_replicates_are_independent(kind):
    """The first points of n replicates are n independent uniform points.

    Their mean has standard error sqrt(1 / 12 n), and the correlation of neighbours 1 / sqrt(n): five of
    each, over < 10 coordinates.
    """
    n = 256
    sampler = build(kind, size=2)
    firsts = np.concatenate([base_of(kind, sampler.unit_rows(2 * r, 2 * r + 1)) for r in range(n)])
    assert np.abs(firsts.mean(axis=0) - 0.5).max() < 5 * sqrt(1 / 12 / n)
    neighbours = ((firsts[1:] - 0.5) * (firsts[:-1] - 0.5)).mean(axis=0) * 12
    assert np.abs(neighbours).max() < 5 / sqrt(n)


def test_sobol_replicates_are_balanced(kind):
    """Every replicate of 2^k points, and every power-of-two part of it, has one point a stratum."""
    if kind[1] != "sobol":
        return
    for size in (1, 2, 8, 256):
        unit = build(kind, size=size).unit_rows(0, 4 * size)
        base = base_of(kind, unit)
        for replicate in range(4):
            for part in {size, max(1, size // 4)}:
                for first in range(0, size, part):
                    points = base[replicate * size + first : replicate * size + first + part]
                    strata = np.sort(np.floor(points * part).astype(int), axis=0)
                    assert (strata == np.arange(part)[:, None]).all()


@pytest.mark.parametrize("size", [0, 3, 24, -8])
def test_a_replicate_is_a_power_of_two(kind, size):
    with pytest.raises(DesignError, match="power of two"):
        build(kind, size=size)


def test_nothing_uncertain_is_refused(kind):
    with pytest.raises(DesignError, match="nothing varies"):
        build(kind, parameters=[PARAMETERS[0]])
