from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from parsl_sa.report.page.bars import MINUS, MOST, Scale, rows, scale_of
from parsl_sa.report.ranking import rank
from support.fields import field

NAN = np.nan
Build = Callable[..., xr.Dataset]


def test_a_bar_ends_at_its_share_and_its_whiskers_at_the_interval(scalar: Build) -> None:
    ds = scalar([0.2, 0.8], S1=[0.1, 0.6], half=0.05)
    ranking = rank(ds)
    assert ranking is not None
    first, second = rows(ds, ranking, Scale(0.0, 1.0))
    assert [first.name, second.name] == ["x2", "x1"]
    ST, S1 = first.bars
    assert (ST.key, ST.start, ST.width, ST.low, ST.high) == ("ST", 0.0, 80.0, 75.0, 85.0)
    assert (S1.key, S1.width) == ("S1", 60.0)
    assert (first.rank, second.rank) == ("1", "2")
    assert first.ST == ("0.80", "±\u20090.05")


def test_a_negative_estimate_goes_left_of_zero(scalar: Build) -> None:
    ds = scalar([0.5], S1=[-0.1], half=NAN)
    ranking = rank(ds)
    assert ranking is not None
    scale = scale_of([ranking])
    [row] = rows(ds, ranking, scale)
    S1 = row.bars[1]
    assert S1.start + S1.width == pytest.approx(scale.at(0.0), abs=0.01)
    assert S1.low is None
    assert (f"{MINUS}0.100", "") == row.S1


def test_what_lies_beyond_the_axis_is_cut_and_marked(scalar: Build) -> None:
    ds = scalar([0.9, 0.1], half=[3.0, 0.01])
    ranking = rank(ds)
    assert ranking is not None
    wild, tame = rows(ds, ranking, scale_of([ranking]))
    assert wild.bars[0].cut == (True, True)
    assert (wild.bars[0].low, wild.bars[0].high) == (0.0, 100.0)
    assert tame.bars[0].cut == (False, False)


def test_an_undefined_index_has_no_bar_and_says_so(scalar: Build) -> None:
    ds = scalar([0.9, NAN])
    ranking = rank(ds)
    assert ranking is not None
    row = rows(ds, ranking, scale_of([ranking]))[1]
    assert row.bars == ()
    assert row.note == "undefined: constant output"
    assert row.ST[0].strip("\u2007") == "-"


def test_one_axis_serves_all_quantities(scalar: Build) -> None:
    rankings = [rank(scalar(share)) for share in ([0.9, 0.1], [0.2, 0.1])]
    scale = scale_of([ranking for ranking in rankings if ranking is not None])
    assert scale.low == 0.0
    assert scale.high == pytest.approx(1.02 * 0.91)
    assert [text for _, text in scale.ticks] == ["0", "0.2", "0.4", "0.6", "0.8"]
    assert scale_of([]) == Scale(0.0, 1.02)


def test_a_field_has_its_aggregated_index_and_the_range_over_its_cells() -> None:
    ds = field({"x": 12}, 3, constant=[4])
    ranking = rank(ds)
    assert ranking is not None
    first = rows(ds, ranking, scale_of([ranking]))[0]
    cells = ds["ST"].sel(parameter="x3").values
    assert first.cells == f"{np.nanmedian(cells):.2f} ({np.nanmin(cells):.2f} to {np.nanmax(cells):.2f})"
    assert float(first.ST[0]) == pytest.approx(float(ds["ST_aggregated"].sel(parameter="x3")), abs=0.001)
    assert first.ST[1] == "±\u20090.010"


def test_no_table_has_more_rows_than_a_reader_scrolls(scalar: Build) -> None:
    ds = scalar(np.linspace(1e-6, 1e-3, MOST + 10))
    ranking = rank(ds)
    assert ranking is not None
    assert len(rows(ds, ranking, scale_of([ranking]))) == MOST
