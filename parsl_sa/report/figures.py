"""Pictures of a study, drawn without pyplot: nothing global is kept and no display is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from parsl_sa.report.colours import BAND, COLOURS, GREY, GRID, INK
from parsl_sa.report.dependence import DEPENDENT_LABELS, LABELS, plain
from parsl_sa.report.names import shorten, two_lines
from parsl_sa.report.panels import Panel, caption, left_out, order, panel, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import xarray as xr
    from matplotlib.axes import Axes

SHOWN = 25
LABEL_WIDTH = 26
BAR = 0.36
NARROWEST = 6.4  # inches: the title block needs them
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "parsl-sa",  # the same results give the same file
}


@dataclass(frozen=True)
class Sheet:
    """Where things stand, in inches: the room a parameter takes does not depend on how many there are.

    Parameters
    ----------
    n_panels, n_shown : int
        Panels, and parameters in each.
    left : float
        Room for the names of the parameters.
    below : float
        Room under a panel for its axis.
    footer : float
        Room under everything.
    """

    n_panels: int
    n_shown: int
    left: float
    below: float
    footer: float

    header: float = 0.9
    above: float = 0.36
    gap: float = 0.35
    right: float = 0.3

    @property
    def columns(self) -> int:
        """Panels side by side, 4 at most, as even as can be."""
        return math.ceil(self.n_panels / math.ceil(self.n_panels / 4))

    @property
    def panel_size(self) -> tuple[float, float]:
        """Width and height of a panel."""
        width = max(4.6, NARROWEST - self.left - self.right) if self.columns == 1 else 2.7
        return width, 0.27 * max(self.n_shown, 3)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the whole."""
        width, height = self.panel_size
        rows = math.ceil(self.n_panels / self.columns)
        across = self.left + self.columns * width + (self.columns - 1) * self.gap + self.right
        return max(across, NARROWEST), self.header + rows * (self.above + height + self.below) + self.footer

    def rectangle(self, place: int) -> tuple[float, float, float, float]:
        """Return left, bottom, width and height of a panel as shares of the whole."""
        row, column = divmod(place, self.columns)
        (width, height), (across, down) = self.panel_size, self.size
        left = self.left + column * (width + self.gap)
        top = self.header + row * (self.above + height + self.below) + self.above
        return left / across, 1.0 - (top + height) / down, width / across, height / down


def indices_figure(
    datasets: Mapping[str, xr.Dataset],
    path: Path,
    title: str | None = None,
    attrs: Mapping[str, Any] | None = None,
    limit: int = SHOWN,
) -> None:
    """Write the picture of `draw_indices`; the suffix says the format (``.png``, ``.svg``, ``.pdf``).

    Raises
    ------
    ValueError
        If no quantity has indices.
    """
    figure = draw_indices(datasets, title, attrs, limit)
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure.savefig(
            path, dpi=200, facecolor="white", metadata={"Date": None} if path.suffix == ".svg" else None
        )


def draw_indices(
    datasets: Mapping[str, xr.Dataset],
    title: str | None = None,
    attrs: Mapping[str, Any] | None = None,
    limit: int = SHOWN,
) -> Figure:
    """Draw S1 and ST with their intervals, one panel a quantity, the parameters in one common order.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        One a quantity. A field shows the median over its cells and a line from their 5th to their 95th
        percentile. Quantities without indices are left out.
    title : str, optional
        Default: the study's name.
    attrs : mapping, optional
        Provenance for the line under the title; default: what the datasets carry.
    limit : int
        Parameters shown, those of the largest ST in any panel; a note counts the others.

    Raises
    ------
    ValueError
        If no quantity has indices.
    """
    panels = [made for name, ds in plain(datasets).items() if (made := panel(name, ds)) is not None]
    if not panels:
        raise ValueError("none of the outputs has sensitivity indices; there is nothing to draw")
    attrs = next(iter(datasets.values())).attrs if attrs is None else attrs
    names = order(panels)
    title = title or str(attrs.get("name") or "Sobol' indices")
    with mpl.rc_context(STYLE):
        return _figure(panels, names[:limit], left_out(panels, names[limit:]), title, caption(panels, attrs))


def _figure(panels: Sequence[Panel], names: Sequence[str], more: str, title: str, subtitle: str) -> Figure:
    figure = Figure()
    FigureCanvasAgg(figure)
    labels = [two_lines(name, LABEL_WIDTH) for name in names]
    left = _widest(figure, [*labels, more.partition(",")[0]]) + 0.3
    below = 0.7 if any(shown.note for shown in panels) else 0.55
    sheet = Sheet(len(panels), len(names), left, below, footer=0.3 if more else 0.05)
    figure.set_size_inches(sheet.size)
    common = span(panels, names)
    for place, shown in enumerate(panels):
        ax = figure.add_axes(sheet.rectangle(place))
        ax.set_xlim(common)
        ax.set_ylim(len(names) - 0.4, -0.6)  # the largest on top
        _frame(ax, shown, labels if place % sheet.columns == 0 else [""] * len(labels), sheet.panel_size[0])
        _draw(ax, shown, names)
    _head(figure, sheet, title, subtitle)
    _legend(figure, sheet, DEPENDENT_LABELS if any(shown.dependent for shown in panels) else LABELS)
    if more:
        figure.text(0.15 / sheet.size[0], 0.14 / sheet.size[1], more, fontsize=8, color=GREY)
    return figure


