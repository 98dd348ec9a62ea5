"""The records that rooms exchange: arithmetic of a plan, its digest, and its way through JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsl_sa.records import Layout, Plan, Quantity, digest_of

FIELD = Quantity("theta", ("side", "x"), (2, 32), start=1, unit="m")
PLAN = Plan(
    science="abc",
    layout=Layout("pick-freeze", 3, both_ways=True),
    quantities=(Quantity("CL"), FIELD),
    dtype="float32",
    replicates=16,
    replicate_bundles=256,
    lease_bundles=64,
    lanes=8,
    chunk_bundles=4,
    batch=32,
    threads=2,
    shards=1,
    contribution="partial",
    seed=0,
    pivots_digest="def",
    hardware={"machine": "x86_64"},
    versions={"torch": "2.13.0"},
    model_hashes={"model.py": "123"},
    forward_s=1e-3,
)


@pytest.mark.parametrize(
    ("layout", "rows"),
    [
        (Layout("pick-freeze", 1), 3),
        (Layout("pick-freeze", 3), 5),
        (Layout("pick-freeze", 3, both_ways=True), 8),
        (Layout("monte-carlo", 3), 1),
        (Layout("monte-carlo", 3, both_ways=True), 1),
    ],
)
def test_rows_of_a_bundle(layout: Layout, rows: int) -> None:
    assert layout.n_rows == rows


def test_cells_stand_one_after_the_other() -> None:
    assert (Quantity("CL").n_cells, Quantity("CL").cells) == (1, slice(0, 1))
    assert (FIELD.n_cells, FIELD.cells) == (64, slice(1, 65))
    assert PLAN.n_cells == 65


def test_the_arithmetic_of_a_plan() -> None:
    assert (PLAN.n_bundles, PLAN.n_leases, PLAN.leases_per_replicate) == (4096, 64, 4)
    assert PLAN.n_forwards == 4096 * 8


@given(
    replicates=st.integers(1, 40), replicate_exponent=st.integers(0, 12), lease_exponent=st.integers(0, 12)
)
def test_leases_cover_every_bundle_once(
    replicates: int, replicate_exponent: int, lease_exponent: int
) -> None:
    lease = 2 ** min(lease_exponent, replicate_exponent)
    plan = dataclasses.replace(
        PLAN, replicates=replicates, replicate_bundles=2**replicate_exponent, lease_bundles=lease
    )
    edges = [plan.bundles(k) for k in (*range(min(3, plan.n_leases)), plan.n_leases - 1)]
    assert edges[0][0] == 0
    assert edges[-1][1] == plan.n_bundles
    assert all(last - first == lease for first, last in edges)
    assert plan.leases_per_replicate * plan.replicates == plan.n_leases


def test_a_plan_goes_through_json() -> None:
    there = json.loads(json.dumps(PLAN.to_json(), allow_nan=False))
    back = Plan.from_json(there)
    assert back == PLAN
    assert isinstance(back.layout, Layout)
    assert back.quantities[1].shape == (2, 32)
    assert back.digest == PLAN.digest
    assert there == PLAN.to_json() | {"quantities": there["quantities"]}, (
        "from_json must not change its argument"
    )


def test_coordinates_go_through_json_and_older_plans_have_none() -> None:
    named = Quantity("p", ("class", "x"), (2, 2), coords={"class": ("cat", "dog"), "x": (0.5, 1.0)})
    plan = dataclasses.replace(PLAN, quantities=(named, Quantity("CL", start=4)))
    there = json.loads(json.dumps(plan.to_json()))
    assert Plan.from_json(there) == plan
    assert there["quantities"][0]["coords"] == {"class": ["cat", "dog"], "x": [0.5, 1.0]}
    assert "coords" not in there["quantities"][1]
    assert len({named, Quantity("CL")}) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"lease": 3},
        {"lease_bundles": ...},
        {"layout": {"method": "pick-freeze"}},
        {"quantities": [{"name": 1}]},
    ],
    ids=["unknown", "missing", "layout", "quantity"],
)
def test_another_shape_is_refused(change: dict[str, Any]) -> None:
    plain = {key: value for key, value in {**PLAN.to_json(), **change}.items() if value is not ...}
    with pytest.raises((TypeError, KeyError)):
        Plan.from_json(plain)


CHANGED: dict[str, Any] = {
    "science": "x",
    "layout": Layout("pick-freeze", 3),
    "quantities": (Quantity("CL"),),
    "dtype": "float64",
    "replicates": 8,
    "replicate_bundles": 512,
    "lease_bundles": 128,
    "lanes": 4,
    "chunk_bundles": 2,
    "batch": 64,
    "threads": 1,
    "shards": 2,
    "contribution": "rows",
    "seed": 1,
    "pivots_digest": "x",
    "weights_digest": "w",
    "masked": {"theta": 3},
    "hardware": {"machine": "arm"},
    "versions": {"torch": "2.12.0"},
    "model_hashes": {"model.py": "456"},
    "cases": 4,
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Plan)])
def test_the_digest_sees_all_that_bits_depend_on(name: str) -> None:
    if name == "forward_s":  # two probes of one study need not agree on a time
        assert dataclasses.replace(PLAN, forward_s=2.0).digest == PLAN.digest
    else:
        assert dataclasses.replace(PLAN, **{name: CHANGED[name]}).digest != PLAN.digest


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    assert digest_of({"a": [1, 2], "b": None}) == digest_of({"b": None, "a": [1, 2]})
    assert digest_of({"a": [1, 2]}) != digest_of({"a": [2, 1]})
    assert len(digest_of(3)) == 32
