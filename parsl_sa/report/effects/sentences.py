"""What the effects of a quantity say, in one sentence, honest about what intervals do not tell apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.report.names import distinct, listed
from parsl_sa.report.numbers import MISSING, measured, number

if TYPE_CHECKING:
    from parsl_sa.report.effects.order import Effects

LONGEST = 32  # letters of a name
NAMED = 4
ONE_WAY = 0.999  # of the mean magnitude: an effect so large has one sign


def answer(name: str, found: Effects) -> str:
    """Say which parameters move a quantity when they alone change.

    Parameters
    ----------
    name : str
        The quantity, and of a field its cells: ``"theta (64 cells)"``.
    found : Effects
        Its effects.

    Examples
    --------
    >>> import xarray as xr
    >>> from parsl_sa.report.effects.order import effects
    >>> size = {"effect": [0.1, 0.8], "effect_abs": [0.1, 0.8], "effect_abs_conf": [0.02, 0.02]}
    >>> size |= {"effect_abs_low": [0.08, 0.78], "effect_abs_high": [0.12, 0.82]}
    >>> size |= {"effect_abs_conf_simultaneous": [0.023, 0.023]}
    >>> columns = {name: ("parameter", values) for name, values in size.items()}
    >>> answer("cat", effects(xr.Dataset(columns, {"parameter": ["a", "b"]})))
    'cat: changing b alone lowers it the most, by 0.800 ± 0.020 on average; a moves it by at most 0.123.'
    """
    if not found.known:
        return f"{name}: no effects yet; no replicate is complete."
    if found.flat:
        return f"{name} is constant: no parameter changes it when it alone changes; all effects are 0."
    if not found.has_intervals:
        return f"{name}: {_by_estimate(found)}."
    leaders = np.flatnonzero(found.effect_abs_high >= found.effect_abs_low[0])
    rest = [place for place in range(len(found.names)) if place not in set(leaders.tolist())]
    clauses = [_leader(found) if len(leaders) == 1 else _tied(found, leaders.tolist()), _others(found, rest)]
    return f"{name}: {'; '.join(clause for clause in clauses if clause)}."


def _leader(found: Effects) -> str:
    size = " ± ".join(measured(float(found.effect_abs[0]), float(found.effect_abs_conf[0])))
    moves = f"changing {_names(found, [0])} alone {_verb(found)} it the most"
    return f"{moves}, by {_with_unit(size, found)} on average"


def _verb(found: Effects) -> str:
    """Return what the leader's change does: an effect is what the base point has and then loses."""
    share = float(found.effect[0] / found.effect_abs[0]) if found.effect_abs[0] > 0.0 else 0.0
    return "lowers" if share > ONE_WAY else "raises" if share < -ONE_WAY else "moves"


def _tied(found: Effects, leaders: list[int]) -> str:
    most = _with_unit(_above(float(np.nanmax(found.effect_abs_high[leaders]))), found)
    names = f"{_names(found, leaders)} (not told apart: their intervals overlap)"
    return f"{names} move it the most, each alone, by at most {most} on average"


def _others(found: Effects, rest: list[int]) -> str:
    highs = found.effect_abs_bound[rest]  # all at once: the sentence is about all of them
    if not np.isfinite(highs).any():
        return ""
    largest = float(np.nanmax(highs))
    verb = "does" if len(rest) == 1 else "do"
    who = _names(found, rest) if len(rest) == 1 else f"the other {len(rest)}"
    if largest == 0.0:
        return f"{who} {verb} not move it"
    moves = "moves it" if len(rest) == 1 else "each move it"
    return f"{who} {moves} by at most {_with_unit(_above(largest), found)}"


def _by_estimate(found: Effects) -> str:
    large = [place for place, size in enumerate(found.effect_abs) if size >= 0.1 * found.largest > 0.0][:3]
    texts = [f"{_names(found, [place])} ({number(float(found.effect_abs[place]), 3)})" for place in large]
    told = texts[0] if len(texts) == 1 else f"{texts[0]}, then {' and '.join(texts[1:])}"
    unit = f", in {found.unit}" if found.unit else ""
    return f"by estimates without an interval, what moves it the most when it alone changes is {told}{unit}"


def _names(found: Effects, some: list[int]) -> str:
    short = distinct(found.names, LONGEST)
    return listed([short[place] for place in some], NAMED)


def _with_unit(text: str, found: Effects) -> str:
    return f"{text} {found.unit}".removesuffix(" ").replace(f" ± {MISSING}", "")


def _above(value: float) -> str:
    """Write a bound to three digits, rounded up."""
    if value <= 0.0 or not math.isfinite(value):
        return number(value, 3)
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return number(math.ceil(value / step - 1e-9) * step, 3)
