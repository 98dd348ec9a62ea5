"""Small pictures of one thing each: alone on a page that finds them a place, or together on a sheet."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from parsl_sa.report.colours import GREY, GRID, INK
from parsl_sa.report.names import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

TITLE, GAP, MARGIN, LINE = 0.28, 0.16, 0.15, 0.165  # inches
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "parsl-sa",  # the same results give the same file
    "hatch.linewidth": 0.8,
}
DPI = 160


@dataclass(frozen=True)
class Area:
    """A rectangle of a figure.

    Parameters
    ----------
    figure : Figure
        Where it lies.
    left, bottom : float
        Its lower left corner, in inches.
    """

    figure: Figure
    left: float = 0.0
    bottom: float = 0.0

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Add axes at a place of the area, in inches."""
        across, down = self.figure.get_size_inches()
        place = ((self.left + left) / across, (self.bottom + bottom) / down, width / across, height / down)
        return self.figure.add_axes(place)


@dataclass(frozen=True)
class Plate:
    """One small picture.

    Parameters
    ----------
    caption : str
        What it is of, in a few words.
    words : str
        What it shows, for who cannot see it.
    width, height : float
        Its size in inches.
    draw : callable
        Draws it into an `Area` of that size.
    """

    caption: str
    words: str
    width: float
    height: float
    draw: Callable[[Area], None]


def alone(plate: Plate) -> Figure:
    """Draw a plate as a figure of its own, without its caption."""
    with mpl.rc_context(STYLE):
        figure = _figure(plate.width, plate.height)
        plate.draw(Area(figure))
    return figure


def sheet(
    plates: Sequence[Plate], title: str, subtitle: str, columns: int, legend: Sequence[Patch] = ()
) -> Figure:
    """Draw plates side by side, each under its caption.

    Parameters
    ----------
    plates : sequence of Plate
        At least one; the widest sets the columns, the tallest of a row its height.
    title, subtitle : str
        Stand at the top.
    columns : int
        Plates in a row at most.
    legend : sequence of Patch
        What colours and hatching mean, where the plates do not say so themselves.
    """
    columns = min(columns, len(plates))
    wide = max(plate.width for plate in plates)
    across = max(columns * (wide + GAP) + 2 * MARGIN, 6.4)
    lines = textwrap.wrap(subtitle, int(14.5 * across))
    header = 0.5 + LINE * len(lines) + (0.24 if legend else 0.0)
    rows = [plates[start : start + columns] for start in range(0, len(plates), columns)]
    heights = [TITLE + max(plate.height for plate in row) + GAP for row in rows]
    down = header + sum(heights) + MARGIN
    with mpl.rc_context(STYLE):
        figure = _figure(across, down)
        _write(figure, MARGIN, down - 0.36, shorten(title, int(8.5 * across)), size=13, weight="bold")
        for place, line in enumerate(lines):
            _write(figure, MARGIN, down - 0.57 - LINE * place, line, size=8.5, colour=GREY)
        _explain(figure, legend, down - header + 0.22)
        top = down - header
        for row, height in zip(rows, heights, strict=True):
            for column, plate in enumerate(row):
                left = MARGIN + column * (wide + GAP)
                short = shorten(plate.caption, int(12 * plate.width))
                _write(figure, left, top - 0.16, short, size=8.5, weight="bold")
                plate.draw(Area(figure, left, top - TITLE - plate.height))
            top -= height
    return figure


def _explain(figure: Figure, legend: Sequence[Patch], top: float) -> None:
    if not legend:
        return
    across, down = figure.get_size_inches()
    figure.legend(
        handles=list(legend),
        loc="upper left",
        bbox_to_anchor=(MARGIN / across, top / down),
        ncols=len(legend),
        frameon=False,
        fontsize=8.5,
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=1.6,
        handleheight=0.8,
        labelcolor=GREY,
    )


def save(figure: Figure, path: Path) -> None:
    """Write a figure into a file; the suffix says the format."""
    with mpl.rc_context(STYLE):
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=DPI, facecolor="white", metadata=metadata)


def dress(ax: Axes) -> None:
    """Give axes the look of the house: a grid, no box, small quiet labels."""
    ax.patch.set_alpha(0.0)
    ax.spines[:].set_visible(False)
    ax.grid(axis="y", color=GRID, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.tick_params(colors=GREY, labelsize=7.5, length=0, pad=3)
    ax.xaxis.label.set(color=GREY, fontsize=7.5, parse_math=False)
    ax.yaxis.label.set(color=GREY, fontsize=7.5, parse_math=False)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def _write(
    figure: Figure,
    left: float,
    bottom: float,
    text: str,
    *,
    size: float,
    colour: str = INK,
    weight: str = "normal",
) -> None:
    across, down = figure.get_size_inches()
    figure.text(
        left / across, bottom / down, text, fontsize=size, color=colour, fontweight=weight, parse_math=False
    )
