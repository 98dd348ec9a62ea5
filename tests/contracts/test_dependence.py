"""What every dependence owes, asked of each in each design that it can stand in."""

from __future__ import annotations

import pickle
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsl_sa.design import assemble
from parsl_sa.design.conditional import Conditional
from parsl_sa.errors import DesignError
from parsl_sa.registry import names

SIZE = 16
NORMAL = {"distribution": "normal", "mean": 3.0, "sd": 0.5}
UNIFORM = {"distribution": "uniform", "low": 0.0, "high": 1.0}
JOINT = {"distribution": "joint"}
# The dependent parameters a, b, c stand between others: columns 1, 3 and 4 of six.
TIED, FREE, CONSTANT = [1, 3, 4], [0, 5], 2
TABLE = np.random.default_rng(0).random((37, 3))
DEPENDENCES = {
    "gaussian-copula": (
        NORMAL,
        {"parameters": ["c", "a", "b"], "correlation": [[1, 0.5, 0.2], [0.5, 1, -0.4], [0.2, -0.4, 1]]},
    ),
    "rows": (JOINT, {"parameters": ["a", "b", "c"], "values": TABLE}),
    "simplex": (JOINT, {"parameters": ["c", "a", "b"], "total": 2.0, "concentration": [1.0, 2.0, 0.5]}),
    "linear-constraints": (
        NORMAL,
        {"constraints": [{"coefficients": {"c": 1, "a": -1, "b": 1}, "at_most": 2.5, "at_least": 1.0}]},
    ),
}
GROUP = {"tied": ["a", "b", "c"]}
# design, groups: in one group the ordinary rows do; a copula without one takes the conditional rows.
DESIGNS = [("monte-carlo", False, None), ("pick-freeze", False, GROUP), ("pick-freeze", True, GROUP)]
KINDS = [(kind, design) for kind, design in product(DEPENDENCES, DESIGNS)]
KINDS.append(("gaussian-copula", ("pick-freeze", False, None)))

pytestmark = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}-{kind[1][0]}-{kind[1][1]}")


def build(kind, seed=0, size=SIZE, case=0, sequence="sobol"):
    name, (method, both_ways, groups) = kind
    of_tied, fields = DEPENDENCES[name]
    parameters = [
        {"name": "x", **UNIFORM},
        {"name": "a", **of_tied},
        {"name": "k", "distribution": "constant", "value": 7.0},
        {"name": "b", **of_tied},
        {"name": "c", **of_tied},
        {"name": "y", **NORMAL},
    ]
    design = {"method": method, "sequence": sequence, "both_ways": both_ways, "seed": seed}
    dependence = {"kind": name, **fields}
    return assemble(design, parameters, size, case=case, groups=groups, dependence=dependence)


def test_every_dependence_of_the_table_is_here(kind):
    assert set(DEPENDENCES) == set(names("dependence"))


def test_shapes(kind):
    sampler = build(kind)
    assert sampler.layout.d == (5 if kind[1][2] is None else 3)
    for first, last in ((0, 1), (3, 3), (5, 40)):
        rows, unit = sampler.rows(first, last), sampler.unit_rows(first, last)
        assert rows.shape == (last - first, sampler.layout.n_rows, 6)
        assert unit.shape[:2] == rows.shape[:2]
        assert ((unit > 0) & (unit < 1)).all()
        assert np.isfinite(rows).all()
        assert (rows[..., CONSTANT] == 7).all()


