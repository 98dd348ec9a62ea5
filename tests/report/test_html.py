"""The report in a real browser: every figure is there, nothing is loaded, nothing complains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr

from parsl_sa.report.page import write
from parsl_sa.report.page.write import write_report
from support import browser
from support.fields import field, with_looks
from support.requirements import require_program

if TYPE_CHECKING:
    from pathlib import Path

NAN = np.nan
Build = Callable[..., xr.Dataset]
Datasets = dict[str, xr.Dataset]
Make = Callable[[Build], Datasets]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def two(scalar: Build) -> Datasets:
    return {"CD": with_looks(scalar([0.8, 0.15], names=["alpha", "Re"])), "CL": scalar([0.5, 0.5])}


def two_hundred(scalar: Build) -> Datasets:
    share = np.random.default_rng(0).dirichlet(np.full(200, 0.2))
    names = [f"encoder.layers.{i // 20}.weight[{i % 20}]" for i in range(200)]
    return {"loss": with_looks(scalar(share, half=0.01, names=names))}


def lines(scalar: Build) -> Datasets:
    chord = {"side": ["upper", "lower"], "x": ("x", np.linspace(0, 1, 24) ** 2, {"units": "chord"})}
    fields = {
        "theta": with_looks(field({"side": 2, "x": 24}, 3, masked=[5, 6, 7], constant=[30], coords=chord)),
        "modes": field({"mode": 4}, 2, coords={"mode": ["bend", "twist", "sway", "heave"]}),
        "one": field({"x": 1}, 2),
    }
    return {**fields, "CL": scalar([0.7, 0.2])}


def maps(scalar: Build) -> Datasets:
    hole = field({"y": 30, "x": 40}, 2, masked=range(200, 420), constant=range(700, 720))
    hole["ST"][0, 2, 3] = NAN
    return {"T": hole, "volume": field({"z": 3, "y": 12, "x": 10}, 2), "CL": scalar([0.7, 0.2])}


def unfinished(scalar: Build) -> Datasets:
    return {"CD": with_looks(scalar([0.7, 0.2], half=NAN), n_looks=3), "still": scalar([NAN, NAN])}


# Made of what, in the dark or not, unfolded or not (200 rows on a phone are too long for one picture).
CASES = [
    (two, False, True),
    (two, True, True),
    (two_hundred, False, False),
    (lines, False, True),
    (maps, True, True),
    (unfinished, False, True),
]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    require_program(browser.PROGRAM)
    return tmp_path


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the files out, which `page/test_write.py` looks at: they take as long as the page."""
    monkeypatch.setattr(write, "write_group", lambda folder, stem, *_, **__: [f"{stem}.csv"])


def written(make: Make, work: Path, scalar: Build, attrs: dict[str, Any]) -> Path:
    if make is unfinished:
        attrs = attrs | {"finished": False, "n_used": 192, "n_replicates": 3}
    return write_report(make(scalar), attrs, work / "report")


@pytest.mark.parametrize(("make", "dark", "unfold"), CASES)
def test_a_page_opens_whole(
    work: Path, scalar: Build, attrs: dict[str, Any], *, make: Make, dark: bool, unfold: bool
) -> None:
    page = written(make, work, scalar, attrs)
    text = page.read_text(encoding="utf-8")
    seen = browser.look(page, work, dark=dark, unfold=unfold)
    assert seen.console == []
    paper = float(seen.pixels[2, 2].mean())
    assert paper < 0.2 if dark else paper > 0.9
    for frame, width in zip(seen.frames, browser.WIDTHS, strict=True):
        assert frame["inner"] == width
        assert frame["width"] <= width  # nothing hangs over the edge
        assert frame["twice"] == []
        assert frame["missing"] == []
        assert all(name.startswith("data:") for name in frame["loaded"])
        assert len(frame["figures"]) == text.count('class="plot"') + text.count('class="drawn"') > 0
        assert all(figure["label"] for figure in frame["figures"] if figure["kind"] == "plot")
        shown = [figure for figure in frame["figures"] if figure["shown"]]
        assert shown == frame["figures"] or not unfold
        assert shown
        for figure in shown:
            assert ink(seen.pixels, figure) > 0.01, figure


def ink(pixels: np.ndarray[Any, Any], figure: dict[str, Any]) -> float:
    """Return the spread of the colours within a figure: 0 where it is blank."""
    left, top = round(figure["left"]), round(figure["top"])
    right, bottom = round(figure["left"] + figure["width"]), round(figure["top"] + figure["height"])
    inside = pixels[top:bottom, left:right]
    return float(inside.reshape(-1, 3).std(axis=0).max()) if inside.size else 0.0


def test_the_file_itself_opens_without_a_word(work: Path, scalar: Build, attrs: dict[str, Any]) -> None:
    dom, console = browser.run(written(two, work, scalar, attrs), work, "--dump-dom")
    assert console == []
    assert "<h1>airfoil</h1>" in dom


def test_the_looking_glass_sees_faults(work: Path, scalar: Build, attrs: dict[str, Any]) -> None:
    page = written(two, work, scalar, attrs)
    text = page.read_text(encoding="utf-8")
    faulty = text.replace("</main>", '<p style="width: 3000px">wide</p><svg class="plot"></svg></main>')
    page.write_text(faulty.replace("</head>", '<script src="https://example.org/x.js"></script></head>'))
    seen = browser.look(page, work)
    assert any("Content Security Policy" in line for line in seen.console)
    assert seen.frames[1]["width"] > 400
    assert ink(seen.pixels, seen.frames[0]["figures"][-1]) < 0.01
