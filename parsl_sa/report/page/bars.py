"""The table of indices: every row with its numbers and, in per cent of the axis, its bars."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.report.numbers import MISSING, index, on_the_point
from parsl_sa.report.ranking import Ranking, positions
from parsl_sa.report.tables import place_text, spread
from parsl_sa.results.schema import PARAMETER, is_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import xarray as xr

    Floats = npt.NDArray[np.float64]

SHOWN, MOST = 20, 500
LOWEST, HIGHEST = -0.25, 1.25  # what lies beyond is cut, and marked as cut
FIGURE_SPACE, THIN_SPACE = "\u2007", "\u2009"  # the first is as wide as a digit
DASH, MINUS = "\u2013", "\u2212"


@dataclass(frozen=True)
class Scale:
    """The axis of the bars.

    Parameters
    ----------
    low, high : float
        Its ends.
    """

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return a place in per cent, within the axis.

        Examples
        --------
        >>> Scale(0.0, 0.8).at(0.2), Scale(0.0, 0.8).at(3.0)
        (25.0, 100.0)
        """
        share = (value - self.low) / (self.high - self.low)
        return round(100.0 * min(max(share, 0.0), 1.0), 3)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places in per cent and numbers of the axis."""
        step = next(
            step for step in (0.02, 0.05, 0.1, 0.2, 0.25, 0.5) if (self.high - self.low) / step <= 6.0
        )
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(self.at(k * step), f"{k * step:g}") for k in range(first, last + 1)]


@dataclass(frozen=True)
class Bar:
    """One bar, all in per cent of the axis.

    Parameters
    ----------
    key : str
        ``"ST"`` or ``"S1"``.
    start, width : float
        The bar.
    low, high : float or None
        Ends of its interval.
    cut : tuple of bool
        Whether something lies beyond the left and the right end of the axis.
    """

    key: str
    start: float
    width: float
    low: float | None
    high: float | None
    cut: tuple[bool, bool]


@dataclass(frozen=True)
class Row:
    """One parameter.

    Parameters
    ----------
    rank : str
        Its place, or the places that its interval allows.
    name, unit : str
        The parameter.
    bars : tuple of Bar
        ST, then S1; none where they are undefined.
    S1, ST : tuple of str
        The numbers, and their half-widths where they have one.
    cells : str
        ST over the cells of a field, else empty.
    note : str
        What is amiss.
    """

    rank: str
    name: str
    unit: str
    bars: tuple[Bar, ...]
    S1: tuple[str, str]
    ST: tuple[str, str]
    cells: str
    note: str


def scale_of(rankings: Sequence[Ranking]) -> Scale:
    """Choose one axis for all quantities, so that lengths compare between them."""
    ends = np.concatenate(
        [np.concatenate([r.S1, r.ST, r.S1_low, r.ST_low, r.S1_high, r.ST_high]) for r in rankings]
        or [np.empty(0)]
    )
    ends = ends[np.isfinite(ends)]
    low, high = (min(float(ends.min()), 0.0), float(ends.max())) if ends.size else (0.0, 1.0)
    low = 0.0 if low > -0.02 else max(low - 0.02, LOWEST)  # a bar that short on the left says nothing
    return Scale(low, min(max(1.02 * high, 0.1), HIGHEST))


def rows(ds: xr.Dataset, ranking: Ranking, scale: Scale) -> list[Row]:
    """Return the rows of a quantity, the largest ST first; `MOST` at most."""
    S1, ST = (_numbers(ranking, key) for key in ("S1", "ST"))
    return [
        Row(
            rank=place_text(position).replace("-", DASH) if ranking.has_intervals else "",
            name=ranking.names[place],
            unit=ranking.units[place],
            bars=_bars(ranking, place, scale),
            S1=S1[place],
            ST=ST[place],
            cells=with_minus(spread(ds.sel({PARAMETER: ranking.names[place]}), "ST")) if is_field(ds) else "",
            note=_note(ranking, place),
        )
        for place, position in enumerate(positions(ranking)[:MOST])
    ]


def _numbers(ranking: Ranking, key: str) -> list[tuple[str, str]]:
    values, halves = (getattr(ranking, f"{key}{end}")[:MOST] for end in ("", "_conf"))
    texts = [index(value, half) for value, half in zip(values, halves, strict=True)]
    padded = on_the_point([value for value, _ in texts])
    return [
        (with_minus(value.replace(" ", FIGURE_SPACE)), "" if half == MISSING else f"±{THIN_SPACE}{half}")
        for value, (_, half) in zip(padded, texts, strict=True)
    ]


def with_minus(text: str) -> str:
    """Turn the hyphens before digits into minus signs."""
    return re.sub(r"-(?=[\d.])", MINUS, text)


def _bars(ranking: Ranking, place: int, scale: Scale) -> tuple[Bar, ...]:
    bars = [_bar(ranking, key, place, scale) for key in ("ST", "S1")]
    return tuple(bar for bar in bars if bar is not None)


def _bar(ranking: Ranking, key: str, place: int, scale: Scale) -> Bar | None:
    value, low, high = (float(getattr(ranking, f"{key}{end}")[place]) for end in ("", "_low", "_high"))
    if not math.isfinite(value):
        return None
    zero, tip = scale.at(0.0), scale.at(value)
    known = math.isfinite(low) and math.isfinite(high)
    ends = (value, low, high) if known else (value,)
    return Bar(
        key,
        min(zero, tip),
        round(abs(tip - zero), 3),
        scale.at(low) if known else None,
        scale.at(high) if known else None,
        (min(ends) < scale.low - 0.02, max(ends) > scale.high),
    )


def _note(ranking: Ranking, place: int) -> str:
    if ranking.undefined[place]:
        return "undefined: constant output"
    return "" if math.isfinite(ranking.ST[place]) else "undefined"
