"""Effects as a table of the console, and as the rows of one on a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from parsl_sa.report.bar import Bar
from parsl_sa.report.fitting import Fitting
from parsl_sa.report.numbers import MISSING, align, measured, number, on_the_point

if TYPE_CHECKING:
    from rich.console import RenderableType

    from parsl_sa.report.effects.order import Effects

COLUMNS = ("effect", "effect_abs", "effect_sd")
NOTE = (
    "What the output loses where the parameter alone changes: effect on average, effect_abs in magnitude, "
    "effect_sd over base points."
)
OVER_CELLS = "Means over the cells."


def effect_table(found: Effects, limit: int | None, *, field: bool) -> RenderableType:
    """Show effects, the largest magnitude first.

    Parameters
    ----------
    found : Effects
        Of one quantity.
    limit : int, optional
        Parameters shown; the rest is summed up in a line. None shows all.
    field : bool
        Whether they are means over cells.
    """
    shown = len(found.names) if limit is None else min(limit, len(found.names))
    layouts = [_layout(found, shown, columns) for columns in (COLUMNS, COLUMNS[:2])]
    unit = f" In {found.unit}." if found.unit else ""
    note = f"{NOTE}{unit}{f' {OVER_CELLS}' if field else ''}"
    return Group(Fitting(layouts), *_more(found, shown), Text(note))


def effect_texts(found: Effects, shown: int) -> dict[str, list[str]]:
    """Write the first effects with their intervals, aligned, by the names of `COLUMNS`."""
    texts = {
        name: align([
            measured(float(value), float(half))
            for value, half in zip(
                getattr(found, name)[:shown], getattr(found, f"{name}_conf")[:shown], strict=True
            )
        ])
        for name in COLUMNS[:2]
    }  # fmt: skip
    return texts | {COLUMNS[2]: on_the_point([number(float(value)) for value in found.effect_sd[:shown]])}


def place_texts(found: Effects, shown: int) -> list[str]:
    """Write the places that intervals allow."""
    return [
        MISSING if place is None else f"{place[0]}" if place[0] == place[1] else f"{place[0]}-{place[1]}"
        for place in found.positions()[:shown]
    ]


def _layout(found: Effects, shown: int, columns: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    if found.has_intervals:
        table.add_column("rank", no_wrap=True)
    longest = max(len(name) for name in found.names[:shown])
    table.add_column("parameter", overflow="fold", min_width=max(9, min(longest, 24)), max_width=44)
    texts, ranks = effect_texts(found, shown), place_texts(found, shown)
    for name in columns:
        table.add_column(name, no_wrap=True, min_width=max(map(len, texts[name])))
    title = f"effect_abs, 0 to {number(found.largest, 2)}"
    table.add_column(title, min_width=len(title))
    scale = found.largest if found.largest > 0.0 else math.nan
    for place, name in enumerate(found.names[:shown]):
        lead = [Text(ranks[place])] if found.has_intervals else []
        bar = Bar(float(found.effect_abs[place]) / scale, float(found.effect_abs_high[place]) / scale)
        table.add_row(*lead, Text(name), *(Text(texts[column][place]) for column in columns), bar)
    return table


def _more(found: Effects, shown: int) -> list[Text]:
    hidden = found.effect_abs[shown:]
    if hidden.size == 0:
        return []
    below = f", effect_abs at most {number(float(np.nanmax(hidden)), 3)}" if np.isfinite(hidden).any() else ""
    return [Text(f"… and {hidden.size} more{below}")]
