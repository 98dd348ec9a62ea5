"""How a contribution lies in memory, and the memory of open parts. The folding is in `tests/contracts`."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.errors import BundleShapeError
from parsl_sa.records import Layout
from parsl_sa.stats import PARTIAL, ROWS, Accumulator, Form, LaneTree, assemble, flat, sum_fields

LAYOUT = Layout("pick-freeze", 2, both_ways=True)


def study(fields: list[slice] | None = None, n_cells: int = 5) -> Accumulator:
    return assemble(["moments", "extrema", "sobol"], LAYOUT, n_cells, fields=fields or [])


@pytest.mark.parametrize("kind", [PARTIAL, ROWS])
@pytest.mark.parametrize("n_cells", [0, 1, 5])
def test_arrays_are_views_of_the_bytes_and_aligned(kind: str, n_cells: int) -> None:
    fields = [slice(0, n_cells), slice(0, n_cells // 2)]
    form = Form.make(kind, study(fields, n_cells), 3, 1, "float32")
    buffer = form.empty()
    assert buffer.nbytes == form.size_bytes
    arrays = form.arrays(buffer)
    assert [array.shape for array in arrays] == list(form.shapes)
    assert all(array.flags.aligned for array in arrays)
    for number, array in enumerate(arrays):
        array[...] = number
    again = form.arrays(buffer)
    assert all(np.all(array == number) for number, array in enumerate(again))
    assert sum(array.nbytes for array in arrays) == form.size_bytes


@pytest.mark.parametrize("kind", [PARTIAL, ROWS])
def test_bytes_of_another_size_are_refused(kind: str) -> None:
    form = Form.make(kind, study(), 2, 1, "float64")
    for size in (form.size_bytes - 8, form.size_bytes + 8):
        with pytest.raises(BundleShapeError, match=f"{size} bytes, expected {form.size_bytes}"):
            form.arrays(np.zeros(size, np.uint8))


def test_the_smaller_kind_is_chosen() -> None:
    # A cell has 6 + 2 + 2 sums of 8 bytes; a bundle 6 rows of 4 or 8 bytes.
    kinds = {
        (bundles, dtype): Form.smaller(study(), bundles, 1, dtype).kind
        for bundles in (1, 2, 3, 4)
        for dtype in ("float32", "float64")
    }
    assert [kinds[bundles, "float32"] for bundles in (1, 2, 3, 4)] == [ROWS, ROWS, ROWS, PARTIAL]
    assert [kinds[bundles, "float64"] for bundles in (1, 2, 3, 4)] == [ROWS, PARTIAL, PARTIAL, PARTIAL]


def test_open_parts_fill_one_buffer_that_is_their_flat_form() -> None:
    folded = study([slice(0, 5)])
    folded.update(np.random.default_rng(0).normal(size=(4, 6, 5)))
    parts, _ = folded.take_partials()
    whole = flat(parts)
    assert whole.base is None
    assert all(part.base is whole for part in parts)
    assert whole.tobytes() == np.concatenate([part.ravel() for part in parts]).tobytes()
    copies = [part.copy() for part in parts]
    assert flat(copies).tobytes() == whole.tobytes()


def test_a_buffer_given_back_is_not_seen_by_whoever_still_fills_the_open_part() -> None:
    folded, rows = study(), np.random.default_rng(1).normal(size=(2, 6, 5))
    folded.update(rows)
    taken, _ = folded.take_partials()
    expected = flat(taken).copy()
    folded.update(rows)  # the open part is in use: the buffer must wait
    folded.give_back(taken)
    assert flat(folded.take_partials()[0]).tobytes() == expected.tobytes()
    folded.update(rows)
    assert flat(folded.take_partials()[0]).tobytes() == expected.tobytes()


def test_parts_of_somebody_else_are_not_taken_back() -> None:
    folded, other = study(), study(n_cells=6)
    before = flat(folded.partials())
    folded.give_back(other.take_partials()[0])
    folded.give_back([part.copy() for part in folded.partials()])
    assert flat(folded.partials()) is before


def test_rows_without_sums_over_fields_travel_with_no_parts() -> None:
    """A lane of a study whose statistics are not summed over fields hands over nothing beside its rows."""
    layout = Layout("monte-carlo", 2)
    folded = assemble(["moments"], layout, 5, fields=[slice(0, 5)])
    rows, keep = np.ones((2, 1, 5), np.float32), np.ones(2, bool)
    tree = LaneTree(folded.aggregates.combine, folded.give_back)
    for lane in range(4):
        tree.push(lane, sum_fields(folded, rows, keep), 2)
    assert [(node.partials, node.n_bundles) for node in tree.nodes.values()] == [([], 8)]
    assert flat([]).tolist() == []
