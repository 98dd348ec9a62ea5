"""Plain Monte Carlo: the sequence itself, a point a row."""

from __future__ import annotations

from parsl_sa.design.inputs import Inputs
from parsl_sa.design.monte_carlo import MonteCarlo
from parsl_sa.design.sequences import CounterRandom

PARAMETERS = [{"name": f"x{i}", "distribution": "uniform", "low": 0.0, "high": 1.0} for i in range(3)]


def test_rows_are_the_points_of_a_d_dimensional_sequence():
    sampler = MonteCarlo(Inputs.of(PARAMETERS), CounterRandom, 8, 0)
    points = CounterRandom(3, 8, 0).points(0, 0, 8)
    assert (sampler.unit_rows(0, 8)[:, 0] == points).all()
    assert (sampler.rows(0, 8)[:, 0] == points).all()


def test_both_ways_means_nothing():
    ways = [MonteCarlo(Inputs.of(PARAMETERS), CounterRandom, 8, 0, both_ways=both) for both in (False, True)]
    assert ways[0].layout == ways[1].layout
    assert (ways[0].rows(0, 20) == ways[1].rows(0, 20)).all()
