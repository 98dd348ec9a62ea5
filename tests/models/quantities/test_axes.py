"""Naming the axes of outputs and laying out their cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models.quantities import Reader, result_dtype


def spec(**fields: Any) -> dict[str, Any]:
    return {"name": "y", "select": "", "dims": {}, "unit": "", **fields}


@pytest.mark.parametrize(
    ("shape", "dims", "expected"),
    [
        ((4,), {}, ((), ())),
        ((4, 1), {}, ((), ())),
        ((4, 1), {"channel": 1}, (("channel",), (1,))),
        ((4, 2, 3), {}, (("dim_0", "dim_1"), (2, 3))),
        ((4, 2, 3), {"side": 2, "x": 3}, (("side", "x"), (2, 3))),
        ((4, 2, 3), {"side": None, "x": [0.1, 0.5, 0.9]}, (("side", "x"), (2, 3))),
    ],
)
def test_dims_and_shape(shape: tuple[int, ...], dims: dict[str, Any], expected: tuple[Any, Any]) -> None:
    _, (quantity,) = Reader([spec(dims=dims)]).learn(lambda: np.zeros(shape), 4)
    assert (quantity.dims, quantity.shape) == expected


def test_cells_stand_one_after_the_other() -> None:
    arrays = [np.zeros((4, 2, 3)), np.zeros(4), np.zeros((4, 5))]
    specs = [spec(name="a", select="0"), spec(name="b", select="1", unit="N"), spec(name="c", select="2")]
    _, found = Reader(specs).learn(lambda: arrays, 4)
    assert [(q.start, q.n_cells) for q in found] == [(0, 6), (6, 1), (7, 5)]
    assert found[1].unit == "N"


@pytest.mark.parametrize(
    ("shape", "dims", "place", "words"),
    [
        ((4, 2, 3), {"side": 2, "x": 4}, "outputs[0].dims", "(side 2, x 4) but the model gives (2, 3)"),
        ((4, 2, 3), {"x": 6}, "outputs[0].dims", "(x 6)"),
        ((4,), {"x": 4}, "outputs[0].dims", "gives () an input"),
        ((), {}, "outputs[0].select", "axis 0 must be the batch"),
        ((3,), {}, "outputs[0].select", "shape (3,) for a batch of 4"),
        ((3, 4), {}, "outputs[0].select", "seems to be axis 1; movedim(1, 0)"),
        ((4, 0), {}, "outputs[0].select", "it is empty"),
    ],
)
def test_what_does_not_fit_is_named(
    shape: tuple[int, ...], dims: dict[str, int], place: str, words: str
) -> None:
    with pytest.raises(ModelError) as caught:
        Reader([spec(dims=dims)]).learn(lambda: np.zeros(shape), 4)
    assert caught.value.faults[0].place == place
    assert words in caught.value.faults[0].message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(4, dtype=torch.complex64), "real part or modulus"),
        (np.array(["a"] * 4), "return numbers"),
        (np.array([object()] * 4), "return numbers"),
    ],
)
def test_what_is_no_number_is_refused(value: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        Reader([spec()]).read(lambda: value)


def test_a_wrong_select_names_its_output() -> None:
    with pytest.raises(ModelError) as caught:
        Reader([spec(select="a"), spec(select="b")]).read(lambda: {"a": torch.zeros(4)})
    assert caught.value.faults[0].place == "outputs[1].select"


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["float32"], "float32"),
        (["float32", "float64"], "float64"),
        (["float16", "bool", "int8"], "float32"),
        (["int32"], "float64"),
    ],
)
def test_results_lose_nothing(dtypes: list[str], expected: str) -> None:
    assert result_dtype([np.zeros(1, dtype) for dtype in dtypes]) == expected
