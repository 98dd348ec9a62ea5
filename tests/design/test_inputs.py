"""Columns, factors and what the rows of groups hold."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.design import assemble
from parsl_sa.design.inputs import Inputs
from parsl_sa.errors import DesignError

UNIFORM = {"distribution": "uniform", "low": 0.0, "high": 1.0}
CONSTANT = {"distribution": "constant", "value": 3.0}
PARAMETERS = [{"name": "a", **UNIFORM}, {"name": "k", **CONSTANT}] + [{"name": n, **UNIFORM} for n in "bcd"]
PICK_FREEZE = {"method": "pick-freeze", "sequence": "sobol", "seed": 0}


def test_a_group_stands_where_its_first_member_stands():
    inputs = Inputs.of(PARAMETERS, {"tail": ["d"], "ends": ["c", "a"]})
    assert [factor.name for factor in inputs.factors] == ["ends", "b", "tail"]
    assert [factor.columns.tolist() for factor in inputs.factors] == [[0, 3], [2], [4]]
    assert [each.tolist() for each in inputs.factor_coordinates] == [[0, 2], [1], [3]]
    assert (inputs.d, inputs.dimensions, inputs.n_columns) == (3, 4, 5)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"g": ["a", "x"]}, r"inputs\.groups\.g\[1\]: no uncertain parameter is called 'x'"),
        ({"g": ["k"]}, r"inputs\.groups\.g\[0\]: no uncertain parameter"),
        ({"g": ["a"], "h": ["b", "a"]}, r"inputs\.groups\.h\[1\]: 'a' is in the group 'g' already"),
    ],
)
def test_faulty_groups_are_refused(groups, message):
    with pytest.raises(DesignError, match=message):
        Inputs.of(PARAMETERS, groups)


def test_groups_swap_whole_and_leave_the_base_points_as_they_are():
    together = assemble({**PICK_FREEZE, "both_ways": True}, PARAMETERS, 16, groups={"ends": ["a", "d"]})
    alone = assemble({**PICK_FREEZE, "both_ways": True}, PARAMETERS, 16)
    assert (together.layout.d, together.layout.n_rows, alone.layout.n_rows) == (3, 8, 10)
    rows = together.rows(0, 32)
    A, B = rows[:, 0], rows[:, 1]
    assert (rows[:, :2] == alone.rows(0, 32)[:, :2]).all()
    for place, columns in enumerate([[0, 4], [2], [3]]):
        for source, other, row in ((A, B, 2 + place), (B, A, 5 + place)):
            expected = source.copy()
            expected[:, columns] = other[:, columns]
            assert (rows[:, row] == expected).all()
            assert (rows[:, row] != source)[:, columns].all()


def test_monte_carlo_rows_do_not_know_groups():
    design = {**PICK_FREEZE, "method": "monte-carlo"}
    together = assemble(design, PARAMETERS, 16, groups={"ends": ["a", "d"]})
    assert together.layout.d == 3
    assert np.array_equal(together.rows(0, 16), assemble(design, PARAMETERS, 16).rows(0, 16))
