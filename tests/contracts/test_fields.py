"""What every statistic must do on fields: masks, weights, aggregated indices, and both kinds of contribution.

Parametrized over the tables of statistics and estimators, like `test_statistics`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa import registry
from parsl_sa.errors import LayoutError
from parsl_sa.records import Layout
from parsl_sa.stats import PARTIAL, ROWS, Accumulator, Form, LaneTree, assemble, flat, merge_nodes, sum_fields
from parsl_sa.stats.compile import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYOUTS = {
    "one-way": Layout("pick-freeze", 3),
    "both-ways": Layout("pick-freeze", 3, both_ways=True),
    "monte-carlo": Layout("monte-carlo", 3),
    "one-at-a-time": Layout("one-at-a-time", 3),
}
N_CELLS = 2 * BLOCK + 300
FIELDS = [slice(0, BLOCK + 7), slice(BLOCK + 8, N_CELLS)]
SCALAR = BLOCK + 7


def cases() -> Iterator[Any]:
    for name in registry.names("statistic"):
        for estimator in registry.names("estimator") if name == "sobol" else [None]:
            options = {"name": name, **({"estimator": estimator} if estimator else {})}
            for label, layout in LAYOUTS.items():
                try:
                    assemble([options], layout, 1)
                except LayoutError:
                    continue
                yield pytest.param(options, layout, id=f"{estimator or name}-{label}")


def sums_up(options: dict[str, Any], layout: Layout) -> bool:
    return assemble([options], layout, 1).statistics[0].aggregates


every = pytest.mark.parametrize(("options", "layout"), list(cases()))
summed = pytest.mark.parametrize(
    ("options", "layout"),
    [case for case in cases() if sums_up(*case.values)],
)


def masks_and_weights(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    masked = rng.random(N_CELLS) < 0.2
    masked[SCALAR] = False
    return masked, rng.exponential(1.0, N_CELLS)


def make_rows(layout: Layout, n: int, masked: np.ndarray, seed: int) -> np.ndarray:
    """Rows with numbers, NaN and infinities where cells are masked."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(2.0, 1.0, (n, layout.n_rows, N_CELLS))
    rows[:, 1:] += 0.5 * rows[:, :1]
    junk = rng.choice([np.nan, np.inf, -np.inf, 1.0], (n, layout.n_rows, int(masked.sum())))
    rows[..., masked] = junk
    return rows.astype(np.float32)


def study(options: dict[str, Any], layout: Layout, masked: np.ndarray, weights: Any = None) -> Accumulator:
    pivot = np.where(masked, np.nan, 2.5)
    return assemble([options], layout, N_CELLS, pivot, fields=FIELDS, weights=weights, scalars=[SCALAR])


@every
def test_masked_cells_are_nan_without_a_flag_and_leave_the_others_alone(
    options: dict[str, Any], layout: Layout
) -> None:
    masked, _ = masks_and_weights()
    whole, clear = study(options, layout, masked), assemble([options], layout, N_CELLS, np.full(N_CELLS, 2.5))
    for replicate in range(9):
        rows = make_rows(layout, 6, masked, replicate)
        whole.update(rows)
        whole.close_replicate()
        rows[..., masked] = 1.0
        clear.update(rows)
        clear.close_replicate()
    expected = clear.result()
    for key, value in whole.result().items():
        np.testing.assert_array_equal(value[..., ~masked], expected[key][..., ~masked], err_msg=key)
        hidden = value[..., masked]
        assert not hidden.any() if value.dtype == np.bool_ else np.isnan(hidden).all(), key


@summed
def test_aggregated_sums_are_the_weighted_sums_over_cells(options: dict[str, Any], layout: Layout) -> None:
    masked, weights = masks_and_weights()
    folded = study(options, layout, masked, weights)
    counted = np.where(masked, 0.0, weights)
    per_cell = assemble([options], layout, N_CELLS, np.full(N_CELLS, 2.5))
    totals = []
    for replicate in range(9):
        rows = make_rows(layout, 6, masked, replicate)
        folded.update(rows)
        folded.close_replicate()
        rows[..., masked] = 0.0
        per_cell.update(rows)
        (part,), _ = per_cell.take_partials()
        totals.append(np.stack([(part[:, cells] * counted[cells]).sum(axis=1) for cells in FIELDS], axis=1))
    # The formula of the estimator over these sums is tested with cells; here they are its cells.
    reference = per_cell.statistics[0].of_fields(np.zeros(len(FIELDS)))
    for total in totals:
        reference.add_partial(total, 6)
        reference.close_replicate()
    expected = reference.result()
    found = folded.aggregates.result()
    assert found.keys() == expected.keys()
    for key, value in found.items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-9, atol=1e-12, err_msg=key)
    assert np.isfinite(found["S1_conf"]).all()


