"""Whole replicates: hypothesis checks the promises of the rounding, whatever n and L."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsl_sa.spec import SMALLEST_REPLICATE, DesignSpec, replicate_plan

sizes = st.integers(1, 2**40)
counts = st.integers(1, 4096)


@pytest.mark.parametrize(
    ("n", "planned", "expected"),
    [
        (4096, 16, (16, 256)),
        (5000, 16, (20, 256)),
        (1, 16, (1, 16)),
        (255, 16, (16, 16)),
        (256, 16, (16, 16)),
        (512, 16, (16, 32)),
        (100, 16, (7, 16)),
        (4096, 1, (1, 4096)),
        (4097, 1, (2, 4096)),
        (1000, 8, (16, 64)),
    ],
)
def test_known_plans(n, planned, expected):
    assert replicate_plan(DesignSpec(n=n, replicates=planned)) == expected


@given(sizes, counts)
def test_holds_n_in_whole_power_of_two_replicates(n, planned):
    replicates, size = replicate_plan(DesignSpec(n=n, replicates=planned))
    assert size & (size - 1) == 0
    assert size >= SMALLEST_REPLICATE
    # Enough, and not one replicate too many.
    assert (replicates - 1) * size < n <= replicates * size


@given(sizes, counts)
def test_keeps_the_planned_number_unless_replicates_would_be_too_small(n, planned):
    replicates, size = replicate_plan(DesignSpec(n=n, replicates=planned))
    if n >= planned * SMALLEST_REPLICATE:
        # size is in (n / 2L, n / L], so that L to 2 L replicates result.
        assert size <= n / planned < 2 * size
        assert planned <= replicates <= 2 * planned
    else:
        assert size == SMALLEST_REPLICATE
        assert replicates <= planned


@given(sizes, counts, st.booleans())
def test_a_planned_design_is_planned_to_itself(n, planned, intervals):
    replicates, size = replicate_plan(DesignSpec(n=n, replicates=planned, intervals=intervals))
    again = DesignSpec(n=replicates * size, replicates=replicates, intervals=intervals)
    assert replicate_plan(again) == (replicates, size)


@given(sizes, counts)
def test_without_intervals_one_sequence_holds_all(n, planned):
    replicates, size = replicate_plan(DesignSpec(n=n, replicates=planned, intervals=False))
    assert replicates == 1
    assert size & (size - 1) == 0
    assert n <= size < 2 * n or size == n == 1
