"""Fields over two axes: mean, spread, and the indices of a parameter side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from parsl_sa.report.colours import GREY, HATCH, HATCH_PAPER, INK, SEQUENTIAL, SHARES, UNDEFINED
from parsl_sa.report.names import shorten
from parsl_sa.report.numbers import number
from parsl_sa.report.plates import Area, Plate, dress

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from parsl_sa.report.fields import Axis, Slice, View

    Floats = npt.NDArray[np.float64]

WIDTH = 4.7  # inches of a plate
PAIR, TALLEST = 1.72, 2.3  # width of one map of two; height of any
LEFT, BELOW, ABOVE, SCALE, GAP = 0.56, 0.38, 0.2, 0.5, 0.2
PIXELS = 256  # along an axis whose cells differ in size


def mean_map(view: View, part: Slice, unit: str) -> Plate:
    """Draw the mean."""
    return _one_map(view, part, view.read("mean", part), "mean", unit)


def sd_map(view: View, part: Slice, unit: str) -> Plate:
    """Draw the standard deviation."""
    sd = np.sqrt(np.maximum(view.read("variance", part), 0.0))
    return _one_map(view, part, sd, "standard deviation", unit)


def _one_map(view: View, part: Slice, values: Floats, what: str, unit: str) -> Plate:
    width, height = box(view, WIDTH - LEFT - SCALE)
    colours = _spanned(values)

    def draw(area: Area) -> None:
        ax = area.axes(LEFT, BELOW, width, height)
        _map(ax, view, part, values, colours)
        _scale(area, LEFT + width + 0.07, height, colours)

    label = f" [{unit}]" if unit not in {"", "1", "-"} else ""
    return Plate(
        _caption(f"{what}{label}", part), f"{what} {_told(values)}", WIDTH, BELOW + height + 0.04, draw
    )


def index_maps(view: View, part: Slice, parameter: int, name: str, highest: float) -> Plate:
    """Draw S1 beside ST of a parameter on one scale.

    Parameters
    ----------
    view, part : View, Slice
        What to draw.
    parameter : int
        Its place in the dataset.
    name : str
        Its name.
    highest : float
        End of the colours, the same for all parameters; they start at 0.
    """
    shares = {key: view.read(key, part, parameter) for key in ("S1", "ST")}
    width, height = box(view, PAIR)
    colours = Colours(SHARES, 0.0, highest)

    def draw(area: Area) -> None:
        for place, (key, values) in enumerate(shares.items()):
            ax = area.axes(LEFT + place * (width + GAP), BELOW, width, height)
            _map(ax, view, part, values, colours)
            _titled(ax, key, named=place == 0)
        _scale(area, LEFT + 2 * width + GAP + 0.07, height, colours)

    words = f"{name}: " + "; ".join(f"{key} {_told(values)}" for key, values in shares.items())
    return Plate(
        _caption(shorten(name, 40), part),
        words,
        WIDTH,
        BELOW + height + ABOVE,
        draw,
    )


def box(view: View, widest: float) -> tuple[float, float]:
    """Return width and height of a map in inches: the shape of the field, within bounds."""
    down, across = (float(axis.edges[-1] - axis.edges[0]) for axis in view.axes)
    alike = len({axis.label.partition("[")[2] for axis in view.axes}) == 1
    ratio = min(max(down / across, 0.25), 4.0) if alike else 0.7
    width = min(widest, TALLEST / ratio)
    return width, width * ratio


@dataclass(frozen=True)
class Colours:
    """Which colour stands for which value.

    Parameters
    ----------
    name : str
        The colours, as Matplotlib calls them.
    low, high : float
        Values of the first and of the last.
    """

    name: str
    low: float
    high: float

    def of(self, values: Floats) -> Floats:
        """Return red, green, blue and opacity, from 0 to 1, along a last axis of 4."""
        shares = np.ma.masked_invalid((values - self.low) / (self.high - self.low))
        return np.asarray(mpl.colormaps[self.name](shares), dtype=np.float64)


def _map(ax: Axes, view: View, part: Slice, values: Floats, colours: Colours) -> None:
    rows, columns = (_places(view, axis) for axis in (0, 1))
    drawn, masked = values[rows][:, columns], view.masked(part)[rows][:, columns]
    extent = (view.edges(1)[0], view.edges(1)[-1], view.edges(0)[0], view.edges(0)[-1])
    options = {"extent": extent, "origin": "lower", "aspect": "auto", "interpolation": "none"}
    if masked.any():
        whole = Rectangle((0, 0), 1, 1, transform=ax.transAxes, facecolor=HATCH_PAPER, edgecolor=HATCH)
        whole.set(hatch="//////", linewidth=0, zorder=0)
        ax.add_patch(whole)
    picture = colours.of(drawn)
    picture[~np.isfinite(drawn), :3] = to_rgb(UNDEFINED)
    picture[~np.isfinite(drawn), 3] = 1.0
    picture[masked, 3] = 0.0  # the hatching shows
    ax.imshow(np.round(255 * picture).astype(np.uint8), **options)  # type: ignore[arg-type]
    dress(ax)
    ax.grid(visible=False)
    if view.axes[0].counted and not view.axes[0].texts:
        ax.invert_yaxis()  # rows count downwards, as in a matrix or an image
    _ticks(ax.xaxis, view.axes[1])
    _ticks(ax.yaxis, view.axes[0])
    ax.set_xlabel(view.axes[1].label, labelpad=1)
    ax.set_ylabel(view.axes[0].label, labelpad=3)


def _places(view: View, axis: int) -> npt.NDArray[np.intp]:
    """Return which point every pixel shows: one each where they are alike, else the nearest."""
    edges = view.edges(axis)
    steps = np.diff(edges)
    if np.allclose(steps, steps[0], rtol=1e-3):
        return np.arange(steps.size)
    middles = edges[0] + (edges[-1] - edges[0]) * (np.arange(PIXELS) + 0.5) / PIXELS
    places: npt.NDArray[np.intp] = np.searchsorted(edges[1:-1], middles, side="right")
    return places


def _titled(ax: Axes, title: str, *, named: bool) -> None:
    ax.set_title(title, loc="left", fontsize=8, color=INK, pad=3, parse_math=False)
    if not named:
        ax.set_ylabel("")
        ax.tick_params(labelleft=False)


def _ticks(direction: mpl.axis.Axis, axis: Axis) -> None:
    if axis.texts:
        step = -(-len(axis.texts) // 5)
        direction.set_ticks(np.arange(0, len(axis.texts), step), [shorten(t, 8) for t in axis.texts[::step]])
    else:
        direction.set_major_locator(
            MaxNLocator(nbins=4, steps=[1, 2, 5, 10], integer=axis.counted, min_n_ticks=1)
        )


def _scale(area: Area, left: float, height: float, colours: Colours) -> None:
    """Draw the colours and what they stand for."""
    ax = area.axes(left, BELOW, 0.09, height)
    low, high = colours.low, colours.high
    steps = colours.of(np.linspace(low, high, 128))[:, None, :]
    ax.imshow(steps, extent=(0, 1, low, high), origin="lower", aspect="auto", interpolation="none")
    ax.set_xticks([])
    ax.yaxis.tick_right()
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    ax.tick_params(colors=GREY, labelsize=7, length=0, pad=2)
    ax.spines[:].set_visible(False)
    ax.yaxis.offsetText.set(fontsize=6.5, color=GREY, ha="left")


def _spanned(values: Floats) -> Colours:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    room = 0.0 if high > low else max(abs(low), 1.0) * 1e-3
    return Colours(SEQUENTIAL, low - room, high + room)


def _told(values: Floats) -> str:
    if not np.isfinite(values).any():
        return "undefined everywhere"
    return f"from {number(float(np.nanmin(values)), 3)} to {number(float(np.nanmax(values)), 3)}"


def _caption(text: str, part: Slice) -> str:
    return f"{text} · {part.label}" if part.label else text
