"""Smallest and largest values: every row counts, and NaN does not hide."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.records import Layout
from parsl_sa.stats.compile import FEW_CELLS
from parsl_sa.stats.extrema import Extrema


def test_every_row_of_a_bundle_counts() -> None:
    rows = np.zeros((4, 5, 3), np.float32)
    rows[2, 4, 1], rows[3, 2, 0] = 9.0, -2.0
    extrema = Extrema(Layout("pick-freeze", 3), 3)
    extrema.update(rows)
    extrema.close_replicate()
    assert extrema.result()["maximum"].tolist() == [0.0, 9.0, 0.0]
    assert extrema.result()["minimum"].tolist() == [-2.0, 0.0, 0.0]


@pytest.mark.parametrize("place", [0, 1, 3])
def test_nan_stays_wherever_it_comes(place: int) -> None:
    rows = np.arange(4.0).reshape(4, 1, 1)
    rows[place] = np.nan
    extrema = Extrema(Layout("monte-carlo", 1), 1)
    extrema.update(rows)
    extrema.close_replicate()
    assert np.isnan(extrema.result()["minimum"]).all()
    assert np.isnan(extrema.result()["maximum"]).all()


def test_the_open_replicate_is_not_in_the_result() -> None:
    extrema = Extrema(Layout("monte-carlo", 1), 1)
    extrema.update(np.array([[[1.0]], [[2.0]]]))
    extrema.close_replicate()
    extrema.update(np.array([[[100.0]]]))
    assert extrema.result()["maximum"].tolist() == [2.0]


@pytest.mark.parametrize("n_cells", [1, FEW_CELLS])
@pytest.mark.parametrize("zeros", [(0.0, -0.0), (-0.0, 0.0)])
def test_the_sign_of_zero_does_not_tell_the_order(n_cells: int, zeros: tuple[float, float]) -> None:
    extrema = Extrema(Layout("monte-carlo", 1), n_cells)
    extrema.update(np.array(zeros).repeat(n_cells).reshape(2, 1, n_cells))
    assert not np.signbit(extrema.partial()).any()
