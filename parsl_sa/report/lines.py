"""Fields along one axis: mean, spread, and the indices of a parameter, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from parsl_sa.report.colours import COLOURS, HATCH, HATCH_PAPER, INK, SERIES, UNDEFINED
from parsl_sa.report.names import shorten
from parsl_sa.report.numbers import number
from parsl_sa.report.plates import Area, Plate, dress

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from parsl_sa.report.fields import Slice, View

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Curve = tuple[str, Floats, Floats, Floats]  # colour, value, low, high

WIDTH, HEIGHT = 2.95, 1.6
LEFT, BELOW, ABOVE, RIGHT = 0.5, 0.4, 0.08, 0.1
DOTS = 12  # that many cells or fewer are dots, not a line


def mean_line(view: View, part: Slice, unit: str) -> Plate:
    """Draw the mean, a band of one standard deviation about it, and the extrema where they are known."""
    mean = view.read("mean", part)
    sd = np.sqrt(np.maximum(view.read("variance", part), 0.0))
    extremes = [view.read(name, part) for name in ("minimum", "maximum")]
    words = f"mean along {view.axes[0].label}: {_told(view, mean)}"

    def draw(area: Area) -> None:
        ax = _axes(area, view, part, mean)
        for extreme in extremes:
            ax.plot(view.centres(0), extreme, color=SERIES[0], linewidth=0.7, linestyle=(0, (2, 2)))
        _curves(ax, view, [(SERIES[0], mean, mean - sd, mean + sd)])
        ax.set_ylabel(f"[{unit}]" if unit not in {"", "1", "-"} else "")

    return Plate(_caption("mean ± sd, min, max", part), words, WIDTH, HEIGHT, draw)


def sd_line(view: View, part: Slice, unit: str) -> Plate:
    """Draw the standard deviation with its interval."""
    roots = [np.sqrt(np.maximum(view.read(f"variance{end}", part), 0.0)) for end in ("", "_low", "_high")]
    words = f"standard deviation along {view.axes[0].label}: {_told(view, roots[0])}"

    def draw(area: Area) -> None:
        ax = _axes(area, view, part, roots[0])
        _curves(ax, view, [(SERIES[0], roots[0], roots[1], roots[2])])
        ax.set_ylim(bottom=0.0)
        ax.set_ylabel(f"[{unit}]" if unit not in {"", "1", "-"} else "")

    return Plate(_caption("standard deviation", part), words, WIDTH, HEIGHT, draw)


def index_lines(view: View, part: Slice, parameter: int, name: str, highest: float) -> Plate:
    """Draw S1 and ST of a parameter with their intervals.

    Parameters
    ----------
    view, part : View, Slice
        What to draw.
    parameter : int
        Its place in the dataset.
    name : str
        Its name.
    highest : float
        End of the vertical axis, the same for all parameters.
    """
    curves = [_curve(view, part, key, parameter) for key in ("ST", "S1")]
    words = (
        f"{name} along {view.axes[0].label}: S1 {_told(view, curves[1][1])}; ST {_told(view, curves[0][1])}"
    )

    def draw(area: Area) -> None:
        ax = _axes(area, view, part, curves[0][1])
        ax.axhline(0.0, color=INK, linewidth=0.7)
        _curves(ax, view, curves)
        ax.set_ylim(-0.04 * highest, highest)

    return Plate(_caption(shorten(name, 34), part), words, WIDTH, HEIGHT, draw)


def _curve(view: View, part: Slice, key: str, parameter: int) -> Curve:
    value, low, high = (view.read(f"{key}{end}", part, parameter) for end in ("", "_low", "_high"))
    return COLOURS[key], value, low, high


def _axes(area: Area, view: View, part: Slice, values: Floats) -> Axes:
    ax = area.axes(LEFT, BELOW, WIDTH - LEFT - RIGHT, HEIGHT - BELOW - ABOVE)
    edges = view.edges(0)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel(view.axes[0].label, labelpad=2)
    _absent(ax, edges, view.masked(part), values)
    dress(ax)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    texts = view.axes[0].texts
    if texts:
        step = -(-len(texts) // 6)
        ax.set_xticks(np.arange(0, len(texts), step), [shorten(text, 9) for text in texts[::step]])
    else:
        ax.xaxis.set_major_locator(
            MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=view.axes[0].counted, min_n_ticks=1)
        )
    return ax


def _curves(ax: Axes, view: View, curves: list[Curve]) -> None:
    centres = view.centres(0)
    as_dots = bool(view.axes[0].texts) or centres.size <= DOTS
    for colour, value, low, high in curves:
        if as_dots:
            ax.vlines(centres, low, high, color=colour, linewidth=1.2, alpha=0.6)
            ax.plot(centres, value, "o", color=colour, markersize=3.2, markeredgewidth=0)
        else:
            ax.fill_between(centres, low, high, color=colour, alpha=0.22, linewidth=0)
            ax.plot(centres, value, color=colour, linewidth=1.5, solid_joinstyle="round")
            _lonely(ax, centres, value, colour)


def _lonely(ax: Axes, centres: Floats, value: Floats, colour: str) -> None:
    """Show as dots the points that have no neighbour, which a line would not show."""
    known = np.pad(np.isfinite(value), 1)
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    ax.plot(centres[alone], value[alone], "o", color=colour, markersize=2.5, markeredgewidth=0)


def _absent(ax: Axes, edges: Floats, masked: Flags, values: Floats) -> None:
    """Hatch stretches of masked cells, shade those whose value is undefined."""
    for first, last in _stretches(masked):
        ax.axvspan(
            edges[first],
            edges[last],
            facecolor=HATCH_PAPER,
            edgecolor=HATCH,
            hatch="////",
            linewidth=0,
            zorder=0,
        )
    for first, last in _stretches(~np.isfinite(values) & ~masked):
        ax.axvspan(edges[first], edges[last], color=UNDEFINED, alpha=0.45, linewidth=0, zorder=0)


def _stretches(flags: Flags) -> list[tuple[int, int]]:
    """Return first and last edge of every run of flags.

    Examples
    --------
    >>> _stretches(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    turns = np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1)))
    return [(int(first), int(last)) for first, last in turns.reshape(-1, 2)]


def _told(view: View, values: Floats) -> str:
    if not np.isfinite(values).any():
        return "undefined everywhere"
    axis, centres, top = view.axes[0], view.centres(0), int(np.nanargmax(values))
    where = axis.texts[top] if axis.texts else number(float(centres[top]), 3)
    return (
        f"from {number(float(np.nanmin(values)), 3)} to {number(float(np.nanmax(values)), 3)}, "
        f"largest at {where}"
    )


def _caption(text: str, part: Slice) -> str:
    return f"{text} · {part.label}" if part.label else text
