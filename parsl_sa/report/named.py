"""A field whose cells have names, such as the classes of a classifier: one line a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from parsl_sa.records import CASE
from parsl_sa.report.effects.order import effects
from parsl_sa.report.moments import moment_pairs
from parsl_sa.report.names import named
from parsl_sa.report.numbers import MISSING, align, index, number
from parsl_sa.report.ranking import rank
from parsl_sa.results.schema import EFFECTS, cell_dims, named_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from rich.console import RenderableType

SHOWN = 12


def named_table(ds: xr.Dataset, limit: int | None = SHOWN) -> list[RenderableType]:
    """Show mean, standard deviation and the parameter of the largest ST of every named cell.

    Parameters
    ----------
    ds : xarray.Dataset
        One quantity.
    limit : int, optional
        Names shown; None shows all.

    Returns
    -------
    list of rich renderable
        Empty where cells have no names.

    Examples
    --------
    >>> import xarray as xr
    >>> len(named_table(xr.Dataset({"mean": ("class", [1.0, 2.0])}, {"class": ["cat", "dog"]})))
    2
    """
    found = _base_inputs(ds) or named_cells(ds)
    if found is None:
        return []
    dim, names = found
    order = wrong_first(ds) if dim == CASE else list(range(len(names)))
    order = order if limit is None else order[:limit]
    shown = [names[place] for place in order]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(dim, overflow="fold", min_width=5, max_width=24)
    for title in ("mean", "sd"):
        table.add_column(title, no_wrap=True)
    table.add_column("largest effect" if EFFECTS[1] in ds else "largest ST", overflow="fold")
    cells = [ds.isel({dim: place}) for place in order]
    for name, cell, largest in zip(shown, cells, _largest(cells), strict=True):
        told = dict(moment_pairs(cell))
        table.add_row(
            *(Text(text) for text in (name, *(_either(told, key) for key in ("mean", "sd")), largest))
        )
    more = [Text(f"… and {len(names) - len(shown)} more")] if len(shown) < len(names) else []
    return [Text(), table, *more]


def _base_inputs(ds: xr.Dataset) -> tuple[str, tuple[str, ...]] | None:
    """Name the base inputs of a quantity that has one value each, where something is known of them."""
    if cell_dims(ds) != (CASE,) or not {"label", "predicted"} & set(ds.coords):
        return None
    return CASE, tuple(named(ds, place) for place in range(ds.sizes[CASE]))


def wrong_first(ds: xr.Dataset) -> list[int]:
    """Order base inputs: those that the model is wrong about first, else as they stand.

    Examples
    --------
    >>> import xarray as xr
    >>> coords = {"label": ("case", ["cat", "dog"]), "predicted": ("case", ["cat", "cat"])}
    >>> wrong_first(xr.Dataset({"mean": ("case", [0.1, 0.2])}, coords))
    [1, 0]
    """
    if not {"label", "predicted"} <= set(ds.coords):
        return list(range(ds.sizes[CASE]))
    right: list[bool] = (ds["label"] == ds["predicted"]).values.tolist()
    return sorted(range(len(right)), key=lambda place: right[place])


def _either(told: Mapping[str, str], key: str) -> str:
    """Return a moment, or that of the base points where there is no other."""
    return told.get(key, told.get(f"base {key}", MISSING))


def _largest(cells: list[xr.Dataset]) -> list[str]:
    """Write the first parameter of the ranking of each cell and its ST, the numbers aligned."""
    if EFFECTS[1] in cells[0]:
        found = [effects(cell) for cell in cells]
        return [f"{number(one.largest, 3)} {one.names[0]}" if one and one.known else MISSING for one in found]
    ranked = [rank(cell) for cell in cells]
    first = [one if one is not None and np.isfinite(one.ST[0]) else None for one in ranked]
    numbers = iter(align([index(one.ST[0], one.ST_conf[0]) for one in first if one is not None]))
    return [MISSING if one is None else f"{next(numbers)} {one.names[0]}" for one in first]
