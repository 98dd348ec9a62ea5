"""How the estimates settled: every look at a study while it ran, against the bundles it had by then."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from parsl_sa.report.colours import INK, SERIES
from parsl_sa.report.names import distinct
from parsl_sa.report.numbers import number
from parsl_sa.report.plates import Area, Plate, dress
from parsl_sa.results.schema import EFFECTS, INDICES, LOOK, PARAMETER, parameter_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import xarray as xr
    from matplotlib.axes import Axes

    Floats = npt.NDArray[np.float64]
    Curves = tuple[Sequence[str], Floats, Floats]  # names; values and half-widths, shape (looks, names)

WIDTH, HEIGHT = 2.95, 1.85
LEFT, BELOW, ABOVE = 0.5, 0.4, 0.1
FOLLOWED = len(SERIES)
FOLLOWED_NAMES = (*EFFECTS[1::-1], *INDICES[::-1])
LABEL = 13  # letters of a name beside its line
LEAST = 0.11  # inches between two names
_PLAIN = 2e4  # labels of an axis are written out where its ends are at most so many times their difference


def looks(ds: xr.Dataset) -> Floats:
    """Return the number of bundles at every look; empty where the results keep no history."""
    if LOOK not in ds.sizes:
        return np.empty(0)
    return np.asarray(ds[LOOK].values, dtype=np.float64)


def convergence(name: str, ds: xr.Dataset, order: Sequence[str], unit: str = "") -> list[Plate]:
    """Draw S1 and ST, or effects, and the mean against the number of bundles.

    Parameters
    ----------
    name : str
        The quantity.
    ds : xarray.Dataset
        Its results; without a dim `look` there is nothing to draw.
    order : sequence of str
        Parameters, the most important first; as many are followed as there are colours.
    unit : str
        Of the quantity.
    """
    bundles = looks(ds)
    if not bundles.size:
        return []
    names = list(order)[:FOLLOWED]
    places = [parameter_names(ds).index(one) for one in names]
    plates = []
    for key in FOLLOWED_NAMES:
        if f"{key}_look" in ds:
            value, half = (_history(ds, f"{key}{end}", places) for end in ("_look", "_conf_look"))
            plates.append(_plate(key, bundles, (names, value, half), unit if key in EFFECTS else ""))
    if "mean_look" in ds:
        value, half = (_mean_history(ds, key) for key in ("mean_look", "mean_conf_look"))
        plates.append(_plate(f"mean of {name}", bundles, ([""], value, half), unit))
    return plates


def _history(ds: xr.Dataset, key: str, places: list[int]) -> Floats:
    if key not in ds:
        return np.full((ds.sizes[LOOK], len(places)), np.nan)
    history: Floats = ds[key].transpose(LOOK, PARAMETER).values[:, places].astype(np.float64)
    return history


def _mean_history(ds: xr.Dataset, key: str) -> Floats:
    if key not in ds:
        return np.full((ds.sizes[LOOK], 1), np.nan)
    return np.asarray(ds[key].values, dtype=np.float64)[:, None]


def _plate(caption: str, bundles: Floats, curves: Curves, unit: str) -> Plate:
    names, value, half = curves
    ends = [
        f"{one or caption} {number(float(first), 3)} to {number(float(last), 3)}"
        for one, first, last in zip(names, value[0], value[-1], strict=True)
    ]
    words = f"{caption} from n = {bundles[0]:,.0f} to n = {bundles[-1]:,.0f}: {', '.join(ends)}"
    labels = distinct(names, LABEL)
    right = 0.16 + 0.062 * max(map(len, labels), default=0) if any(labels) else 0.12

    def draw(area: Area) -> None:
        ax = area.axes(LEFT, BELOW, WIDTH - LEFT - right, HEIGHT - BELOW - ABOVE)
        _draw(ax, bundles, value, half)
        ax.set_ylabel(f"[{unit}]" if unit not in {"", "1", "-"} else "")
        if any(labels):
            _label(ax, labels, value[-1])

    return Plate(caption, words, WIDTH, HEIGHT, draw)


def _draw(ax: Axes, bundles: Floats, value: Floats, half: Floats) -> None:
    dress(ax)
    for place in range(value.shape[1]):
        colour = SERIES[place % len(SERIES)]
        low, high = value[:, place] - half[:, place], value[:, place] + half[:, place]
        ax.fill_between(bundles, low, high, color=colour, alpha=0.16, linewidth=0)
        ax.plot(bundles, value[:, place], color=colour, linewidth=1.4, marker="o", markersize=2.2)
    ax.set_xlabel("bundles n", labelpad=2)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    bottom, top = _span(value, half)
    ax.set_ylim(bottom, top)
    if max(abs(bottom), abs(top)) < _PLAIN * (top - bottom):  # else labels would be longer than there is room
        ax.ticklabel_format(axis="y", useOffset=False)
    _along(ax, bundles)


def _along(ax: Axes, bundles: Floats) -> None:
    first, last = float(bundles[0]), float(bundles[-1])
    if last < 8.0 * first:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=3, integer=True, min_n_ticks=1))
    else:
        octaves = math.floor(math.log2(last / first))
        ticks = [first * 2.0**k for k in range(0, octaves + 1, -(-octaves // 3))]
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_locator(FixedLocator(ticks))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))


def _span(value: Floats, half: Floats) -> tuple[float, float]:
    """Choose a range that holds the estimates, and the intervals but for the widest early ones."""
    late = slice(value.shape[0] // 2, None)
    ends = np.concatenate([value.ravel(), (value - half)[late].ravel(), (value + half)[late].ravel()])
    ends = ends[np.isfinite(ends)]
    if not ends.size:
        return 0.0, 1.0
    low, high = float(ends.min()), float(ends.max())
    room = 0.05 * (high - low) or max(abs(low) * 0.05, 1e-12)
    return low - room, high + room


def _label(ax: Axes, labels: Sequence[str], ends: Floats) -> None:
    """Write every name beside the end of its line, moved apart where they would touch."""
    low, high = ax.get_ylim()
    height = ax.get_position().height * ax.figure.get_size_inches()[1]  # type: ignore[union-attr]
    known = [place for place in range(len(labels)) if math.isfinite(ends[place])]
    known.sort(key=lambda place: ends[place])
    spread = apart([(ends[place] - low) / (high - low) for place in known], LEAST / height)
    for place, level in zip(known, spread, strict=True):
        start = (ends[place] - low) / (high - low)
        colour = SERIES[place % len(SERIES)]
        ax.plot(
            [1.0, 1.03], [start, level], transform=ax.transAxes, color=colour, linewidth=0.9, clip_on=False
        )
        ax.text(
            1.04,
            level,
            labels[place],
            transform=ax.transAxes,
            va="center",
            fontsize=7.5,
            color=INK,
            parse_math=False,
        )


def apart(levels: Sequence[float], least: float) -> list[float]:
    """Move rising levels between 0 and 1 until neighbours are so far apart.

    Examples
    --------
    >>> [round(level, 2) for level in apart([0.0, 0.01, 0.9], 0.1)]
    [0.0, 0.1, 0.9]
    >>> [round(level, 2) for level in apart([0.95, 0.99], 0.1)]
    [0.9, 1.0]
    """
    moved: list[float] = []
    for level in levels:
        moved.append(max(level, moved[-1] + least) if moved else max(level, 0.0))
    ceiling = 1.0
    for place in range(len(moved) - 1, -1, -1):
        moved[place] = min(moved[place], ceiling)
        ceiling = moved[place] - least
    return moved
