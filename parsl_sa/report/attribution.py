"""Attribution maps: a base input, what each of its cells explains laid over it, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from parsl_sa.records import CASE
from parsl_sa.report.colours import GREY, INK, UNDEFINED
from parsl_sa.report.effects.order import is_exact
from parsl_sa.report.names import named, shorten, told
from parsl_sa.report.numbers import number
from parsl_sa.report.plates import Plate
from parsl_sa.results.attribution import AXES, attribution
from parsl_sa.results.schema import aggregated_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes

    from parsl_sa.report.plates import Area
    from parsl_sa.results.attribution import Masked

    Floats = npt.NDArray[np.float64]

SIDE, GAP, ROOM, ABOVE, BELOW = 1.75, 0.18, 0.5, 0.22, 0.1  # inches
OVERLAY, FEW_PIXELS = 0.62, 4  # opacity over the image; none of it shows where a cell has so few pixels
MAPS, CHANGES = "viridis", "RdBu_r"
_TABLED = {"S1", "ST", "effect", "undefined"}
NOTE = (
    "Each map is laid over the input that it explains, one colour a cell of the mask; beside it stands the "
    "half-width of its interval. Grey cells are undefined: the output does not vary. Maps of several inputs "
    "share their colours."
)


@dataclass(frozen=True)
class Look:
    """One index as a map.

    Parameters
    ----------
    key, title : str
        Its variable, and what is written above it.
    signed : bool
        Whether its colours run to both sides of 0.
    """

    key: str
    title: str
    signed: bool = False


INDICES = (Look("ST", "ST: with interactions"), Look("S1", "S1: by itself"))
EFFECTS = (Look("effect", "effect of taking a cell away", signed=True),)


def attribution_plates(
    ds: xr.Dataset, mask: Masked, pictures: npt.NDArray[np.uint8] | None, most: int
) -> list[Plate]:
    """Draw the maps of the first base inputs of a quantity.

    Parameters
    ----------
    ds : xarray.Dataset
        A scalar quantity, or one over the axis `case` alone.
    mask : Masked
        Whose cells are explained.
    pictures : ndarray of uint8, shape (n, height, width, 3), or None
        The first base inputs as they look.
    most : int
        Base inputs drawn at most.
    """
    looks = [look for look in (*INDICES, *EFFECTS) if look.key in ds]
    if not looks:
        return []
    maps = attribution(ds, mask)
    if CASE not in ds.dims:
        image = None if pictures is None else pictures[0]
        return [_plate(told(ds), maps, looks, mask, image)]
    shown = maps.isel({CASE: slice(0, most)})
    tops = {look.key: _top(shown[look.key].values) for look in looks}
    together = [Look(aggregated_name(look.key), look.title) for look in looks]
    whole = [look for look in together if look.key in maps]
    plates = [_plate(f"all {ds.sizes[CASE]:,} together", maps, whole, mask, None)] if whole else []
    for place in range(shown.sizes[CASE]):
        image = pictures[place] if pictures is not None and place < len(pictures) else None
        plates.append(_plate(named(ds, place), maps.isel({CASE: place}), looks, mask, image, tops=tops))
    return plates


def _plate(
    caption: str,
    maps: xr.Dataset,
    looks: list[Look],
    mask: Masked,
    image: npt.NDArray[np.uint8] | None,
    *,
    tops: Mapping[str, float] | None = None,
) -> Plate:
    """Draw the maps of one base input, on a scale that others may share."""
    ends = {look.key: (tops or {}).get(look.key, _top(_of_cells(maps, look.key))) for look in looks}
    shape = image.shape[:2] if image is not None else (8 * mask.grid[0], 8 * mask.grid[-1])
    cells = mask.pixels((int(shape[0]), int(shape[1])))
    ratio = min(max(shape[0] / shape[1], 0.3), 2.0)
    width, height = (SIDE, SIDE * ratio) if ratio <= 1 else (SIDE / ratio, SIDE)
    n_panels = (image is not None) + 2 * len(looks)

    def draw(area: Area) -> None:
        left = 0.05
        if image is not None:
            ax = area.axes(left, BELOW, width, height)
            ax.imshow(image, interpolation="nearest")
            _quiet(ax, "input")
            left += width + GAP
        for look in looks:
            for key, title, signed in _panels(look, exact=is_exact(maps)):
                ax = area.axes(left, BELOW, width, height)
                scale = (-ends[look.key] if signed else 0.0, ends[look.key])
                _overlay(ax, _of_cells(maps, key), cells, image, signed=signed, scale=scale)
                _quiet(ax, title)
                _bar(area, left + width + 0.04, height, scale, signed=signed)
                left += width + ROOM

    return Plate(
        shorten(caption, 100),
        f"{caption}: {'; '.join(_words(maps, looks, mask))}".removeprefix(": "),
        0.1 + n_panels * width + (image is not None) * GAP + 2 * len(looks) * ROOM,
        BELOW + height + ABOVE,
        draw,
    )


def _panels(look: Look, *, exact: bool) -> Iterator[tuple[str, str, bool]]:
    yield look.key, look.title, look.signed
    yield f"{look.key}_conf", "± 0: exact" if exact else "± half-width", False


def _of_cells(maps: xr.Dataset, key: str) -> Floats:
    if key not in maps:
        return np.full(int(np.prod([maps.sizes[axis] for axis in AXES if axis in maps.sizes])), np.nan)
    return np.asarray(maps[key].values, np.float64).ravel()


def _top(values: Floats) -> float:
    """Return the end of the colours: the largest magnitude, and 1 where nothing differs from 0."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size and finite.max() > 0.0 else 1.0