@every
def test_rows_and_sums_fold_to_the_same_bits(options: dict[str, Any], layout: Layout) -> None:
    masked, weights = masks_and_weights()
    lanes, lease = 4, 8
    client = study(options, layout, masked, weights)
    by_sums, by_rows = (study(options, layout, masked, weights) for _ in range(2))
    forms = [Form.make(kind, client, lease, lanes, "float32") for kind in (PARTIAL, ROWS)]
    for replicate in range(9):
        rows = make_rows(layout, lease, masked, replicate)
        keep = np.ones(lease, np.bool_)
        keep[[1, 5]] = replicate % 2 == 0
        tree, small = LaneTree(client.combine_partials, client.give_back), []
        for lane, (part, kept) in enumerate(zip(np.split(rows, lanes), np.split(keep, lanes), strict=True)):
            client.update(part[:1], kept[:1])  # in chunks
            client.update(part[1:], kept[1:])
            tree.push(lane, *client.take_partials())
            small.append(sum_fields(client, part, kept))
        root = merge_nodes(tree.nodes, lanes, client.combine_partials)
        small_tree = LaneTree(client.aggregates.combine)
        for lane, parts in enumerate(small):
            small_tree.push(lane, parts, 0)
        fields = merge_nodes(small_tree.nodes, lanes, client.aggregates.combine).partials
        forms[0].fold(by_sums, flat(root.partials).view(np.uint8), keep)
        sent = forms[1].empty()
        *parts, sent_rows = forms[1].arrays(sent)
        for target, part in zip(parts, fields, strict=True):
            target[:] = part
        sent_rows[:] = np.where(keep[:, np.newaxis, np.newaxis], rows, 0)
        forms[1].fold(by_rows, sent, keep)
        for accumulator in (by_sums, by_rows):
            accumulator.close_replicate()
    left, right = by_sums.state(), by_rows.state()
    assert left.keys() == right.keys()
    for key, array in left.items():
        assert array.tobytes() == right[key].tobytes(), key


@every
def test_shards_hold_slabs_of_the_same_bits_and_whole_fields_each(
    options: dict[str, Any], layout: Layout
) -> None:
    """What a client sums is cut into slabs; sums over whole fields go to every shard."""
    masked, weights = masks_and_weights()
    client, whole = (study(options, layout, masked, weights) for _ in range(2))
    edges = [0, 700, N_CELLS]
    n_small = len(client.aggregates.statistics)
    slabs = []
    for first, last in pairwise(edges):
        inner = assemble([options], layout, last - first, np.where(masked, np.nan, 2.5)[first:last])
        slabs.append(Accumulator(inner.statistics, type(client.aggregates)(inner.statistics, FIELDS, None)))
    for replicate in range(8):
        client.update(make_rows(layout, 4, masked, replicate))
        parts, n_bundles = client.take_partials()
        whole.add_partials(parts, n_bundles)
        whole.close_replicate()
        for slab, (first, last) in zip(slabs, pairwise(edges), strict=True):
            cut = [*parts[:n_small], *(np.ascontiguousarray(part[:, first:last]) for part in parts[n_small:])]
            slab.add_partials(cut, n_bundles)
            slab.close_replicate()
    expected = whole.state()
    for slab, (first, last) in zip(slabs, pairwise(edges), strict=True):
        for key, array in slab.state().items():
            shared = "aggregated" in key or key.endswith("counts")
            bits = expected[key] if shared else expected[key][..., first:last]
            assert array.tobytes() == bits.tobytes(), key


@every
def test_memory_that_is_given_back_is_used_again_and_leaves_no_trace(
    options: dict[str, Any], layout: Layout
) -> None:
    masked, weights = masks_and_weights()
    thrifty, plain = (study(options, layout, masked, weights) for _ in range(2))
    held = []
    for replicate in range(6):
        rows = make_rows(layout, 4, masked, replicate)
        thrifty.update(rows)
        plain.update(rows)
        taken, expected = thrifty.take_partials()[0], plain.take_partials()[0]
        assert flat(taken).tobytes() == flat(expected).tobytes()
        held.append(flat(taken).ctypes.data)
        thrifty.give_back(taken)
    assert len(set(held)) < len(held)


def test_the_state_of_fields_and_looks_loads_again_and_goes_on_with_the_same_bits() -> None:
    layout = LAYOUTS["both-ways"]
    masked, weights = masks_and_weights()
    statistics = ["moments", "extrema", "sobol"]
    pivot = np.where(masked, np.nan, 2.5)

    def build() -> Accumulator:
        return assemble(statistics, layout, N_CELLS, pivot, fields=FIELDS, weights=weights, scalars=[SCALAR])

    straight, broken = build(), build()
    for replicate in range(12):
        rows = make_rows(layout, 4, masked, replicate)
        if replicate == 7:  # the process dies between two folds of a replicate
            state = {key: array.copy() for key, array in broken.state().items()}
            broken = build()
            broken.load_state(state)
        for accumulator in (straight, broken):
            accumulator.update(rows)
            accumulator.close_replicate()
    left, right = straight.state(), broken.state()
    assert {"sobol.aggregated.closed", "looks.scalars.values", "looks.aggregated.counts"} <= left.keys()
    assert all(array.tobytes() == right[key].tobytes() for key, array in left.items())
    n_bundles, history = straight.history("scalars")
    assert n_bundles.tolist() == [4 * look for look in range(1, 13)]
    np.testing.assert_array_equal(history["S1"][-1][:, 0], straight.result()["S1"][:, SCALAR])
    np.testing.assert_array_equal(history["mean_conf"][-1][0], straight.result()["mean_conf"][SCALAR])
    _, fields = straight.history("aggregated")
    np.testing.assert_array_equal(fields["ST_conf"][-1], straight.aggregates.result()["ST_conf"])
