"""Results as rich renderables: a sentence, a line of moments and a table of indices a quantity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parsl_sa.report.bar import Bar
from parsl_sa.report.dependence import NOTE, is_dependent, plain
from parsl_sa.report.effects.order import effects
from parsl_sa.report.effects.tables import effect_table
from parsl_sa.report.fitting import Fitting
from parsl_sa.report.flags import flagged
from parsl_sa.report.moments import counts, moments
from parsl_sa.report.named import named_table
from parsl_sa.report.names import cells_word
from parsl_sa.report.numbers import MISSING, align, index, no_minus_zero, number
from parsl_sa.report.pairs import Pairs, pairs
from parsl_sa.report.ranking import Ranking, positions, rank
from parsl_sa.report.sentences import answer
from parsl_sa.results.schema import PARAMETER, is_field
from parsl_sa.results.summary import over_cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr
    from rich.console import RenderableType

SHOWN = 30
_BAR = "ST, 0 to 1"


def results_view(
    datasets: Mapping[str, xr.Dataset], attrs: Mapping[str, Any], limit: int | None = SHOWN
) -> RenderableType:
    """Show a whole study: what it counted, then every quantity.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        One a quantity of interest.
    attrs : mapping
        Provenance, as the results store holds it.
    limit : int, optional
        Parameters shown a table; the rest is summed up in a line. None shows all.

    Returns
    -------
    rich renderable
    """
    parts: list[RenderableType] = [Text(counts(attrs), style="bold")]
    shown = plain(datasets)
    for name, ds in shown.items():
        parts += [Text(), quantity_view(name, ds, limit)]
    if any(is_dependent(ds) for ds in shown.values()):
        parts += [Text(), Text(NOTE)]
    for caution in flagged(shown):
        parts += [Text(), Text(f"{caution.title}: {caution.text}")]
    return Group(*parts)


def quantity_view(name: str, ds: xr.Dataset, limit: int | None = SHOWN) -> RenderableType:
    """Show one quantity: the answer in a sentence, its moments, its indices."""
    parts: list[RenderableType] = [Text(answer(name, ds), style="bold"), Text(moments(ds))]
    ranking, found = rank(ds), effects(ds)
    if found is not None and found.known:
        parts.append(effect_table(found, limit, field=is_field(ds)))
    if ranking is not None and np.isfinite(ranking.ST).any():
        parts.append(_field_table(ds, ranking, limit) if is_field(ds) else _scalar_table(ranking, limit))
    parts += named_table(ds)
    together = pairs(ds)
    if together is not None:
        parts.append(_pair_table(together))
    return Group(parts[0], Padding(Group(*parts[1:]), (0, 0, 0, 2)))


def _scalar_table(ranking: Ranking, limit: int | None) -> RenderableType:
    shown = len(ranking.names) if limit is None else min(limit, len(ranking.names))
    layouts = [_scalar_layout(ranking, shown, units) for units in _with_units(ranking, shown)]
    return Group(Fitting(layouts), *_more(ranking, shown))


def _scalar_layout(ranking: Ranking, shown: int, units: bool) -> Table:
    notes = _notes(ranking)
    table = _table(ranking, shown, units)
    if any(notes):
        table.add_column("note")
    for place, row in enumerate(_rows(ranking, shown, units)):
        table.add_row(*row, *([Text(notes[place])] if any(notes) else []))
    return table


def _field_table(ds: xr.Dataset, ranking: Ranking, limit: int | None) -> RenderableType:
    shown = len(ranking.names) if limit is None else min(limit, len(ranking.names))
    note = f"S1, ST: weighted by the variance of the {cells_word(ds)}."
    over = f"{note} Over {cells_word(ds)}: median (smallest to largest)."
    spreads = [spread(ds.sel({PARAMETER: name}), "ST") for name in ranking.names[:shown]]
    layouts = [
        Group(_field_layout(ranking, units, spreads), *_more(ranking, shown), Text(over))
        for units in _with_units(ranking, shown)
    ]
    narrow = _scalar_layout(ranking, shown, units=False)
    return Fitting([*layouts, Group(narrow, *_more(ranking, shown), Text(note))])


def _field_layout(ranking: Ranking, units: bool, spreads: list[str]) -> Table:
    table = _table(ranking, len(spreads), units)
    table.add_column("ST over cells", no_wrap=True, min_width=max(map(len, spreads)))
    for row, told in zip(_rows(ranking, len(spreads), units), spreads, strict=True):
        table.add_row(*row, Text(told))
    return table


def _pair_table(together: Pairs) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("pair", overflow="fold", min_width=9)
    table.add_column("S2", no_wrap=True)
    for name, value in zip(together.names, together.values, strict=True):
        table.add_row(Text(name), Text(value))
    more = [Text(f"… and {together.n_more} more pairs, S2 below these")] if together.n_more else []
    return Group(Text(), table, *more)


def spread(cells: xr.Dataset, name: str) -> str:
    """Write the median of a statistic over cells, and its smallest and largest value."""
    summary = over_cells(cells[name].values) if name in cells else {}
    if summary.get("median") is None:
        return MISSING
    small, middle, large = (
        f"{no_minus_zero(round(summary[key] or 0.0, 2)):.2f}" for key in ("min", "median", "max")
    )
    return f"{middle} ({small} to {large})"


def _with_units(ranking: Ranking, shown: int) -> tuple[bool, ...]:
    """Whether a table has a column of units: in its wide layout, and in its narrow one."""
    return (True, False) if any(ranking.units[:shown]) else (False,)


def _table(ranking: Ranking, shown: int, units: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    if ranking.has_intervals:
        table.add_column("rank", no_wrap=True)
    # Narrow consoles take the room from the bar first, then fold names.
    longest = max(len(name) for name in ranking.names[:shown])
    table.add_column("parameter", overflow="fold", min_width=max(9, min(longest, 24)), max_width=44)
    if units:
        longest = max(len(unit) for unit in ranking.units[:shown])
        table.add_column("unit", overflow="fold", min_width=max(4, min(longest, 10)), max_width=10)
    for title, told in zip(("S1", "ST"), _numbers(ranking, shown), strict=True):
        table.add_column(title, no_wrap=True, min_width=max(map(len, told)))
    table.add_column(_BAR, min_width=len(_BAR))
    return table


def _numbers(ranking: Ranking, shown: int) -> tuple[list[str], list[str]]:
    """Write S1 and ST with their intervals, aligned."""
    S1 = align([index(v, h) for v, h in zip(ranking.S1, ranking.S1_conf, strict=True)][:shown])
    ST = align([index(v, h) for v, h in zip(ranking.ST, ranking.ST_conf, strict=True)][:shown])
    return S1, ST


def _rows(ranking: Ranking, shown: int, units: bool) -> Iterator[list[RenderableType]]:
    """Yield the cells that every table has: rank, parameter, unit, S1, ST, bar."""
    S1, ST = _numbers(ranking, shown)
    for place, position in enumerate(positions(ranking)[:shown]):
        lead = [Text(place_text(position))] if ranking.has_intervals else []
        unit = [Text(ranking.units[place])] if units else []
        bar = Bar(float(ranking.ST[place]), float(ranking.ST_high[place]))
        yield [*lead, Text(ranking.names[place]), *unit, Text(S1[place]), Text(ST[place]), bar]


def place_text(position: tuple[int, int] | None) -> str:
    """Write a place, or the places that intervals allow.

    Examples
    --------
    >>> place_text((1, 1)), place_text((2, 4)), place_text(None)
    ('1', '2-4', '-')
    """
    if position is None:
        return MISSING
    return f"{position[0]}" if position[0] == position[1] else f"{position[0]}-{position[1]}"


def _notes(ranking: Ranking) -> list[str]:
    notes = []
    for undefined, estimate, half in zip(ranking.undefined, ranking.ST, ranking.ST_conf, strict=True):
        if undefined or not math.isfinite(estimate):
            notes.append("undefined")
        else:
            notes.append("" if math.isfinite(half) else "no interval")
    return notes


def _more(ranking: Ranking, shown: int) -> list[Text]:
    hidden = ranking.ST[shown:]
    if hidden.size == 0:
        return []
    largest = float(np.nanmax(hidden)) if np.isfinite(hidden).any() else math.nan
    below = f", ST at most {index(largest)[0]}" if math.isfinite(largest) else ""
    return [Text(f"… and {hidden.size} more{below}")]


def truth_table(datasets: Mapping[str, xr.Dataset], truth: Mapping[str, Mapping[str, Any]]) -> Table:
    """Compare estimates with exact answers.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        Scalar quantities.
    truth : mapping
        ``{"y": {"S1": {"x1": 0.31, ...}, "ST": {...}, "mean": 3.5, "variance": 13.84}}``.

    Returns
    -------
    rich.table.Table
        One row a number: estimate, exact, error, half-width, and whether the interval held the exact value.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"mean": ((), 3.51), "mean_conf": ((), 0.02)})
    >>> truth_table({"y": ds}, {"y": {"mean": 3.5}}).row_count
    1
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("output", overflow="fold", min_width=6)
    table.add_column("number", overflow="fold", min_width=8)
    for title in ("estimate", "exact", "error", "± half"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("held", min_width=4)
    for name, statistics in truth.items():
        ds = datasets[name]
        for statistic, exact in statistics.items():
            for parameter, value in exact.items() if isinstance(exact, dict) else [("", exact)]:
                where = {PARAMETER: parameter} if parameter else {}
                estimate = float(ds[statistic].sel(where))
                half = float(ds[f"{statistic}_conf"].sel(where)) if f"{statistic}_conf" in ds else math.nan
                label = f"{statistic} of {parameter}" if parameter else statistic
                table.add_row(Text(name), Text(label), *_compared(estimate, float(value), half))
    return table


def _compared(estimate: float, exact: float, half: float) -> list[str]:
    error = estimate - exact
    held = "-" if not math.isfinite(half) else ("yes" if abs(error) <= half else "no")
    largest = max(abs(estimate), abs(exact), half if math.isfinite(half) else 0.0)
    if not (math.isfinite(half) and half > 0.0) or not 1e-3 <= largest < 1e5:
        half_text = MISSING if not math.isfinite(half) else f"{half:.1e}"
        return [number(estimate, 5), number(exact, 5), f"{error:+.1e}", half_text, held]
    decimals = min(6, max(0, 2 - math.floor(math.log10(half))))  # one digit more than the interval bears
    plain = [f"{no_minus_zero(round(value, decimals)):.{decimals}f}" for value in (estimate, exact)]
    return [*plain, f"{no_minus_zero(round(error, decimals)):+.{decimals}f}", f"{half:.{decimals}f}", held]
