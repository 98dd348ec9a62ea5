"""A quantity as one section of the page."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.records import CASE
from parsl_sa.report.effects.order import Effects, effects
from parsl_sa.report.effects.tables import COLUMNS, effect_texts, place_texts
from parsl_sa.report.moments import moment_pairs
from parsl_sa.report.names import cells_word
from parsl_sa.report.numbers import number
from parsl_sa.report.page.bars import MOST, SHOWN, Row, Scale, rows, with_minus
from parsl_sa.report.page.pictures import TIMES, Group, effect_group, field_group, history
from parsl_sa.report.pairs import Pairs, pairs
from parsl_sa.report.ranking import Ranking, rank
from parsl_sa.report.sentences import answer
from parsl_sa.results.schema import cell_dims, is_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from parsl_sa.report.page.attributions import Explained


SMALLEST = 0.0001  # of an ST that is worth telling from 0


@dataclass(frozen=True)
class Strip:
    """Where an output lies: everything in per cent of the way from its minimum to its maximum.

    Parameters
    ----------
    mean, low, high : float
        The mean, and one standard deviation to both sides.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Section:
    """One quantity.

    Parameters
    ----------
    anchor : str
        Its identifier on the page, and the stem of its files.
    name, unit, shape : str
        The quantity; the shape is empty for a scalar.
    cells : str
        How many cells it has; empty for a scalar.
    answer : str
        The sentence, without the name where that stands above it.
    moments : list of tuple of str
        Labels and numbers.
    strip : Strip, optional
        None where it cannot be drawn.
    ranking : Ranking, optional
        None where the design carries no indices.
    rows, more_rows : list of Row
        Shown at once, and on demand.
    rest : str
        What those on demand amount to.
    over_most : int
        Parameters that are only in the CSV.
    weighted : bool
        Whether the spec gives its cells weights.
    pairs : Pairs, optional
        The largest second-order indices, where the study formed them.
    effects : Group, optional
        Bars of effects, where the study formed them.
    effect_rows : list of tuple of str
        Place, parameter, effect, magnitude and spread of the first ones.
    history, field, attribution : Group, optional
        The figures; maps of the base inputs stand for the field over them.
    """

    anchor: str
    name: str
    unit: str
    shape: str
    cells: str
    answer: str
    moments: list[tuple[str, str]]
    strip: Strip | None
    ranking: Ranking | None
    rows: list[Row]
    more_rows: list[Row]
    rest: str
    over_most: int
    weighted: bool
    pairs: Pairs | None
    effects: Group | None
    effect_rows: list[tuple[str, ...]]
    history: Group | None
    field: Group | None
    attribution: Group | None = None


def section(
    name: str,
    ds: xr.Dataset,
    anchor: str,
    scale: Scale,
    share: tuple[int, int] | None,
    *,
    explained: Explained | None = None,
) -> Section:
    """Assemble the section of a quantity.

    Parameters
    ----------
    name, ds : str, xarray.Dataset
        The quantity.
    anchor : str
        Its identifier.
    scale : Scale
        Axis of the bars.
    share : tuple of int, optional
        Of a field, what `pictures.share_out` says.
    explained : Explained, optional
        Where a mask of the study lies on an image.
    """
    maps = explained.group(ds) if explained is not None else None
    ranking = rank(ds)
    defined = ranking is not None and bool(np.isfinite(ranking.ST).any())
    listed = rows(ds, ranking, scale) if ranking is not None and defined else []
    found = effects(ds)
    order = ranking.names if ranking is not None and defined else found.names if found is not None else ()
    d = len(order)
    dims = cell_dims(ds)
    sizes = TIMES.join(f"{ds.sizes[dim]:,}" for dim in dims)
    shape = f"{sizes} {cells_word(ds)}: {', '.join(dims)}" if dims else ""
    cells, sentence = told(name, answer(name, ds), order)
    unit = str(ds.attrs.get("unit", ""))
    return Section(
        anchor,
        name,
        "" if unit in {"1", "-"} else unit,
        shape,
        cells,
        unbroken(sentence),
        [(label, with_minus(text)) for label, text in moment_pairs(ds)],
        None if is_field(ds) else _strip(ds),
        ranking,
        listed[:SHOWN],
        listed[SHOWN:],
        _rest(ranking) if ranking is not None else "",
        max(0, d - MOST),
        "weight" in ds,
        pairs(ds),
        effect_group(found, field=is_field(ds)) if found is not None and found.known else None,
        _effect_rows(found) if found is not None and found.known else [],
        history(name, ds, order),
        # lines through base inputs, which stand in no order, would say nothing
        None if share is None or dims == (CASE,) else field_group(ds, order if defined else (), *share),
        maps,
    )


