"""Whatever was measured, a study is cut into parts that fit each other, in a time that people can wait."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parsl_sa.client.cut import (
    CHUNK_BYTES,
    LANES,
    LEASE_S,
    LONGEST_LEASE_S,
    Costs,
    cut,
    even_batch,
    full_batch_bundles,
    power_of_two_above,
    power_of_two_below,
)

COSTS = st.builds(
    Costs,
    n_rows=st.integers(1, 4000),
    bundle_s=st.floats(1e-9, 1e5),
    bundle_bytes=st.integers(4, 10**12),
    batch=st.integers(1, 8192),
    smallest_batch=st.integers(1, 3),
    fixed_batch=st.none() | st.integers(1, 1000),
)
REPLICATE = st.integers(0, 20).map(lambda exponent: 1 << exponent)
RANKS = st.integers(1, 300)


def is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


@given(costs=COSTS, replicate_bundles=REPLICATE, ranks=RANKS)
@example(costs=Costs(8, 1e-6, 64, 8192), replicate_bundles=16, ranks=1)
@example(costs=Costs(2000, 100.0, 10**9, 1), replicate_bundles=16, ranks=64)
def test_parts_fit_into_each_other(costs: Costs, replicate_bundles: int, ranks: int) -> None:
    sizes = cut(costs, replicate_bundles, ranks)
    assert all(map(is_power_of_two, (sizes.lease_bundles, sizes.lanes, sizes.chunk_bundles)))
    assert replicate_bundles % sizes.lease_bundles == 0
    assert sizes.lease_bundles % sizes.lanes == 0
    assert (sizes.lease_bundles // sizes.lanes) % sizes.chunk_bundles == 0
    assert sizes.lanes >= min(ranks, replicate_bundles), "a rank would have no lane"
    assert sizes.chunk_bundles == 1 or sizes.chunk_bundles * costs.bundle_bytes <= CHUNK_BYTES


@given(costs=COSTS, replicate_bundles=REPLICATE, ranks=RANKS)
def test_the_batch_is_one_that_the_model_takes(costs: Costs, replicate_bundles: int, ranks: int) -> None:
    costs = dataclasses.replace(costs, batch=max(costs.batch, costs.smallest_batch))
    sizes = cut(costs, replicate_bundles, ranks)
    rows = sizes.chunk_bundles * costs.n_rows
    if costs.fixed_batch is not None:
        assert sizes.batch == costs.fixed_batch
    else:
        assert costs.smallest_batch <= sizes.batch <= costs.batch
        assert sizes.batch <= max(rows, costs.smallest_batch)
        # Rows that are only there to fill the last batch: less than one a batch.
        padded = -(-rows // sizes.batch) * sizes.batch - rows
        assert padded < max(-(-rows // sizes.batch), costs.smallest_batch)


@given(costs=COSTS, replicate_bundles=REPLICATE, ranks=RANKS)
def test_a_lease_takes_seconds_where_that_is_possible(
    costs: Costs, replicate_bundles: int, ranks: int
) -> None:
    sizes = cut(costs, replicate_bundles, ranks)
    lease_s = sizes.lease_bundles * costs.bundle_s / ranks
    full = full_batch_bundles(costs.n_rows, costs.fixed_batch or costs.batch, costs.fixed_batch is not None)
    shortest_s = power_of_two_above(ranks) * full * costs.bundle_s / ranks
    assert lease_s <= max(LEASE_S, LONGEST_LEASE_S, shortest_s) * (1 + 1e-9)
    if sizes.lease_bundles < replicate_bundles:
        assert lease_s >= LEASE_S / 2 * (1 - 1e-9)


def test_a_tiny_design_is_one_lease_a_replicate() -> None:
    sizes = cut(Costs(8, 1e-6, 64, 8192), replicate_bundles=16, ranks=2)
    assert (sizes.lease_bundles, sizes.lanes, sizes.chunk_bundles, sizes.batch) == (16, 8, 2, 16)


def test_a_quick_model_has_long_leases_and_full_batches() -> None:
    sizes = cut(Costs(8, 1e-6, 64, 1024), replicate_bundles=1 << 20, ranks=2)
    assert (sizes.lease_bundles, sizes.lanes) == (1 << 20, LANES)
    assert sizes.batch == 1024


def test_a_slow_model_has_one_bundle_a_rank_in_a_lease() -> None:
    sizes = cut(Costs(48, 100.0, 1000, 4), replicate_bundles=256, ranks=2)
    assert (sizes.lease_bundles, sizes.lanes, sizes.chunk_bundles, sizes.batch) == (2, 2, 1, 4)


@pytest.mark.parametrize("n_rows", [1, 3, 8, 25, 48, 70, 100])
@pytest.mark.parametrize("fixed", [1, 64, 1000])
def test_a_fixed_batch_is_not_spent_on_padding(n_rows: int, fixed: int) -> None:
    sizes = cut(Costs(n_rows, 0.05, 8 * n_rows, fixed, fixed_batch=fixed), replicate_bundles=1 << 20, ranks=2)
    rows = sizes.chunk_bundles * n_rows
    assert rows / (-(-rows // fixed) * fixed) >= 0.75


def test_many_ranks_have_a_lane_each() -> None:
    sizes = cut(Costs(8, 1e-3, 64, 64), replicate_bundles=4096, ranks=100)
    assert sizes.lanes == 128


def test_a_large_field_is_folded_bundle_by_bundle() -> None:
    sizes = cut(Costs(14, 0.5, 14 * 10**7 * 4, 2), replicate_bundles=256, ranks=2)
    assert sizes.chunk_bundles == 1


@given(st.integers(1, 10**6), st.integers(1, 10**4))
def test_even_batches_cover_the_rows(rows: int, batch: int) -> None:
    even = even_batch(rows, batch)
    assert 1 <= even <= batch
    assert -(-rows // even) == -(-rows // batch)


@given(st.integers(1, 10**12))
def test_powers_of_two_enclose(value: int) -> None:
    below, above = power_of_two_below(value), power_of_two_above(value)
    assert is_power_of_two(below)
    assert is_power_of_two(above)
    assert below <= value <= above < 2 * max(value, 1) or value == above == 1
