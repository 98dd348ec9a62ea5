from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from parsl_sa.report.ranking import positions, rank

NAN = np.nan
Build = Callable[..., xr.Dataset]


def test_parameters_come_by_total_order_and_undefined_last(scalar: Build) -> None:
    ranking = rank(scalar([0.1, NAN, 0.7], units=["a", "b", "c"]))
    assert ranking is not None
    assert ranking.names == ("x3", "x1", "x2")
    assert ranking.units == ("c", "a", "b")
    assert ranking.undefined.tolist() == [False, False, True]
    np.testing.assert_allclose(ranking.S1[:2], [0.63, 0.09])


def test_bounds_follow_from_half_widths_where_they_are_missing(scalar: Build) -> None:
    whole = scalar([0.1, 0.7], half=0.05)
    ranking = rank(whole.drop_vars(["ST_low", "ST_high"]))
    assert ranking is not None
    np.testing.assert_allclose(ranking.ST_low, [0.65, 0.05])


def test_overlapping_intervals_share_their_places(scalar: Build) -> None:
    ranking = rank(scalar([0.5, 0.3, 0.29, 0.05], half=[0.01, 0.02, 0.02, 0.001]))
    assert ranking is not None
    assert positions(ranking) == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_a_wide_interval_overlaps_everything_but_does_not_tie_the_others(scalar: Build) -> None:
    ranking = rank(scalar([0.5, 0.3, 0.1], half=[0.01, 0.4, 0.01]))
    assert ranking is not None
    assert positions(ranking) == [(1, 2), (1, 3), (2, 3)]


def test_without_an_interval_there_is_no_place(scalar: Build) -> None:
    ranking = rank(scalar([0.5, NAN, 0.3], half=[0.01, NAN, NAN]))
    assert ranking is not None
    assert positions(ranking) == [(1, 1), None, None]


def test_no_indices_no_ranking(scalar: Build) -> None:
    assert rank(scalar([0.5])[["mean"]]) is None


def test_a_field_is_ranked_by_its_aggregate(field: Build) -> None:
    ranking = rank(field(64, 3))
    assert ranking is not None
    assert not ranking.has_intervals
    assert np.all(np.diff(ranking.ST) <= 0)
    assert ranking.ST.sum() == np.float64(1.0) or abs(ranking.ST.sum() - 1.0) < 1e-12
    assert not ranking.undefined.any()
