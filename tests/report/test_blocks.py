from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.report.blocks import block_all, block_means, block_size, starts

NAN = np.nan


@pytest.mark.parametrize(
    ("shape", "sizes"), [((7,), (3,)), ((6, 10), (2, 5)), ((5, 4), (2, 1)), ((3, 3), (5, 5))]
)
def test_a_block_is_the_mean_of_its_finite_cells(shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=shape)
    values[rng.random(shape) < 0.3] = NAN
    means = block_means(values, sizes)
    for place in np.ndindex(means.shape):
        block = values[tuple(slice(i * size, (i + 1) * size) for i, size in zip(place, sizes, strict=True))]
        finite = block[np.isfinite(block)]
        expected = finite.mean() if finite.size else NAN
        np.testing.assert_allclose(means[place], expected, rtol=1e-12, equal_nan=True)


def test_infinite_cells_are_left_out_like_undefined_ones() -> None:
    np.testing.assert_array_equal(block_means(np.array([np.inf, 2.0, -np.inf, NAN]), [2]), [2.0, NAN])


def test_a_flag_holds_for_a_block_only_where_it_holds_everywhere() -> None:
    flags = np.array([[True, True, False], [True, True, True], [True, False, True]])
    np.testing.assert_array_equal(block_all(flags, [2, 2]), [[True, False], [False, True]])


@pytest.mark.parametrize(("length", "most"), [(1, 1), (10, 3), (1000, 256), (257, 256), (256, 256)])
def test_no_more_blocks_are_left_than_asked_for(length: int, most: int) -> None:
    size = block_size(length, most)
    assert starts(length, size).size <= most
    assert size == 1 or starts(length, size - 1).size > most