def _widest(figure: Figure, labels: Sequence[str]) -> float:
    """Measure labels in inches, as they will be drawn."""
    drawn = [figure.text(0, 0, label, fontsize=_size(label), parse_math=False) for label in labels]
    width = max(text.get_window_extent().width for text in drawn) / figure.dpi
    for text in drawn:
        text.remove()
    return float(width)


def _size(label: str) -> float:
    return 6.8 if "\n" in label else 8.5


def _head(figure: Figure, sheet: Sheet, title: str, subtitle: str) -> None:
    across, down = sheet.size
    left = 0.15 / across
    short = shorten(title, int(8.5 * across))
    figure.text(left, 1 - 0.33 / down, short, fontsize=13, fontweight="bold", color=INK, parse_math=False)
    figure.text(left, 1 - 0.56 / down, subtitle, fontsize=8.5, color=GREY, parse_math=False)


def _legend(figure: Figure, sheet: Sheet, words: Mapping[str, str]) -> None:
    across, down = sheet.size
    figure.legend(
        handles=[Patch(color=COLOURS[key], label=words[key]) for key in COLOURS],
        loc="upper left",
        bbox_to_anchor=(0.15 / across, 1 - 0.65 / down),
        ncols=2,
        frameon=False,
        fontsize=8.5,
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=1.2,
        handleheight=0.8,
    )


def _frame(ax: Axes, shown: Panel, labels: Sequence[str], width: float) -> None:
    heading = two_lines(shown.title, int(10 * width))
    size = 8.5 if "\n" in heading else 10.5
    ax.set_title(heading, loc="left", fontsize=size, fontweight="bold", color=INK, parse_math=False)
    ax.set_xlabel("\n".join(filter(None, ["share of the variance", shown.note])), color=GREY, fontsize=8)
    ax.set_yticks(range(len(labels)), labels)
    for label in ax.get_yticklabels():
        label.set(parse_math=False, fontsize=_size(label.get_text()), linespacing=0.95)
    for place in range(1, len(labels), 2):
        ax.axhspan(place - 0.5, place + 0.5, color=BAND, zorder=0, linewidth=0)
    ax.grid(axis="x", color=GRID, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], prune="upper"))
    ax.tick_params(axis="x", colors=GREY, labelsize=8, length=0)
    ax.tick_params(axis="y", colors=INK, length=0, pad=6)
    ax.spines[:].set_visible(False)
    ax.axvline(0.0, color=INK, linewidth=0.8, zorder=4)


def _draw(ax: Axes, shown: Panel, names: Sequence[str]) -> None:
    if shown.constant:
        words = "constant output:\nindices undefined"
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color=GREY, style="italic")
        return
    for key, offset in (("ST", -BAR / 2), ("S1", BAR / 2)):
        _draw_index(ax, shown, key, names, offset)
    for place in np.flatnonzero(~np.isfinite(shown.pick("ST", names)[0])):
        ax.text(0.0, float(place), "  undefined", va="center", color=GREY, style="italic", fontsize=7.5)


def _draw_index(ax: Axes, shown: Panel, key: str, names: Sequence[str], offset: float) -> None:
    value, low, high = shown.pick(key, names)
    rows = np.arange(len(names)) + offset
    start, end = ax.get_xlim()
    drawn = np.isfinite(value)
    ax.barh(rows[drawn], value[drawn], height=BAR, color=COLOURS[key], zorder=2, linewidth=0)
    lined = drawn & np.isfinite(low) & np.isfinite(high)
    first, last = np.maximum(low, start)[lined], np.minimum(high, end)[lined]
    ax.hlines(rows[lined], first, last, color=INK, linewidth=0.9, zorder=3)
    for bound in () if shown.note else (low, high):  # caps mark an interval; a range over cells has none
        capped = lined & (bound >= start) & (bound <= end)
        ax.vlines(bound[capped], rows[capped] - 0.1, rows[capped] + 0.1, color=INK, linewidth=0.9, zorder=3)
    ends = (np.fmin(value, low) < start, start, "<"), (np.fmax(value, high) > end, end, ">")
    for beyond, edge, marker in ends:
        cut = rows[drawn & beyond]
        ax.plot(np.full(cut.size, edge), cut, marker, color=INK, markersize=3.5, clip_on=False, zorder=5)
