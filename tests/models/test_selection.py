"""Selecting a tensor out of any nesting, and saying what exists where a path leads nowhere."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from parsl_sa.models.selection import SelectionError, as_array, paths, select

Pair = namedtuple("Pair", ["mean", "spread"])


@dataclass
class Flow:
    lift: torch.Tensor
    layers: dict[str, Any]


def output() -> dict[Any, Any]:
    return {
        "flow": Flow(torch.arange(4.0), {"theta": torch.arange(24.0).reshape(4, 3, 2)}),
        "pair": Pair(np.zeros(4), np.ones((4, 2))),
        "list": [torch.zeros(4), (torch.ones(4, 1),)],
        7: torch.full((4,), 7.0),
    }


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("flow.lift", (4,)),
        ("flow.layers.theta", (4, 3, 2)),
        ("flow.layers.theta.1", (4, 2)),
        ("flow.layers.theta.1.0", (4,)),
        ("flow.layers.theta.-1", (4, 2)),
        ("pair.spread", (4, 2)),
        ("pair.1.0", (4,)),
        ("list.1.0", (4, 1)),
        ("list.-1.0", (4, 1)),
        ("7", (4,)),
    ],
)
def test_a_path_leads_to_a_tensor(path: str, shape: tuple[int, ...]) -> None:
    assert tuple(select(output(), path).shape) == shape


def test_an_integer_on_a_tensor_keeps_the_batch() -> None:
    assert select(output(), "flow.layers.theta.2.1").tolist() == [5.0, 11.0, 17.0, 23.0]


def test_every_listed_path_can_be_selected() -> None:
    listed = [path for path, _ in paths(output())]
    assert listed == ["flow.lift", "flow.layers.theta", "pair.mean", "pair.spread", "list.0", "list.1.0", "7"]
    for path in listed:
        select(output(), path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", ["the output is a dict, not a tensor", "flow.lift (4,)", "flow.layers.theta (4, 3, 2)"]),
        ("flow.drag", ["no 'flow.drag' in the output", "flow.lift (4,)"]),
        ("flow.layers", ["'flow.layers' is a dict", "flow.layers.theta (4, 3, 2)"]),
        ("flow.layers.theta.3", ["no 'flow.layers.theta.3'", "(4, 3, 2)", "axis 1 counts from 0 to 2"]),
        ("flow.layers.theta.x", ["is a tensor (4, 3, 2)"]),
        ("flow.lift.0", ["'flow.lift' is a tensor (4,)", "nothing to index by '0'"]),
        ("pair.2", ["no 'pair.2'"]),
        ("list.5", ["no 'list.5'"]),
    ],
)
def test_a_path_to_nowhere_lists_what_exists(path: str, words: list[str]) -> None:
    with pytest.raises(SelectionError) as caught:
        select(output(), path)
    for word in words:
        assert word in str(caught.value)


def test_a_select_on_a_lone_tensor_says_to_leave_it_out() -> None:
    with pytest.raises(SelectionError, match="leave select out"):
        select(torch.zeros(4), "y")


def test_a_lone_tensor_takes_an_integer() -> None:
    assert select(torch.zeros(4, 3), "1").shape == (4,)


def test_no_tensor_anywhere_says_what_to_return() -> None:
    with pytest.raises(SelectionError, match="return a tensor or an array"):
        select(None, "")


def test_a_long_output_is_listed_in_part() -> None:
    with pytest.raises(SelectionError, match="and 30 more"):
        select({f"y{i}": torch.zeros(1) for i in range(50)}, "z")


def test_tensors_that_numpy_lacks_or_shares_come_out_right() -> None:
    assert as_array(torch.tensor([1.5], dtype=torch.bfloat16)).tolist() == [1.5]
    assert as_array(torch.tensor([1.5], requires_grad=True)).dtype == np.float32
    assert as_array(torch.tensor([1 + 2j]).conj().imag).tolist() == [-2.0]


def test_one_tensor_of_several_columns_is_taken_by_its_column() -> None:
    with pytest.raises(SelectionError, match='leave select out, or take a column of it, "0" to "1"'):
        select(torch.zeros(4, 2), "head")
    assert select(torch.zeros(4, 2), "1").shape == (4,)