def _effect_rows(found: Effects) -> list[tuple[str, ...]]:
    shown = min(MOST, len(found.names))
    texts = effect_texts(found, shown)
    columns = (place_texts(found, shown), found.names[:shown], *(texts[name] for name in COLUMNS))
    return [tuple(with_minus(text) for text in row) for row in zip(*columns, strict=True)]


def anchors(names: list[str]) -> dict[str, str]:
    """Give every quantity an identifier that is safe in addresses and file names.

    Examples
    --------
    >>> anchors(["CL", "L/D", "L D"])
    {'CL': 'CL', 'L/D': 'L-D', 'L D': 'L-D-2'}
    """
    taken: dict[str, str] = {}
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.") or "output"
        found, count = stem, 1
        while found.lower() in {one.lower() for one in taken.values()}:
            count += 1
            found = f"{stem}-{count}"
        taken[name] = found
    return taken


def _rest(ranking: Ranking) -> str:
    hidden = ranking.ST[SHOWN:]
    if not np.isfinite(hidden).any():
        return f"{hidden.size:,} more parameters" if hidden.size else ""
    largest = float(np.nanmax(hidden))
    bound = f"at most {number(largest, 1)}" if largest >= SMALLEST else f"below {SMALLEST}"
    return f"{hidden.size:,} more parameters, ST {bound}"


def told(name: str, sentence: str, parameters: Sequence[str]) -> tuple[str, str]:
    """Split the answer for a page that has the name of the quantity above it.

    Returns
    -------
    tuple of str
        What the answer says of the cells, and the rest as a sentence that can stand alone.

    Examples
    --------
    >>> told("theta", "theta (64 cells): alpha explains 80 %.", ["alpha"])
    ('64 cells', 'alpha explains 80 %.')
    >>> told("CM", "CM is constant: no parameter changes it.", [])
    ('', 'CM is constant: no parameter changes it.')
    """
    rest = sentence.removeprefix(name)
    cells = re.match(r" \(([^)]*(?:cell|base input)s?[^)]*)\)", rest)
    rest = rest[cells.end() :] if cells else rest
    if not rest.startswith(":"):
        return cells[1] if cells else "", f"{name}{rest}"
    rest = rest[1:].strip()
    if not any(rest.startswith(parameter) for parameter in parameters):
        rest = rest[:1].upper() + rest[1:]
    return cells[1] if cells else "", rest


def unbroken(sentence: str) -> str:
    r"""Keep numbers together with what belongs to them at the end of a line.

    Examples
    --------
    >>> unbroken("81 ± 2 % of it") == "81\u00a0±\u00a02\u00a0% of it"
    True
    """
    return sentence.replace(" ± ", "\u00a0±\u00a0").replace(" %", "\u00a0%")


def _strip(ds: xr.Dataset) -> Strip | None:
    if not {"mean", "variance", "minimum", "maximum"} <= set(ds.data_vars):
        return None
    mean, variance, low, high = (float(ds[key]) for key in ("mean", "variance", "minimum", "maximum"))
    if not (math.isfinite(mean + variance + low + high) and high > low):
        return None
    places = Scale(low, high)
    sd = math.sqrt(max(variance, 0.0))
    return Strip(places.at(mean), places.at(mean - sd), places.at(mean + sd))
