from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from parsl_sa.report.sentences import answer

NAN = np.nan
Build = Callable[..., xr.Dataset]


def test_one_parameter_dominates(scalar: Build) -> None:
    text = answer("CD", scalar([0.85, 0.12, 0.05], S1=[0.81, 0.1, 0.04], half=[0.02, 0.01, 0.01]))
    assert text == (
        "CD: x1 explains 81 ± 2 % of the variance (first order); interactions carry at most 9 %; "
        "the other 2 each stay below 0.14 in total order."
    )


def test_two_that_differ_are_ranked(scalar: Build) -> None:
    text = answer("y", scalar([0.557, 0.442, 0.244], S1=[0.314, 0.442, -0.001], half=0.01))
    assert text == (
        "y: x1, then x2 explain 76 ± 2 % of the variance (first order); interactions carry about 24 %; "
        "x3 stays below 0.26 in total order."
    )


def test_two_that_overlap_are_not(scalar: Build) -> None:
    text = answer("y", scalar([0.50, 0.46, 0.04], S1=[0.49, 0.45, 0.03], half=[0.03, 0.03, 0.001]))
    assert text.startswith("y: x1 and x2 (not told apart: their ST intervals overlap) explain 94 ± 6 %")
    assert "then" not in text


def test_the_order_of_the_spec_does_not_matter(scalar: Build) -> None:
    text = answer("y", scalar([0.1, 0.88], half=0.01, names=["Re", "alpha"]))
    assert text.startswith("y: alpha explains 79 ± 1 %")


def test_nothing_stands_out(scalar: Build) -> None:
    text = answer("y", scalar([0.1] * 10, half=0.02))
    assert text.startswith("y: no single parameter stands out; x1, x2, x3, x4 and 6 others (not told apart")


def test_interactions_alone_are_said_to_be_that(scalar: Build) -> None:
    text = answer("y", scalar([1.0, 1.0], S1=[0.0, 0.0], half=0.01))
    assert "explain 0 ± 2 %" in text
    assert "interactions carry about 100 %" in text


def test_an_additive_output_has_a_bound_on_its_interactions(scalar: Build) -> None:
    assert "interactions carry at most 2 %" in answer("y", scalar([0.8, 0.2], S1=[0.8, 0.2], half=0.01))


def test_interactions_within_the_error_are_not_claimed(scalar: Build) -> None:
    text = answer("y", scalar([0.8, 0.2], S1=[0.75, 0.2], half=[0.06, 0.06]))
    assert "interaction" not in text


def test_a_constant_output_is_said_to_be_constant(scalar: Build) -> None:
    assert answer("CL", scalar([NAN, NAN])).startswith("CL is constant")


def test_no_numbers_yet_is_not_constant(scalar: Build) -> None:
    ds = scalar([NAN, NAN])
    ds["undefined"] = ds["undefined"] & False
    assert "no indices yet" in answer("CL", ds)


def test_no_interval_means_no_claim_of_error(scalar: Build) -> None:
    text = answer("y", scalar([0.7, 0.2, 0.01], half=NAN))
    assert text == (
        "y: by point estimates alone (an interval needs 8 replicates) the largest total order has "
        "x1 (0.700), then x2 (0.200)."
    )


def test_intervals_that_reach_zero_answer_nothing(scalar: Build) -> None:
    assert "too few samples" in answer("y", scalar([0.6, 0.4], half=0.7))


def test_moments_alone_have_no_indices(scalar: Build) -> None:
    assert "carries no sensitivity indices" in answer("y", scalar([0.6])[["mean", "variance"]])


def test_a_field_speaks_of_its_cells(field: Build) -> None:
    text = answer("theta", field(64, 3))
    assert text.startswith("theta (64 cells): weighted by the variance of the cells")
    assert "without an interval" in text
    assert text.endswith("1 cell is constant.")


def test_long_names_are_cut_only_while_they_stay_apart(scalar: Build) -> None:
    names = [f"a_rather_long_name_of_a_parameter_{i}" for i in range(2)]
    assert "a_rather_long_na…f_a_parameter_0" in answer("y", scalar([0.9, 0.05], names=names))
    alike = [f"a_rather_long_name_{middle}_of_a_long_parameter" for middle in ("first", "other")]
    assert alike[0] in answer("y", scalar([0.9, 0.05], names=alike))


@pytest.mark.parametrize("d", [1, 2, 23, 200])
@pytest.mark.parametrize("half", [0.0, 0.001, 0.05, 0.5, NAN])
def test_there_is_one_sentence_whatever_the_numbers(scalar: Build, d: int, half: float) -> None:
    shares = np.random.default_rng(d).dirichlet(np.ones(d) * 0.3)
    text = answer("y", scalar(list(shares), half=half))
    assert text.endswith(".")
    assert "nan" not in text
    assert "\n" not in text
