"""The figures of a quantity, grouped: how its estimates settled, and its field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from parsl_sa.report.convergence import FOLLOWED, FOLLOWED_NAMES, convergence, looks
from parsl_sa.report.effects.bars import SHOWN as BARS_SHOWN
from parsl_sa.report.effects.bars import effect_bars
from parsl_sa.report.effects.tables import NOTE, OVER_CELLS
from parsl_sa.report.fields import SLICES, View, view
from parsl_sa.report.inline_svg import inline
from parsl_sa.report.lines import index_lines, mean_line, sd_line
from parsl_sa.report.maps import index_maps, mean_map, sd_map
from parsl_sa.report.plates import Plate, alone
from parsl_sa.results.schema import PARAMETER, cell_dims, is_field, parameter_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr

    from parsl_sa.report.effects.order import Effects

TOP, PLATES = 6, 12  # parameters shown at once, and plates that they may take
PARAMETERS, ALL_PLATES = 24, 48  # the same with those behind "more", all fields of a study together
PIXELS = 1_600_000  # of all maps of a page together: a few megabytes
TIMES = " \u00d7 "
SMALLEST, LARGEST = 64, 256  # points along a side of a map


@dataclass(frozen=True)
class Group:
    """Plates that belong together.

    Parameters
    ----------
    kind : str
        ``"convergence"``, ``"effects"``, ``"lines"`` or ``"maps"``.
    title : str
        Their heading.
    notes : tuple of str
        What is shown and what is not.
    shown, more : tuple of Plate
        At once, and on demand.
    columns : int
        Plates in a row that belong side by side; 0 where as many as fit.
    names : tuple of str
        Parameters in the order of their plates, `shown` first.
    n_top : int
        How many of them are in `shown`.
    marks : tuple of str
        What else a legend must explain: ``"masked"``, ``"undefined"``.
    view : View, optional
        The layout, where it is a field.
    """

    kind: str
    title: str
    notes: tuple[str, ...]
    shown: tuple[Plate, ...]
    more: tuple[Plate, ...] = ()
    columns: int = 0
    names: tuple[str, ...] = ()
    n_top: int = 0
    marks: tuple[str, ...] = ()
    view: View | None = None


class Inliner:
    """Turns plates into SVG for a page, with identifiers that no other figure of the page has."""

    def __init__(self) -> None:
        self._drawn = 0

    def inline(self, plate: Plate) -> Markup:
        """Draw a plate."""
        self._drawn += 1
        svg = inline(alone(plate), f"f{self._drawn}", f"{plate.caption}. {plate.words}")
        return Markup(svg)  # noqa: S704 - made here; every text in it has been escaped


def history(name: str, ds: xr.Dataset, order: Sequence[str]) -> Group | None:
    """Group the pictures of convergence; None where the results keep no history."""
    plates = convergence(name, ds, order, str(ds.attrs.get("unit", "")))
    if not plates:
        return None
    bundles = looks(ds)
    reach = f"from n = {bundles[0]:,.0f} to n = {bundles[-1]:,.0f} bundles"
    followed = (*FOLLOWED_NAMES, "mean")
    halves = [ds[f"{key}_conf_look"] for key in followed if f"{key}_conf_look" in ds]
    known = any(bool(np.isfinite(half.values).any()) for half in halves)
    bands = "bands are intervals" if known else "too few replicates for intervals"
    notes = [f"{bundles.size} looks, {reach}; {bands}."]
    if is_field(ds):
        notes.append("Of the aggregated indices.")
    if len(order) > FOLLOWED:
        largest = "effect" if "effect" in ds else "ST"
        notes.append(f"The {FOLLOWED} parameters of largest {largest}; the others are in the CSV.")
    return Group("convergence", "How the estimates settled", tuple(notes), tuple(plates))


def effect_group(found: Effects, *, field: bool) -> Group:
    """Group the bars of the effects of a quantity."""
    notes = [NOTE, OVER_CELLS] if field else [NOTE]
    if len(found.names) > BARS_SHOWN:
        notes.append(
            f"The {BARS_SHOWN} of {len(found.names):,} parameters of largest magnitude; all are in the CSV."
        )
    caption = f"Effects [{found.unit}]" if found.unit else "Effects"
    return Group(
        "effects", "Effects of one parameter at a time", tuple(notes), (effect_bars(caption, found),)
    )


def share_out(datasets: Mapping[str, xr.Dataset]) -> dict[str, tuple[int, int]]:
    """Share pictures and pixels between the fields of a study.

    Returns
    -------
    dict of str to tuple of int
        Of every field: how many parameters are shown in all, and points along the side of a map.
    """
    fields = {name: ds for name, ds in datasets.items() if is_field(ds)}
    shares = {}
    for name, ds in fields.items():
        n_slices = len(view(ds).slices)
        n_parameters = ds.sizes.get(PARAMETER, 0)
        shown = min(
            n_parameters, max(_top(n_slices), min(PARAMETERS, ALL_PLATES // (len(fields) * n_slices)))
        )
        side = math.sqrt(PIXELS / (len(fields) * n_slices * (2 + 2 * shown)))
        shares[name] = shown, int(min(max(side, SMALLEST), LARGEST))
    return shares


def field_group(ds: xr.Dataset, order: Sequence[str], n_parameters: int, side: int) -> Group:
    """Group the pictures of a field: mean and spread, then the indices of every parameter shown.

    Parameters
    ----------
    ds : xarray.Dataset
        The field.
    order : sequence of str
        Parameters, the most important first.
    n_parameters : int
        How many are shown in all.
    side : int
        Points along the side of a map, at most.
    """
    shown = view(ds, side)
    unit = str(ds.attrs.get("unit", ""))
    names = tuple(order[:n_parameters])
    places = [parameter_names(ds).index(name) for name in names]
    highest = _highest(shown, places)
    plates: list[Plate] = []
    for draw in (mean_map, sd_map) if shown.is_map else (mean_line, sd_line):
        plates += [draw(shown, part, unit) for part in shown.slices]
    draw_indices = index_maps if shown.is_map else index_lines
    by_parameter = [
        [draw_indices(shown, part, place, name, highest) for part in shown.slices]
        for place, name in zip(places, names, strict=True)
    ]
    top = min(_top(len(shown.slices)), len(names))
    return Group(
        "maps" if shown.is_map else "lines",
        "Over its cells" if shown.is_map else f"Along {shown.axes[0].name}",
        tuple(_notes(shown, len(order), len(names), top)),
        tuple(plates + [plate for row in by_parameter[:top] for plate in row]),
        tuple(plate for row in by_parameter[top:] for plate in row),
        _columns(shown),
        names,
        top,
        _marks(ds),
        shown,
    )


def _columns(shown: View) -> int:
    """Return how many plates stand side by side so that a row is one parameter; 0 where that is no matter."""
    n_slices = len(shown.slices)
    return n_slices if 1 < n_slices <= (2 if shown.is_map else SLICES) else 0


def _top(n_slices: int) -> int:
    return max(2, min(TOP, PLATES // n_slices))


def _highest(shown: View, places: Sequence[int]) -> float:
    """Return the end of the common scale: the largest ST, its interval included where that is drawn."""
    ends = ("ST",) if shown.is_map else ("ST", "ST_high")
    tops = [
        float(np.nanmax(values))
        for place in places
        for part in shown.slices
        for end in ends
        if np.isfinite(values := shown.read(end, part, place)).any()
    ]
    return min(max([0.1, *[1.04 * top for top in tops]]), 1.0 if shown.is_map else 1.15)


def _notes(shown: View, d: int, n_shown: int, n_top: int) -> list[str]:
    notes = []
    if shown.coarse:
        block = TIMES.join(str(size) for size in shown.sizes)
        notes.append(
            f"Each point is the mean of up to {block} cells; masked and undefined cells are left out of it."
        )
    if shown.n_slices > len(shown.slices):
        dims = [dim for dim in cell_dims(shown.ds) if dim not in {axis.name for axis in shown.axes}]
        notes.append(f"{len(shown.slices)} of {shown.n_slices:,} slices along {', '.join(dims)} are shown.")
    if d > n_shown:
        files = f"; the files hold the first {n_top}" if n_top < n_shown else ""
        notes.append(
            f"The {n_shown} parameters of {d:,} whose ST of the whole field is largest{files}. In single "
            "cells others may matter more; all are in results.zarr."
        )
    if shown.is_map and n_shown:
        notes.append(
            "One scale for all indices; estimates below 0 or above its end take the colour of the end."
        )
    return notes


def _marks(ds: xr.Dataset) -> tuple[str, ...]:
    marks: list[str] = []
    if "masked" in ds and bool(ds["masked"].any()):
        marks.append("masked")
    if "undefined" in ds and bool(ds["undefined"].any()):
        marks.append("undefined")
    return tuple(marks)
