"""Warnings that a few rows of the design give: of its inputs, and of those that change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from parsl_sa.client.probe import probe
from parsl_sa.launch.planning import read_spec
from support.small_study import MODEL, SPEC, edited, write_study

if TYPE_CHECKING:
    from pathlib import Path

P = "inputs.parameters"
OTHER = {"name": "chord", "distribution": "uniform", "low": 0.0, "high": 1.0}
RARE = {"name": "chord", "distribution": "discrete", "values": [0, 1], "probabilities": [0.9999, 0.0001]}
PAIR = {"kind": "gaussian-copula", "parameters": ["alpha", "chord"], "correlation": [[1, 0.6], [0.6, 1]]}


def told(folder: Path, spec: dict[str, Any] = SPEC, model: str = MODEL) -> list[str]:
    return probe(read_spec(write_study(folder, spec, model)), 1, threads=1).warnings


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        ([0, 0.875], "inputs.parameters[0]: 12.5 % of the values of 'alpha' lie outside [0, 0.875], where"),
        ([0.5, None], "50 % of the values of 'alpha' lie outside [0.5, inf), where"),
        ([None, -1], "100 % of the values of 'alpha' lie outside (-inf, -1], where"),
    ],
)
def test_values_outside_the_trained_range_are_told_with_their_share(
    tmp_path: Path, trained: list[Any], words: str
) -> None:
    """128 base points A are a whole number of eighths of Sobol' replicates; so are those of B."""
    (text,) = told(tmp_path, edited((f"{P}.0.trained", trained)))
    assert words in text


def test_values_inside_the_trained_range_are_not_told_of(tmp_path: Path) -> None:
    assert told(tmp_path, edited((f"{P}.0.trained", [0, 1]), (f"{P}.1.trained", [None, 1e3]))) == []


@pytest.mark.parametrize("both_ways", [False, True])
def test_a_parameter_that_changes_nothing_is_told_of(tmp_path: Path, both_ways: bool) -> None:
    (text,) = told(tmp_path, edited((f"{P}.2", OTHER), ("design.both_ways", both_ways)))
    assert text == (
        "inputs.parameters[2]: 'chord' changes no output for any of 16 probed inputs; check that it stands "
        "where the network expects it"
    )


def test_a_group_is_told_of_by_its_name(tmp_path: Path) -> None:
    spec = edited(
        (f"{P}.2", OTHER),
        (f"{P}.3", {**OTHER, "name": "span"}),
        ("inputs.groups", {"size": ["chord", "span"]}),
    )
    (text,) = told(tmp_path, spec)
    assert text.startswith("inputs.groups.size: 'size' changes no output")
    # A group of which one member matters does change something.
    spec = edited((f"{P}.2", OTHER), ("inputs.groups", {"size": ["chord", "alpha"]}))
    assert told(tmp_path / "b", spec) == []


def test_many_are_told_of_at_once(tmp_path: Path) -> None:
    more = [(f"{P}.{place}", {**OTHER, "name": f"x{place}"}) for place in range(2, 9)]
    (text,) = told(tmp_path, edited(*more))
    assert text.startswith("inputs.parameters: 'x2', 'x3', 'x4' and 4 more change no output")


def test_conditional_rows_tell_too(tmp_path: Path) -> None:
    (text,) = told(tmp_path, edited((f"{P}.2", OTHER), ("inputs.dependence", PAIR)))
    assert text.startswith("inputs.parameters[2]: 'chord' changes no output")


def test_a_level_that_hardly_comes_up_says_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, edited((f"{P}.2", RARE))) == []


def test_an_output_that_nothing_changes_is_told_of_once(tmp_path: Path) -> None:
    constant = MODEL.replace("lift = x[:, 0] + 0.1 * x[:, 1]", "x = 0 * x; lift = x[:, 0]")
    assert [text.partition(":")[0] for text in told(tmp_path, SPEC, constant)] == ["outputs[0]", "outputs[1]"]


def test_rounding_by_another_place_in_the_batch_is_no_effect(tmp_path: Path) -> None:
    """Rows that differ in their last bits by where they stand in a batch, as matrix products do."""
    wobbly = MODEL.replace(
        "lift = x[:, 0] + 0.1 * x[:, 1]",
        "lift = (x[:, 0] + 0.1 * x[:, 1] + 1) * (1 + 2.0**-23 * (torch.arange(len(x)) % 2))",
    )
    (text,) = told(tmp_path, edited((f"{P}.2", OTHER)), wobbly)
    assert text.startswith("inputs.parameters[2]: 'chord' changes no output")


def test_nothing_is_tried_with_random_rows(tmp_path: Path) -> None:
    spec = edited((f"{P}.2", OTHER), ("design", {"method": "monte-carlo", "n": 256, "replicates": 8}))
    assert told(tmp_path, spec) == []
