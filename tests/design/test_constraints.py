"""Constraints hold in every row, rows have the conditional distribution, hopeless ones are refused."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from parsl_sa.design import assemble
from parsl_sa.errors import DesignError

N = 8192
UNIFORM = {"distribution": "uniform", "low": 0.0, "high": 1.0}
NORMAL = {"distribution": "normal", "mean": 0.0, "sd": 1.0}


def sampler_of(
    constraints, distributions=(UNIFORM,) * 4, sequence="random", method="monte-carlo", groups=None
):
    parameters = [{"name": name, **each} for name, each in zip("abcd", distributions, strict=True)]
    design = {"method": method, "sequence": sequence, "seed": 0}
    dependence = {"kind": "linear-constraints", "constraints": constraints}
    return assemble(design, parameters, 1024, groups=groups, dependence=dependence)


def order(first, second, **bounds):
    return {"coefficients": {first: 1.0, second: -1.0}, **(bounds or {"at_most": 0.0})}


@pytest.mark.parametrize("sequence", ["random", "sobol"])
def test_a_triangle_is_filled_evenly(sequence):
    """a <= b of two uniform numbers: a is the smaller, b the larger one; c and d are left alone."""
    sampler = sampler_of([order("a", "b")], sequence=sequence)
    a, b, c, d = sampler.rows(0, N)[:, 0].T
    assert (a <= b).all()
    for values, reference in ((a, stats.beta(1, 2)), (b, stats.beta(2, 1)), (a / b, stats.uniform)):
        assert stats.kstest(values, reference.cdf).pvalue > 1e-7
    alone = sampler_of([order("a", "b", at_most=5.0)], sequence=sequence).rows(0, N)[:, 0]
    assert (np.stack([c, d]) == alone[:, 2:].T).all()


def test_accepted_points_of_the_sequence_stay_where_they_are():
    constrained = sampler_of([order("a", "b")]).rows(0, N)[:, 0]
    alone = sampler_of([order("a", "b", at_most=5.0)]).rows(0, N)[:, 0]
    fine = alone[:, 0] <= alone[:, 1]
    assert abs(fine.mean() - 0.5) < 5 * 0.5 / sqrt(N)
    assert (constrained[fine] == alone[fine]).all()
    assert (constrained[~fine, :2] != alone[~fine, :2]).all()


def test_several_bounds_hold_at_once():
    constraints = [
        {"coefficients": {"a": 1.0, "b": 1.0, "c": 1.0}, "at_least": 1.0, "at_most": 1.2},
        {"coefficients": {"a": 2.0, "c": -1.0}, "at_least": 0.0},
    ]
    a, b, c, _ = sampler_of(constraints).rows(0, N)[:, 0].T
    assert ((a + b + c >= 1 - 1e-15) & (a + b + c <= 1.2 + 1e-15)).all()
    assert (2 * a >= c).all()


def test_a_single_parameter_is_truncated():
    x = sampler_of(
        [{"coefficients": {"a": 2.0}, "at_least": 1.0, "at_most": 3.0}], (NORMAL, UNIFORM, UNIFORM, UNIFORM)
    ).rows(0, N)[:, 0, 0]
    assert stats.kstest(x, stats.truncnorm(0.5, 1.5).cdf).pvalue > 1e-7


def test_constraints_without_common_parameters_are_met_each_for_itself():
    both = sampler_of([order("a", "b"), order("c", "d")])
    assert [remark.partition("of the candidates for ")[2][:4] for remark in both.remarks] == ["a, b", "c, d"]
    x = both.rows(0, N)[:, 0]
    assert (x[:, :2] == sampler_of([order("a", "b")]).rows(0, N)[:, 0, :2]).all()
    assert (x[:, 2] <= x[:, 3]).all()
    assert abs(np.corrcoef(x[:, 0], x[:, 2])[0, 1]) < 5 / sqrt(N)


def test_groups_that_each_hold_a_block_are_exchanged():
    constraints = [order("a", "c"), order("b", "d")]
    groups = {"g": ["a", "c"], "h": ["b", "d"]}
    rows = sampler_of(constraints, method="pick-freeze", groups=groups).rows(0, 64)
    assert rows.shape == (64, 4, 4)
    assert (rows[..., 0] <= rows[..., 2]).all()
    assert (rows[..., 1] <= rows[..., 3]).all()
    assert (rows[:, 2] == np.where([True, False, True, False], rows[:, 1], rows[:, 0])).all()
    assert (rows[:, 0] != rows[:, 1]).all()


def test_the_rate_is_told_and_hopeless_constraints_are_refused():
    (remark,) = sampler_of([order("a", "b", at_most=-0.9)]).remarks
    assert remark.startswith("inputs.dependence.constraints: 0.")
    assert "% of the candidates for a, b meet them" in remark
    with pytest.raises(DesignError, match=r"constraints: only \d of 16384 candidates for a, b met them"):
        sampler_of([order("a", "b", at_most=-0.98)])
    with pytest.raises(
        DesignError, match="constraints: none of 16384 candidates for a, b met them, and 1 in 1000"
    ):
        sampler_of([order("a", "b", at_most=-2.0)])


def test_a_rare_region_is_drawn_exactly():
    """b - a >= 0.9: the corner is a triangle of half a per cent, filled evenly; random access holds there."""
    sampler = sampler_of([order("a", "b", at_most=-0.9)])
    x = sampler.rows(0, 1024)[:, 0]
    assert (x[:, 1] - x[:, 0] >= 0.9).all()
    assert stats.kstest(10 * (1 - x[:, 1] + x[:, 0]), stats.beta(2, 1).cdf).pvalue > 1e-7
    for first, last in ((0, 1), (511, 513), (1000, 1024)):
        assert (sampler.rows(first, last)[:, 0] == x[first:last]).all()
