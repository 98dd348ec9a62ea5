"""Tiny plans: a study that needs no model, no design and no cells to be talked about."""

from __future__ import annotations

from parsl_sa.records import Layout, Plan, Quantity


def tiny_plan(n_leases: int = 12, shards: int = 1, lease_bundles: int = 4, per_replicate: int = 2) -> Plan:
    """Return a plan of so many leases of `lease_bundles` bundles, `per_replicate` of them a replicate."""
    return Plan(
        science="science",
        layout=Layout("pick-freeze", 2),
        quantities=(Quantity("q"),),
        dtype="float64",
        replicates=n_leases // per_replicate,
        replicate_bundles=lease_bundles * per_replicate,
        lease_bundles=lease_bundles,
        lanes=1,
        chunk_bundles=1,
        batch=1,
        threads=1,
        shards=shards,
        contribution="partial",
        seed=0,
        pivots_digest="pivots",
        hardware={"machine": "m"},
    )
