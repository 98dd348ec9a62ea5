"""One-at-a-time rows: what they share with the base point, switches, groups, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.design import assemble
from parsl_sa.design.one_at_a_time import change
from parsl_sa.errors import DesignError
from parsl_sa.registry import names

UNIFORM = {"distribution": "uniform", "low": -1.0, "high": 3.0}
PATCH = {"distribution": "switch"}
PARAMETERS = [
    {"name": "left", **PATCH},
    {"name": "noise", **UNIFORM},
    {"name": "right", **PATCH, "on": 0.25, "off": 9.0},
    {"name": "tone", **UNIFORM},
]
COPULA = {"kind": "gaussian-copula", "correlation": [[1.0, 0.9], [0.9, 1.0]]}


def build(parameters=PARAMETERS, method="one-at-a-time", **keywords):
    return assemble({"method": method, "sequence": "sobol", "seed": 3}, parameters, 16, **keywords)


def test_switches_are_on_at_the_base_point_and_off_in_their_own_row():
    rows = build().rows(0, 40)
    left, right = rows[..., 0], rows[..., 2]
    assert (left == [1.0, 0.0, 1.0, 1.0, 1.0]).all()
    assert (right == [0.25, 0.25, 0.25, 9.0, 0.25]).all()
    assert len(np.unique(rows[:, 0, 1])) == 40  # what is no switch is drawn
    assert (rows[:, 2, 1] != rows[:, 0, 1]).all()


def test_switches_do_not_touch_what_the_others_draw():
    """Coordinates are kept: the same parameters without switches have the same points."""
    plain = [{"name": each["name"], **UNIFORM} for each in PARAMETERS]
    assert (build().rows(0, 40)[:, 0, [1, 3]] == build(plain).rows(0, 40)[:, 0, [1, 3]]).all()


def test_nothing_but_switches_makes_all_bundles_alike():
    rows = build([PARAMETERS[0], PARAMETERS[2]]).rows(5, 70)
    assert (rows == [[1.0, 0.25], [0.0, 0.25], [1.0, 9.0]]).all()


@pytest.mark.parametrize("method", [name for name in names("sampler") if name != "one-at-a-time"])
def test_other_designs_draw_switches_half_on_and_half_off(method):
    rows = build(method=method).rows(0, 64)
    assert (rows[:, 0, 0] == 1.0).sum() == 32  # balanced in every replicate of 16
    assert (rows[:, 0, 2] == 9.0).sum() == 32


def test_a_group_changes_together():
    rows = build(groups={"both": ["left", "noise"]}).rows(0, 20)
    assert rows.shape[1] == 4
    A, both = rows[:, 0], rows[:, 1]
    assert (both[:, 0] == 0.0).all()
    assert (both[:, 1] != A[:, 1]).all()
    assert (both[:, 2:] == A[:, 2:]).all()


def test_dependence_is_kept_within_a_group_and_refused_across():
    tied = {**COPULA, "parameters": ["noise", "tone"]}
    rows = build(groups={"pair": ["noise", "tone"]}, dependence=tied).rows(0, 1024)
    for row in (0, 2):  # the base point, and the row that the group changes in
        assert np.corrcoef(rows[:, row, 1], rows[:, row, 3])[0, 1] > 0.8
    with pytest.raises(DesignError, match=r"one-at-a-time cannot change noise, tone one by one"):
        build(dependence=tied)


def test_a_switch_that_depends_on_others_is_refused():
    with pytest.raises(DesignError, match=r"inputs\.dependence: a switch"):
        build(groups={"g": ["left", "noise"]}, dependence={**COPULA, "parameters": ["left", "noise"]})


def test_a_switch_that_does_nothing_is_refused():
    with pytest.raises(DesignError, match=r"inputs\.parameters\[0\]\.off: must differ from on"):
        build([{"name": "left", **PATCH, "on": 0.0}])


def test_no_bundles_have_a_shape_too():
    A = np.empty((0, 3))
    assert change(A, A, np.split(np.arange(3), 3)).shape == (0, 4, 3)
