from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import image

from parsl_sa.report.figures import COLOURS, Sheet, indices_figure
from parsl_sa.report.panels import HIGHEST, LOWEST, caption, left_out, order, panel, span

if TYPE_CHECKING:
    from pathlib import Path

NAN = np.nan
Build = Callable[..., xr.Dataset]


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def coloured(path: Path, colour: str) -> int:
    """Count the pixels of a colour."""
    pixels = image.imread(path)[..., :3]
    return int((np.abs(pixels - np.array(mpl.colors.to_rgb(colour))).max(axis=-1) < 0.01).sum())


@pytest.mark.parametrize(("d", "n_outputs"), [(1, 1), (2, 1), (8, 3), (23, 4), (60, 2), (5, 7)])
def test_a_picture_has_bars_of_both_indices(
    tmp_path: Path, scalar: Build, attrs: dict[str, object], d: int, n_outputs: int
) -> None:
    rng = np.random.default_rng(d)
    names = [f"layer.weights[{i}].a_name_that_is_long" for i in range(d)]
    datasets = {f"q{i}": scalar(rng.dirichlet(np.ones(d)), names=names) for i in range(n_outputs)}
    path = tmp_path / "report" / "indices.png"
    indices_figure(datasets, path, attrs=attrs)
    assert image.imread(path).std() > 0.05
    # ST = 1 in all and S1 = 0.9 ST: their areas show it, whiskers and limits of the axes aside
    assert coloured(path, COLOURS["ST"]) > coloured(path, COLOURS["S1"]) > 500


def test_the_length_of_a_bar_is_its_share(tmp_path: Path, scalar: Build) -> None:
    areas = []
    for share in (0.25, 0.5):
        ds = scalar([1.0, share], S1=[0.0, 0.0], half=NAN)
        indices_figure({"y": ds}, tmp_path / "f.png")
        areas.append(coloured(tmp_path / "f.png", COLOURS["ST"]))
    # smoothed edges, the zero line and the patch of the legend are a few per cent of the area
    assert areas[1] / areas[0] == pytest.approx(1.5 / 1.25, rel=0.03)


def test_odd_values_are_drawn_without_a_warning(tmp_path: Path, scalar: Build, field: Build) -> None:
    names = ["wide", "$broken \\frac", "x_{2}", "d"]
    datasets = {
        "odd": scalar([0.7, NAN, 0.3, 5.0], S1=[0.6, NAN, -3.0, 0.1], half=[0.9, NAN, NAN, 9.0], names=names),
        "constant $": scalar([NAN] * 4, names=names),
        "field": field(64, 4).assign_coords(parameter=names),
        "moments": scalar([0.1])[["mean"]],
    }
    indices_figure(datasets, tmp_path / "odd.png", title="a study $of")
    assert image.imread(tmp_path / "odd.png").std() > 0.02


def test_everything_constant_is_still_a_picture(tmp_path: Path, scalar: Build) -> None:
    indices_figure({"y": scalar([NAN, NAN])}, tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_the_suffix_says_the_format_and_the_file_is_reproducible(tmp_path: Path, scalar: Build) -> None:
    for name in ("a.svg", "b.svg"):
        indices_figure({"y": scalar([0.7, 0.3])}, tmp_path / name)
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_nothing_to_draw_is_an_error(tmp_path: Path, scalar: Build) -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        indices_figure({"y": scalar([0.7])[["mean"]]}, tmp_path / "f.png")


def test_nothing_global_is_left(tmp_path: Path, scalar: Build) -> None:
    before = dict(mpl.rcParams)
    indices_figure({"y": scalar([0.7])}, tmp_path / "f.png")
    assert dict(mpl.rcParams) == before


def test_parameters_stand_in_one_order_by_their_largest_total_index(scalar: Build) -> None:
    panels = [panel("a", scalar([0.5, 0.1, NAN])), panel("b", scalar([0.2, 0.7, NAN]))]
    shown = [made for made in panels if made is not None]
    assert order(shown) == ["x2", "x1", "x3"]
    assert left_out(shown, ["x1", "x3"]) == "… and 2 more, each ST below 0.51"
    assert left_out(shown, ["x3"]) == "… and 1 more"
    assert left_out(shown, []) == ""


def test_an_axis_never_runs_far_beyond_what_a_share_can_be(scalar: Build) -> None:
    wild = panel("a", scalar([0.5, 0.1], half=30.0))
    tame = panel("b", scalar([0.05, 0.01], half=0.001))
    assert wild is not None
    assert tame is not None
    assert span([wild], ["x1", "x2"]) == (LOWEST, HIGHEST)
    low, high = span([tame], ["x1", "x2"])
    assert low == 0.0
    assert high == 0.1


def test_the_caption_says_what_the_whiskers_are(scalar: Build, attrs: dict[str, object]) -> None:
    with_intervals, without = panel("a", scalar([0.5])), panel("a", scalar([0.5], half=NAN))
    assert with_intervals is not None
    assert without is not None
    assert (
        caption([with_intervals], attrs) == "4094 of 4096 bundles · azzini-rosati · whiskers: 95 % interval"
    )
    assert "no intervals" in caption([without], attrs)


@pytest.mark.parametrize("n_panels", [1, 2, 3, 4, 5, 9])
def test_panels_stay_on_the_sheet_and_apart(n_panels: int) -> None:
    sheet = Sheet(n_panels, 25, left=2.0, below=0.6, footer=0.3)
    boxes = [sheet.rectangle(place) for place in range(n_panels)]
    for left, bottom, width, height in boxes:
        assert left > 0
        assert bottom > 0
        assert left + width < 1
        assert bottom + height < 1
    for i, (left, bottom, width, height) in enumerate(boxes):
        for other_left, other_bottom, *_ in boxes[i + 1 :]:
            assert other_left >= left + width or other_bottom + height <= bottom
