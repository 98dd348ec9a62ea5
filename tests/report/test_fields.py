from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.report.fields import POINTS, read_axis, view
from support.fields import field


@pytest.mark.parametrize(
    ("sizes", "axes", "slices"),
    [
        ({"x": 32}, ["x"], [""]),
        ({"x": 1}, ["x"], [""]),
        ({"side": 2, "x": 32}, ["x"], ["side = 0", "side = 1"]),
        ({"x": 32, "side": 2}, ["x"], ["side = 0", "side = 1"]),
        ({"y": 8, "x": 9}, ["y", "x"], [""]),
        ({"side": 2, "y": 8, "x": 9}, ["y", "x"], ["side = 0", "side = 1"]),
        ({"z": 9, "y": 8, "x": 9}, ["y", "x"], ["z = 0", "z = 3", "z = 5", "z = 8"]),
        ({"a": 2, "b": 2}, ["a"], ["b = 0", "b = 1"]),
        ({"one": 1, "x": 8}, ["x"], [""]),
    ],
)
def test_few_cells_become_panels_many_become_an_axis(
    sizes: dict[str, int], axes: list[str], slices: list[str]
) -> None:
    shown = view(field(sizes))
    assert [axis.name for axis in shown.axes] == axes
    assert [part.label for part in shown.slices] == slices
    assert shown.n_slices == np.prod(list(sizes.values())) / np.prod([sizes[name] for name in axes])


def test_a_slice_reads_its_own_cells() -> None:
    ds = field({"side": 2, "x": 6}, coords={"side": ["upper", "lower"]})
    shown = view(ds)
    for part, name in zip(shown.slices, ["upper", "lower"], strict=True):
        assert part.label == f"side = {name}"
        np.testing.assert_array_equal(shown.read("ST", part, 2), ds["ST"].sel(side=name).values[2])
        np.testing.assert_array_equal(shown.read("mean", part), ds["mean"].sel(side=name).values)
        assert np.isnan(shown.read("quantile", part)).all()


def test_falling_coordinates_are_read_backwards() -> None:
    ds = field({"lat": 6, "x": 5}, coords={"lat": ("lat", np.linspace(60.0, 10.0, 6))})
    shown = view(ds)
    np.testing.assert_array_equal(shown.centres(0), np.linspace(10.0, 60.0, 6))
    np.testing.assert_array_equal(shown.read("mean", shown.slices[0]), ds["mean"].values[::-1])
    assert shown.axes[0].cell(0) == "lat = 60.0"


def test_axes_without_numbers_that_rise_are_counted() -> None:
    ds = field({"x": 5}, coords={"x": [0.0, 2.0, 1.0, 5.0, 4.0]})
    assert read_axis(ds, "x").label == "x (index)"
    assert read_axis(field({"x": 5}), "x").counted
    labelled = field({"x": 2}, coords={"x": ("x", [0.5, 0.7], {"units": "m", "long_name": "height"})})
    assert read_axis(labelled, "x").label == "height [m]"


def test_a_long_line_is_drawn_from_block_means_that_keep_its_ends() -> None:
    n = 10 * POINTS + 7
    ds = field({"x": n}, d=1, coords={"x": np.arange(n) / 10.0})
    shown = view(ds)
    part = shown.slices[0]
    assert shown.coarse
    assert shown.read("mean", part).size == shown.centres(0).size == shown.edges(0).size - 1 <= POINTS
    assert shown.edges(0)[0] == pytest.approx(-0.05)
    assert shown.edges(0)[-1] == pytest.approx((n - 0.5) / 10.0)
    np.testing.assert_allclose(shown.read("mean", part)[0], ds["mean"].values[: shown.sizes[0]].mean())


def test_masked_points_are_those_of_masked_cells_only() -> None:
    ds = field({"y": 8, "x": 8}, masked=[0, 1, 8, 9, 2])
    shown = view(ds, side=4)
    assert shown.sizes == (2, 2)
    masked = shown.masked(shown.slices[0])
    assert masked[0, 0]
    assert masked.sum() == 1  # the block of cell 2 has others that are not masked
    assert np.isfinite(shown.read("mean", shown.slices[0])[0, 1])
    assert not view(field({"y": 8, "x": 8})).masked(shown.slices[0]).any()
