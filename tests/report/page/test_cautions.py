from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from parsl_sa.report.page.cautions import cautions
from support.fields import field

NAN = np.nan
Build = Callable[..., xr.Dataset]


def titles(
    datasets: dict[str, xr.Dataset], attrs: dict[str, Any], status: dict[str, Any] | None = None
) -> list[str]:
    return [caution.title for caution in cautions(datasets, attrs, status or {})]


def test_a_sound_study_needs_none(scalar: Build, attrs: dict[str, Any]) -> None:
    assert titles({"CD": scalar([0.7, 0.2])}, attrs | {"dropped": []}) == []


def test_each_limit_is_named(scalar: Build, attrs: dict[str, Any]) -> None:
    ds = {"CD": scalar([0.7, 0.2])}
    whole = attrs | {"dropped": []}
    assert titles(ds, attrs) == ["Dropped bundles"]
    assert titles(ds, whole | {"finished": False}) == ["Unfinished"]
    assert titles(ds, whole | {"n_replicates": 9}) == ["Few replicates"]
    assert titles(ds, whole, {"other_bits": 2}) == ["Not bit-identical"]
    assert titles({"CD": scalar([0.7, 0.2], half=NAN)}, whole | {"n_replicates": 7}) == ["No intervals"]
    assert titles({"CD": scalar([0.7, 0.2], half=0.2)}, whole) == ["Wide intervals"]
    assert titles({"CD": scalar([NAN, NAN])}, whole) == ["Constant: CD"]


def test_constant_cells_are_counted_and_masked_ones_are_not(attrs: dict[str, Any]) -> None:
    whole = attrs | {"dropped": []}
    [caution] = cautions({"T": field({"y": 6, "x": 6}, masked=[0, 1], constant=[1, 2, 3])}, whole, {})
    assert caution.text.startswith("2 of 36 cells do not vary")
    assert titles({"T": field({"y": 6, "x": 6}, masked=[0])}, whole) == []


def test_the_reason_of_a_stop_is_told(scalar: Build, attrs: dict[str, Any]) -> None:
    stopped = attrs | {"finished": False, "n_used": 1024, "dropped": []}
    [caution] = cautions({"CD": scalar([0.7])}, stopped, {"reason": "the budget of 60 s is spent"})
    assert "1,024 of 4,096 bundles (25 %)" in caution.text
    assert "the budget of 60 s is spent" in caution.text


def test_the_cure_of_wide_intervals_is_a_number(scalar: Build, attrs: dict[str, Any]) -> None:
    datasets = {"a": scalar([0.7], half=0.15), "b": scalar([0.7], half=0.3)}
    [caution] = cautions(datasets, attrs | {"dropped": [], "n_used": 256}, {})
    assert "± 0.30 (b)" in caution.text
    assert "design.n = 1024" in caution.text
