"""The rows of a pick-freeze bundle, written out by hand and by the loop they replace."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.design.pick_freeze import exchange


def by_loop(A, B, factors, both_ways):
    bundles = []
    for a, b in zip(A, B, strict=True):
        rows = [a, b]
        for source, other in ((a, b), (b, a))[: 1 + both_ways]:
            for columns in factors:
                row = source.copy()
                for column in columns:
                    row[column] = other[column]
                rows.append(row)
        bundles.append(rows)
    return np.array(bundles)


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize(
    "factors", [[[0]], [[2]], [[0], [1], [2], [3]], [[1], [3]], [[0, 3], [1]], [[1, 2, 3]]]
)
def test_exchange_equals_the_loop(both_ways, factors):
    A, B = np.random.default_rng(0).random((2, 7, 4))
    rows = exchange(A, B, [np.array(columns) for columns in factors], both_ways=both_ways)
    assert rows.shape == (7, (2 * len(factors) if both_ways else len(factors)) + 2, 4)
    assert (rows == by_loop(A, B, factors, both_ways)).all()


def test_no_bundles_have_a_shape_too():
    A = np.empty((0, 3))
    assert exchange(A, A, np.split(np.arange(3), 3), both_ways=True).shape == (0, 8, 3)
