"""Columns: order, constants, and faults that name their place."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.design.marginals import Marginals
from parsl_sa.errors import DesignError

UNIFORM = {"name": "x", "distribution": "uniform", "low": 0.0, "high": 1.0}
CONSTANT = {"name": "c", "distribution": "constant", "value": 3.0}


def test_columns_keep_the_order_of_the_spec():
    marginals = Marginals.of([CONSTANT, UNIFORM, {**UNIFORM, "low": 10.0, "high": 20.0}, CONSTANT])
    assert marginals.varying.tolist() == [1, 2]
    assert (marginals.d, marginals.n_columns) == (2, 4)
    physical = marginals.physical(np.array([[0.25, 0.5], [0.75, 0.125]]))
    assert physical.tolist() == [[3.0, 0.25, 15.0, 3.0], [3.0, 0.75, 11.25, 3.0]]


def test_bits_do_not_depend_on_strides():
    marginals = Marginals.of([{"name": "x", "distribution": "lognormal", "mean_log": 0.0, "sd_log": 1.0}] * 3)
    unit = np.random.default_rng(0).random((1001, 3))
    whole = marginals.physical(unit)
    assert (marginals.physical(np.asfortranarray(unit)) == whole).all()
    assert (marginals.physical(unit[::2]) == whole[::2]).all()
    assert (marginals.physical(unit[3:4]) == whole[3:4]).all()


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({**UNIFORM, "high": -1.0}, r"inputs\.parameters\[1\]\.high: must exceed low"),
        (
            {**UNIFORM, "distribution": "gaussian"},
            r"inputs\.parameters\[1\]\.distribution: unknown .*known: uniform",
        ),
        ({**UNIFORM, "hihg": 2.0}, r"inputs\.parameters\[1\]: wrong fields for uniform: .*hihg"),
        ({"name": "x", "distribution": "uniform", "low": 0.0}, r"wrong fields for uniform: .*high"),
        ({"name": "x"}, r"inputs\.parameters\[1\]\.distribution: is missing"),
    ],
)
def test_a_fault_names_its_place(parameter, message):
    with pytest.raises(DesignError, match=message):
        Marginals.of([UNIFORM, parameter])
