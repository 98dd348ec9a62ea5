"""The folder of a report: the page as text, and the files beside it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr
from matplotlib import image

from parsl_sa.report.page.pictures import TIMES
from parsl_sa.report.page.write import write_report
from support.fields import field, with_looks

if TYPE_CHECKING:
    from pathlib import Path

NAN = np.nan
Build = Callable[..., xr.Dataset]


class Page(HTMLParser):
    """What a page refers to, how its elements nest, and the text in it."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.resources: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        for name in ("src", "href", "xlink:href", "srcset", "data", "poster", "action"):
            if given.get(name):
                (self.links if tag == "a" else self.resources).append(str(given[name]))
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(int(tag[1]))
        if tag == "svg" and given.get("role") != "img" and given.get("aria-hidden") != "true":
            self.faults.append("a picture without words")
        if tag == "th" and "scope" not in given:
            self.faults.append("a table header without a scope")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def datasets(scalar: Build) -> dict[str, xr.Dataset]:
    return {
        "CD": with_looks(scalar([0.7, 0.2, NAN], names=["alpha", "Re<script>", "idle"])),
        "L/D": scalar([0.5, 0.4, 0.1], names=["alpha", "Re<script>", "idle"]),
        "theta": with_looks(field({"x": 10}, masked=[3], constant=[7])),
        "T": field({"y": 9, "x": 9}, masked=[0]),
    }


@pytest.fixture(scope="module")
def report(datasets: dict[str, xr.Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report on all kinds of quantities."""
    dropped = [{"bundle": 3, "reason": "non-finite CD"}]
    attrs = {"name": "airfoil", "n_planned": 4096, "n_used": 4095, "n_replicates": 16, "dropped": dropped}
    attrs |= {"estimator": "azzini-rosati", "level": 0.95, "finished": True}
    return write_report(datasets, attrs, tmp_path_factory.mktemp("study") / "report").parent


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_page_is_whole_and_refers_to_nothing_elsewhere(report: Path) -> None:
    path = report / "index.html"
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.faults == []
    assert page.open == []
    assert page.resources
    assert all(one.startswith(("data:", "#")) for one in page.resources)
    assert "@import" not in text
    assert "<script" not in text
    outside = [one for one in page.links if "://" in one]
    assert all(one.startswith("https://doi.org/10.") for one in outside)
    files = [one for one in page.links if "://" not in one and not one.startswith("#")]
    assert len(files) > 12
    assert all((path.parent / name).is_file() for name in files)
    assert {one.name for one in path.parent.iterdir()} == {path.name, *files}
    assert page.headings[0] == 1
    assert max(np.diff(page.headings)) <= 1


def test_the_answer_comes_before_everything_else(report: Path) -> None:
    words = " ".join(Page((report / "index.html").read_text(encoding="utf-8")).words.split())
    assert (
        words.index("of the variance (first order)")
        < words.index("Dropped bundles")
        < words.index("How to read this")
    )
    assert "non-finite CD" in words
    assert "±" in words


def test_what_the_user_named_cannot_break_the_page(tmp_path: Path, scalar: Build) -> None:
    evil = '"><script>alert(1)</script>&{{ 1 }}'
    ds = with_looks(scalar([0.7, 0.2], names=[evil, "b"], units=[evil, ""], name=evil, unit=evil))
    attrs = {"name": evil, "n_used": 1, "dropped": [{"bundle": 1, "reason": evil}], "hardware": {evil: evil}}
    page = Page(write_report({evil: ds}, attrs, tmp_path).read_text(encoding="utf-8"))
    assert page.faults == []
    assert page.open == []
    assert evil in page.words


def test_a_study_without_indices_or_provenance_has_a_page(tmp_path: Path, scalar: Build) -> None:
    ds = scalar([0.5])[["mean", "variance", "minimum", "maximum"]].drop_vars("parameter", errors="ignore")
    page = Page(write_report({"y": ds}, {}, tmp_path).read_text(encoding="utf-8"))
    assert page.faults == []
    assert "This design carries no sensitivity indices" in page.words
    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]


def test_every_figure_is_there_as_png_svg_and_csv(report: Path) -> None:
    stems = {path.stem for path in report.iterdir()} - {"index"}
    assert stems == {"indices", "CD-convergence", "theta-field", "theta-convergence", "T-field"}
    for stem in stems:
        assert image.imread(report / f"{stem}.png").std() > 0.03
        assert (report / f"{stem}.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_the_csv_files_hold_what_the_figures_show(report: Path, datasets: dict[str, xr.Dataset]) -> None:
    indices = read(report / "indices.csv")
    assert len(indices) == 3 + 3 + 3 + 3
    assert (indices[0]["output"], indices[0]["parameter"], indices[0]["rank_last"]) == ("CD", "alpha", "1")
    assert float(indices[0]["ST_high"]) == pytest.approx(0.71)
    assert indices[2]["undefined"] == "True"
    history = read(report / "CD-convergence.csv")
    assert len(history) == 16 * (1 + 2 * 3)
    assert history[0] == {
        "n": "64",
        "statistic": "mean",
        "parameter": "",
        "value": "0.0191234",
        "half_width": "nan",
    }
    line, ds = read(report / "theta-field.csv"), datasets["theta"]
    assert [row["x"] for row in line] == [str(i) for i in range(10)]
    assert float(line[2]["ST x2"]) == pytest.approx(float(ds["ST"][1, 2]), rel=1e-4)
    assert line[3]["mean"] == "nan"
    cells, ds = read(report / "T-field.csv"), datasets["T"]
    assert len(cells) == 81
    assert float(cells[80]["S1 x3"]) == pytest.approx(float(ds["S1"][2, 8, 8]), rel=1e-4)


def test_a_large_map_is_drawn_from_means_and_says_so(tmp_path: Path, attrs: dict[str, Any]) -> None:
    path = write_report({"T": field({"y": 600, "x": 500}, 2)}, attrs, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert f"Each point is the mean of up to 3{TIMES}2 cells" in text
    assert len(text) < 4e6


def test_a_report_is_made_again_over_an_older_one(
    tmp_path: Path, scalar: Build, attrs: dict[str, Any]
) -> None:
    first = write_report({"y": scalar([0.5, 0.2])}, attrs, tmp_path).read_bytes()
    assert write_report({"y": scalar([0.5, 0.2])}, attrs, tmp_path).read_bytes() == first


def test_colours_of_text_stand_out_from_the_page(
    tmp_path: Path, scalar: Build, attrs: dict[str, Any]
) -> None:
    text = write_report({"y": scalar([0.5])}, attrs, tmp_path).read_text(encoding="utf-8")
    light, dark = (block.partition("}")[0] for block in text.split(":root {")[1:3])
    for block in (light, dark):
        colours = dict(one.strip().split(": ") for one in block.split(";") if one.strip().startswith("--"))
        for name in ("--ink", "--muted", "--link"):
            for ground in ("--paper", "--soft"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        assert contrast(colours["--warn"], colours["--warn-paper"]) >= 4.5
        for series in ("--series-1", "--series-6"):  # S1 and ST
            assert contrast(colours[series], colours["--paper"]) >= 2.0
        assert contrast(colours["--series-1"], colours["--series-6"]) >= 1.3  # apart in grey too


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colours' luminances as WCAG defines it."""
    levels = []
    for colour in (one, other):
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        levels.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    return (max(levels) + 0.05) / (min(levels) + 0.05)