def _overlay(
    ax: Axes,
    values: Floats,
    cells: npt.NDArray[np.int64] | None,
    image: npt.NDArray[np.uint8] | None,
    *,
    signed: bool,
    scale: tuple[float, float],
) -> None:
    """Lay values over an image; where they are undefined, grey."""
    if cells is None:
        ax.text(0.5, 0.5, "the file of\nsegments is gone", transform=ax.transAxes, ha="center", color=GREY)
        return
    low, high = scale
    shares = np.clip((values - low) / (high - low), 0.0, 1.0)
    colours = mpl.colormaps[CHANGES if signed else MAPS](np.nan_to_num(shares))[:, :3]
    colours[~np.isfinite(values)] = mpl.colors.to_rgb(UNDEFINED)
    picture = colours[cells]
    if image is not None:
        grey = image.mean(axis=-1, keepdims=True) / 255.0
        opacity = OVERLAY if cells.size > FEW_PIXELS * values.size else 1.0
        picture = opacity * picture + (1.0 - opacity) * grey
    ax.imshow(picture, interpolation="nearest")


def _quiet(ax: Axes, title: str) -> None:
    ax.set_title(title, loc="left", fontsize=8, color=INK, pad=3, parse_math=False)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def _bar(area: Area, left: float, height: float, scale: tuple[float, float], *, signed: bool) -> None:
    ax = area.axes(left, BELOW, 0.07, height)
    steps = np.linspace(0.0, 1.0, 128)[:, None]
    ax.imshow(
        mpl.colormaps[CHANGES if signed else MAPS](steps),
        extent=(0, 1, *scale),
        origin="lower",
        aspect="auto",
    )
    ax.set_xticks([])
    ax.yaxis.tick_right()
    ax.set_yticks([scale[0], sum(scale) / 2, scale[1]])
    ax.set_yticklabels([number(value, 2) for value in (scale[0], sum(scale) / 2, scale[1])])
    ax.tick_params(colors=GREY, labelsize=6.5, length=0, pad=2)
    ax.spines[:].set_visible(False)


def _words(maps: xr.Dataset, looks: list[Look], mask: Masked) -> Iterator[str]:
    """Say where the largest value of each index lies."""
    for look in looks:
        values = _of_cells(maps, look.key)
        if not np.isfinite(values).any():
            yield f"{look.key} is undefined everywhere"
            continue
        if not np.nan_to_num(values).any():
            yield f"{look.key} is 0 everywhere: no cell changes it"
            continue
        place = int(np.nanargmax(np.abs(values)))
        half = _of_cells(maps, f"{look.key}_conf")[place]
        sure = f" ± {number(float(half), 1)}" if np.isfinite(half) else ""
        yield f"{look.key} is largest in {mask.names[place]}, {number(float(values[place]), 2)}{sure}"


def table(ds: xr.Dataset, mask: Masked) -> pd.DataFrame:
    """Return every index of every cell as a table: one row a base input and cell."""
    maps = attribution(ds, mask)
    keys = [str(name) for name in maps.data_vars if str(name).partition("_")[0] in _TABLED]
    return maps[keys].to_dataframe().reset_index()