def test_same_arguments_same_bits_in_another_object_and_after_pickling(kind):
    sampler = build(kind)
    rows = sampler.rows(3, 50)
    assert (build(kind).rows(3, 50) == rows).all()
    assert (pickle.loads(pickle.dumps(sampler)).rows(3, 50) == rows).all()
    sampler.rows(3, 50)[:] = np.nan
    sampler.unit_rows(3, 50)[:] = np.nan
    assert (sampler.rows(3, 50) == rows).all()


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_random_access_equals_sequential(kind, data):
    sampler = build(kind)
    whole_unit, whole = build(kind).unit_rows(0, 5 * SIZE), build(kind).rows(0, 5 * SIZE)
    for _ in range(3):
        first = data.draw(st.integers(0, 5 * SIZE))
        last = data.draw(st.integers(first, 5 * SIZE))
        assert (sampler.unit_rows(first, last) == whole_unit[first:last]).all()
        assert (sampler.rows(first, last) == whole[first:last]).all()


def test_bundles_have_no_upper_bound(kind):
    rows = build(kind).rows(10**12, 10**12 + 20)
    assert (rows[7:9] == build(kind).rows(10**12 + 7, 10**12 + 9)).all()


def test_seed_zero_is_a_seed_and_seeds_and_cases_differ(kind):
    drawn = [
        build(kind, seed=seed, case=case).rows(0, SIZE)[..., TIED].ravel()
        for seed, case in ((0, 0), (1, 0), (0, 1), (1, 1))
    ]
    assert (build(kind, seed=0).rows(0, SIZE)[..., TIED].ravel() == drawn[0]).all()
    # Rows of a small table come up again and again: there the order is what differs.
    assert not any((drawn[i] == drawn[j]).all() for i in range(4) for j in range(i))
    if kind[0] != "rows":
        assert not any(set(drawn[i].tolist()) & set(drawn[j].tolist()) for i in range(4) for j in range(i))


def test_the_independent_parameters_are_drawn_as_they_are_alone(kind):
    """Marginal distributions of x and y: means within five standard errors."""
    base = build(kind, sequence="random").rows(0, 1024)[:, :2]
    for column, mean, sd in ((FREE[0], 0.5, sqrt(1 / 12)), (FREE[1], 3.0, 0.5)):
        values = base[..., column].ravel()
        assert abs(values.mean() - mean) < 5 * sd / sqrt(values.size)


def test_a_and_b_and_tied_and_free_are_independent(kind):
    """Rank correlations of n independent pairs have standard error 1 / sqrt(n - 1): five, over < 40 pairs."""
    n = 2048
    base = build(kind, size=256, sequence="random").rows(0, n)[:, :2]
    ranks = base[..., TIED + FREE].reshape(n, -1).argsort(axis=0).argsort(axis=0)
    correlation = np.abs(np.corrcoef(ranks, rowvar=False))
    halves = [list(range(5 * side, 5 * side + 5)) for side in range(base.shape[1])]
    for own in halves:
        assert correlation[np.ix_(own[:3], own[3:])].max() < 5 / sqrt(n - 1)
    if len(halves) == 2:
        assert correlation[np.ix_(*halves)].max() < 5 / sqrt(n - 1)


def test_groups_swap_whole(kind):
    sampler = build(kind)
    if sampler.layout.method != "pick-freeze":
        return
    rows, both_ways = sampler.rows(0, 40), sampler.layout.both_ways
    A, B = rows[:, 0], rows[:, 1]
    for i, columns in enumerate([[0], TIED, [5]]):
        for source, other, row in [(A, B, 2 + i), (B, A, 5 + i)][: 1 + both_ways]:
            expected = source.copy()
            expected[:, columns] = other[:, columns]
            assert (rows[:, row] == expected).all()
            assert (rows[:, row] != source).any()


def test_one_by_one_is_refused_unless_conditional_rows_can_do_it(kind):
    name, (method, both_ways, groups) = kind
    alone = (name, ("pick-freeze", both_ways, {"part": ["a", "b"]}))
    if method == "monte-carlo" or groups is None:
        return
    if name == "gaussian-copula" and not both_ways:
        assert isinstance(build(alone), Conditional)
        return
    with pytest.raises(DesignError, match=r"design\.(method: pick-freeze cannot|both_ways: )"):
        build(alone)
