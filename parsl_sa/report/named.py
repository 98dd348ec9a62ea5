"""A field whose cells have names, such as the classes of a classifier: one line a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from parsl_sa.report.moments import moment_pairs
from parsl_sa.report.numbers import MISSING, align, index
from parsl_sa.report.ranking import rank
from parsl_sa.results.schema import named_cells

if TYPE_CHECKING:
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
    named = named_cells(ds)
    if named is None:
        return []
    dim, names = named
    shown = names if limit is None else names[:limit]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(dim, overflow="fold", min_width=5, max_width=24)
    for title in ("mean", "sd"):
        table.add_column(title, no_wrap=True)
    table.add_column("largest ST", overflow="fold")
    cells = [ds.isel({dim: place}) for place in range(len(shown))]
    if rank(ds) is None and "mean" not in ds:  # effects, which the maps and the CSV list
        return []
    for name, cell, largest in zip(shown, cells, _largest(cells), strict=True):
        told = dict(moment_pairs(cell))
        table.add_row(
            *(Text(text) for text in (name, told.get("mean", MISSING), told.get("sd", MISSING), largest))
        )
    more = [Text(f"… and {len(names) - len(shown)} more")] if len(shown) < len(names) else []
    return [Text(), table, *more]


def _largest(cells: list[xr.Dataset]) -> list[str]:
    """Write the first parameter of the ranking of each cell and its ST, the numbers aligned."""
    ranked = [rank(cell) for cell in cells]
    first = [one if one is not None and np.isfinite(one.ST[0]) else None for one in ranked]
    numbers = iter(align([index(one.ST[0], one.ST_conf[0]) for one in first if one is not None]))
    return [MISSING if one is None else f"{next(numbers)} {one.names[0]}" for one in first]
