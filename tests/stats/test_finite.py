"""Which bundles are whole."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.stats import whole_bundles
from parsl_sa.stats.compile import BLOCK


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_cells", [1, BLOCK, 2 * BLOCK + 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_value_anywhere_is_found(dtype: str, n_cells: int, bad: float) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(12, 3, n_cells)).astype(dtype)
    rows[0] = np.finfo(dtype).max  # finite, whatever is done with it
    places = {2: (0, 0), 5: (2, n_cells - 1), 7: (1, n_cells // 2)}
    for bundle, (row, cell) in places.items():
        rows[bundle, row, cell] = bad
    assert np.flatnonzero(~whole_bundles(rows)).tolist() == sorted(places)
    masked = np.zeros(n_cells, bool)
    masked[n_cells - 1] = True
    expected = np.isfinite(rows[..., ~masked]).all(axis=(1, 2))
    np.testing.assert_array_equal(whole_bundles(rows, masked), expected)


def test_no_bundles_and_all_cells_masked() -> None:
    assert whole_bundles(np.zeros((0, 2, 3))).shape == (0,)
    assert whole_bundles(np.full((2, 2, 3), np.nan), np.ones(3, bool)).all()
