"""Effects as bars with their intervals, one plate a quantity: each has a unit and a scale of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from parsl_sa.report.colours import COLOURS, GREY, GRID, INK
from parsl_sa.report.effects.order import Effects, effects
from parsl_sa.report.names import distinct
from parsl_sa.report.numbers import number
from parsl_sa.report.plates import Area, Plate, dress, sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Floats = npt.NDArray[np.float64]

SHOWN = 25
LABEL = 24  # letters of a name
WIDTH, ROW = 6.0, 0.21  # inches
BELOW, ABOVE, RIGHT, LETTER = 0.42, 0.08, 0.15, 0.072
# The wide bar is the magnitude, the narrow one on it has a sign.
BARS = (("effect_abs", COLOURS["ST"], 0.72), ("effect", COLOURS["S1"], 0.32))


def effect_bars(caption: str, found: Effects, limit: int = SHOWN) -> Plate:
    """Draw the mean magnitude of every effect, the mean effect on it, and the intervals of both.

    Parameters
    ----------
    caption : str
        What stands above it.
    found : Effects
        With at least one number.
    limit : int
        Parameters shown.
    """
    n_shown = min(limit, len(found.names))
    names = distinct(found.names[:n_shown], LABEL)
    left = 0.15 + LETTER * max(map(len, names))
    height = BELOW + ROW * n_shown + ABOVE
    first = f"{found.names[0]} {number(float(found.effect_abs[0]), 3)}"
    words = f"bars of {len(found.names)} effects; the largest is that of {first}"

    def draw(area: Area) -> None:
        ax = area.axes(left, BELOW, WIDTH - left - RIGHT, ROW * n_shown)
        _frame(ax, names, found.unit)
        for bar in BARS:
            _draw(ax, found, bar, n_shown)

    return Plate(caption, words, WIDTH, height, draw)


def legend() -> list[Patch]:
    """Return what the colours mean."""
    words = {"effect_abs": "effect_abs, mean magnitude", "effect": "effect, mean with its sign"}
    return [Patch(color=colour, label=words[key]) for key, colour, _ in BARS]


def draw_effects(datasets: Mapping[str, xr.Dataset], attrs: Mapping[str, Any]) -> Figure:
    """Draw the effects of all quantities on one sheet.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        One a quantity; those without effects are left out.
    attrs : mapping
        Provenance.

    Raises
    ------
    ValueError
        If no quantity has effects.
    """
    plates = [
        effect_bars(f"{name} [{found.unit}]" if found.unit else name, found)
        for name, ds in datasets.items()
        if (found := effects(ds)) is not None and found.known
    ]
    if not plates:
        raise ValueError("none of the outputs has effects; there is nothing to draw")
    title = str(attrs.get("name") or "Effects")
    return sheet(plates, title, "Effects of one parameter at a time.", 1, legend())


def _frame(ax: Axes, names: list[str], unit: str) -> None:
    dress(ax)
    ax.grid(visible=False)
    ax.grid(axis="x", color=GRID, linewidth=0.7)
    ax.set_ylim(len(names) - 0.4, -0.6)  # the largest on top
    ax.set_yticks(range(len(names)), names)
    for label in ax.get_yticklabels():
        label.set(parse_math=False, color=INK)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    ax.set_xlabel(f"effect [{unit}]" if unit else "effect", color=GREY, labelpad=2)
    ax.axvline(0.0, color=INK, linewidth=0.8, zorder=4)


def _draw(ax: Axes, found: Effects, bar: tuple[str, str, float], n_shown: int) -> None:
    key, colour, width = bar
    value, low, high = (getattr(found, f"{key}{end}")[:n_shown] for end in ("", "_low", "_high"))
    rows = np.arange(n_shown)
    known = np.isfinite(value)
    ax.barh(rows[known], value[known], height=width, color=colour, zorder=2, linewidth=0)
    lined = known & np.isfinite(low) & np.isfinite(high)
    ax.hlines(rows[lined], low[lined], high[lined], color=INK, linewidth=0.9, zorder=3)
    for bound in (low, high):
        ax.vlines(bound[lined], rows[lined] - 0.12, rows[lined] + 0.12, color=INK, linewidth=0.9, zorder=3)
