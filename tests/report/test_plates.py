"""What is on the pictures of fields and of convergence, by their pixels and their text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import image

from parsl_sa.report.colours import COLOURS, SERIES, UNDEFINED
from parsl_sa.report.convergence import FOLLOWED, apart, convergence
from parsl_sa.report.fields import view
from parsl_sa.report.inline_svg import inline
from parsl_sa.report.lines import index_lines, mean_line, sd_line
from parsl_sa.report.maps import index_maps, mean_map, sd_map
from parsl_sa.report.plates import Plate, alone, save, sheet
from support.fields import field, with_looks

if TYPE_CHECKING:
    from pathlib import Path

NAN = np.nan
Build = Callable[..., xr.Dataset]


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def coloured(plate: Plate, path: Path, colour: str) -> int:
    """Count the pixels of a colour."""
    save(alone(plate), path)
    pixels = image.imread(path)[..., :3]
    return int((np.abs(pixels - np.array(mpl.colors.to_rgb(colour))).max(axis=-1) < 0.02).sum())


def test_lines_of_both_indices_are_drawn(tmp_path: Path) -> None:
    shown = view(field({"x": 32}))
    plate = index_lines(shown, shown.slices[0], 2, "Re", 1.0)
    assert coloured(plate, tmp_path / "a.png", COLOURS["S1"]) > 200
    assert coloured(plate, tmp_path / "a.png", COLOURS["ST"]) > 200
    assert plate.words.startswith("Re along x (index): S1 from 0.")


@pytest.mark.parametrize("sizes", [{"x": 1}, {"x": 5}, {"x": 40}, {"side": 2, "x": 40}])
def test_lines_of_any_length_are_drawn(tmp_path: Path, sizes: dict[str, int]) -> None:
    shown = view(field(sizes, masked=[0] if sizes["x"] > 1 else []))
    for draw in (mean_line, sd_line):
        assert coloured(draw(shown, shown.slices[-1], "m"), tmp_path / "a.png", SERIES[0]) > 20


def test_a_cell_between_undefined_ones_can_be_seen(tmp_path: Path) -> None:
    ds = field({"x": 41})
    seen = view(ds)
    for key in ("S1", "ST"):
        ds[key][2, np.arange(41) != 20] = NAN
    plate = index_lines(seen, seen.slices[0], 2, "Re", 1.0)
    assert coloured(plate, tmp_path / "a.png", COLOURS["ST"]) > 4


@pytest.mark.parametrize("sizes", [{"y": 30, "x": 40}, {"y": 5, "x": 900}])
def test_undefined_cells_of_a_map_are_grey_and_masked_ones_are_not_coloured(
    tmp_path: Path, sizes: dict[str, int]
) -> None:
    n_cells = sizes["y"] * sizes["x"]
    plain = view(field(sizes))
    holed = view(field(sizes, masked=range(n_cells // 5), constant=range(n_cells // 2, n_cells)))
    plates = [index_maps(shown, shown.slices[0], 1, "Re", 0.5) for shown in (plain, holed)]
    grey = [coloured(plate, tmp_path / "a.png", UNDEFINED) for plate in plates]
    assert grey[0] < 300  # smoothed letters
    assert grey[1] > 20 * grey[0]


def test_maps_are_drawn_for_uneven_and_falling_coordinates(tmp_path: Path) -> None:
    coords = {"p": ("p", np.geomspace(1000.0, 1.0, 12), {"units": "hPa"}), "x": np.linspace(0, 1, 9) ** 2}
    shown = view(field({"p": 12, "x": 9}, coords=coords))
    for plate in (mean_map(shown, shown.slices[0], "K"), sd_map(shown, shown.slices[0], "K")):
        save(alone(plate), tmp_path / "a.png")
        assert image.imread(tmp_path / "a.png")[..., :3].std() > 0.05


def test_a_map_of_a_single_value_is_drawn(tmp_path: Path) -> None:
    ds = field({"y": 6, "x": 6})
    ds["mean"][:] = 0.0
    shown = view(ds)
    save(alone(mean_map(shown, shown.slices[0], "")), tmp_path / "a.png")
    ds["mean"][:] = NAN
    assert "undefined everywhere" in mean_map(shown, shown.slices[0], "").words


def test_the_value_of_a_cell_decides_its_colour(tmp_path: Path) -> None:
    ds = field({"y": 6, "x": 6})
    ds["S1"][0], ds["ST"][0] = 0.0, 0.5
    shown = view(ds)
    plate = index_maps(shown, shown.slices[0], 0, "a", 0.5)
    lowest, highest = (mpl.colors.to_hex(mpl.colormaps["viridis"](share)) for share in (0.0, 1.0))
    counts = [coloured(plate, tmp_path / "a.png", colour) for colour in (lowest, highest)]
    assert counts[0] > 5000
    assert counts[0] == pytest.approx(counts[1], rel=0.1)  # both maps, and both ends of the scale


def test_convergence_follows_the_leaders(scalar: Build) -> None:
    share = np.linspace(0.5, 0.01, 9)
    ds = with_looks(scalar(share))
    order = [f"x{i + 1}" for i in range(9)]
    plates = convergence("CD", ds, order)
    assert [plate.caption for plate in plates] == ["ST", "S1", "mean of CD"]
    svg = inline(alone(plates[0]), "a", plates[0].words)
    assert all(f">{name}<" in svg for name in order[:FOLLOWED])
    assert ">x7<" not in svg
    assert ">64<" in svg
    assert ">1,024<" in svg
    assert plates[0].words.startswith("ST from n = 64 to n = 1,024: x1 0.688 to 0.500")


@pytest.mark.parametrize("n_looks", [1, 2, 7, 16, 64])
def test_any_number_of_looks_is_drawn(scalar: Build, tmp_path: Path, n_looks: int) -> None:
    plates = convergence("CD", with_looks(scalar([0.6, NAN]), n_looks), ["x1", "x2"])
    assert coloured(plates[0], tmp_path / "a.png", SERIES[0]) > 20


def test_no_history_is_no_picture(scalar: Build) -> None:
    assert convergence("CD", scalar([0.6]), ["x1"]) == []


def test_the_history_of_a_field_has_no_mean() -> None:
    plates = convergence("theta", with_looks(field({"x": 8})), ["x3", "x2", "x1"])
    assert [plate.caption for plate in plates] == ["ST", "S1"]


def test_names_beside_lines_keep_their_distance_and_their_order() -> None:
    levels = [0.0, 0.0, 0.01, 0.5, 0.98, 0.99, 1.0]
    moved = apart(levels, 0.1)
    assert moved == sorted(moved)
    assert min(np.diff(moved)) >= 0.1 - 1e-12
    assert moved[-1] <= 1.0
    assert moved[3] == 0.5


def test_an_inline_figure_is_a_part_of_a_page(scalar: Build) -> None:
    [plate, *_] = convergence(
        "CD", with_looks(scalar([0.6, 0.2], names=["<a&b>", "$x_1$"])), ["<a&b>", "$x_1$"]
    )
    first, second = (inline(alone(plate), key, 'says "this" & that') for key in ("f1", "f2"))
    root = ET.fromstring(first)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'says "this" & that'
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "<a&b>" in texts
    assert "$x_1$" in texts
    assert "#0072b2" not in first
    assert "var(--series-1)" in first
    assert "font-family" not in first
    assert not re.search(r"(href|url\()[^ ]*http", first)
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', first)) <= ids[0]


def test_a_sheet_holds_every_plate_and_is_reproducible(tmp_path: Path) -> None:
    shown = view(field({"x": 20}))
    plates = [index_lines(shown, shown.slices[0], i, f"name {i}", 1.0) for i in range(3)]
    for name in ("a.svg", "b.svg"):
        save(sheet(plates, "A title that is $odd", "words " * 80, 2), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    figure = sheet(plates, "t", "s", 2)
    boxes = [ax.get_position() for ax in figure.axes]
    assert len(boxes) == 3
    assert all(0 < box.x0 < box.x1 < 1 and 0 < box.y0 < box.y1 < 1 for box in boxes)
    assert boxes[1].x0 > boxes[0].x1
    assert boxes[2].y1 < boxes[0].y0
