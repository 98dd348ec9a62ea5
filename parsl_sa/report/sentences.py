"""The answer in one sentence a quantity, honest about what the intervals do not tell apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.report.dependence import is_dependent
from parsl_sa.report.effects.order import effects
from parsl_sa.report.effects.sentences import answer as effect_answer
from parsl_sa.report.names import cells_word, listed, shorten
from parsl_sa.report.numbers import index, percent
from parsl_sa.report.ranking import Ranking, rank
from parsl_sa.results.schema import cell_dims, is_field

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

VARIANCE = "the variance"
MOST = 0.8  # of what all first-order indices explain: enough parameters are named then
NAMED = 4
COMPARABLE = 0.5  # of the leader's ST: a parameter that large is named too
LONGEST = 32  # letters of a name
NEGLIGIBLE = 0.01  # of ST, with all intervals at once: such a parameter may be fixed
VISIBLE, FEW = 0.02, 0.1  # share of interactions: claimed above the first, bounded in words below the second


def answer(name: str, ds: xr.Dataset) -> str:
    """Say which parameters drive a quantity.

    Parameters
    ----------
    name : str
        The quantity.
    ds : xarray.Dataset
        Its results.

    Returns
    -------
    str
        One sentence. Two parameters whose intervals of ST overlap are never ranked against each other; the
        half-width of a sum is the sum of the half-widths, an upper bound.

    Examples
    --------
    >>> import xarray as xr
    >>> index = {"S1": ("parameter", [0.8, 0.1]), "S1_conf": ("parameter", [0.02, 0.01])}
    >>> index |= {"ST": ("parameter", [0.85, 0.15]), "ST_conf": ("parameter", [0.03, 0.01])}
    >>> for clause in answer("CD", xr.Dataset(index, {"parameter": ["alpha", "Re"]})).split("; "):
    ...     print(clause)
    CD: alpha explains 80 ± 2 % of the variance (first order)
    interactions carry about 10 %
    Re stays below 0.17 in total order.
    """
    ranking, found = rank(ds), effects(ds)
    if found is not None:
        return effect_answer(f"{name} ({_cells(ds)})" if is_field(ds) else name, found)
    if ranking is None:
        return f"{name}: this design carries no sensitivity indices, only moments and extrema."
    if not np.isfinite(ranking.ST).any():
        return _nothing(name, ranking)
    if is_dependent(ds):
        return _dependent(f"{name} ({_cells(ds)})" if is_field(ds) else name, ranking)
    if is_field(ds):
        return _field(name, ds, ranking)
    if not ranking.has_intervals:
        return _without_intervals(name, ranking)
    return _with_intervals(name, ranking, VARIANCE)


def _nothing(name: str, ranking: Ranking) -> str:
    if bool(ranking.undefined.all()):
        return f"{name} is constant: no parameter changes it, so its indices are undefined."
    return f"{name}: no indices yet; no replicate is complete."


def _with_intervals(name: str, ranking: Ranking, whole: str) -> str:
    if float(np.nanmax(ranking.ST_low)) <= 0.0:
        return f"{name}: too few samples to tell which parameter drives it; every interval of ST reaches 0."
    tiers = _leading_tiers(ranking)
    named = np.array([place for tier in tiers for place in tier])
    share = percent(float(ranking.S1[named].sum()), float(ranking.S1_conf[named].sum()))
    subject, plural = _subject(ranking, tiers)
    verb = "explain" if plural else "explains"
    clauses = [f"{subject} {verb} {share} of {whole} (first order)"]
    # Only of a single number: what is small over a whole field may be large in some of its cells.
    others = _others(ranking, named, inert_is_said=whole == VARIANCE)
    clauses += [clause for clause in (_interactions(ranking), others) if clause]
    return f"{name}: {'; '.join(clauses)}."


def _dependent(name: str, ranking: Ranking) -> str:
    """Say who leads by either index; shares of dependent inputs overlap and are not added up."""
    if not np.isfinite(ranking.S1).any():
        return _nothing(name, ranking)
    full, alone = int(np.nanargmax(ranking.S1)), int(np.nanargmax(ranking.ST))
    of_full = index(float(ranking.S1[full]), float(ranking.S1_conf[full]))
    of_alone = index(float(ranking.ST[alone]), float(ranking.ST_conf[alone]))
    shared = f"with all that it shares with others (S1_full {_joined(of_full)})"
    own = f"once all others are known (ST_independent {_joined(of_alone)})"
    if full == alone:
        return f"{name}: {_short(ranking, full)} explains the most, both {shared} and {own}."
    leaders = _short(ranking, full), _short(ranking, alone)
    return f"{name}: {leaders[0]} explains the most {shared}, {leaders[1]} the most {own}."


def _joined(parts: tuple[str, str]) -> str:
    return " ± ".join(part for part in parts if part)


def _leading_tiers(ranking: Ranking) -> list[list[int]]:
    """Group the leading parameters: a tier is a leader and all whose interval of ST overlaps the leader's."""
    left = [place for place in range(len(ranking.names)) if math.isfinite(ranking.ST_low[place])]
    enough = MOST * float(np.nansum(np.maximum(ranking.S1, 0.0)))
    tiers: list[list[int]] = []
    explained, n_named = 0.0, 0
    while left:
        leader = left[0]
        comparable = ranking.ST[leader] >= COMPARABLE * ranking.ST[0]
        if tiers and (n_named >= NAMED or not (comparable or explained < enough)):
            break
        tier = [place for place in left if ranking.ST_high[place] >= ranking.ST_low[leader]]
        if tiers and n_named + len(tier) > 2 * NAMED:
            break
        tiers.append(tier)
        n_named += len(tier)
        explained += float(np.nansum(ranking.S1[np.array(tier)]))
        left = [place for place in left if place not in tier]
    return tiers


def _subject(ranking: Ranking, tiers: list[list[int]]) -> tuple[str, bool]:
    phrases: list[str] = []
    for tier in tiers:
        names = listed([_short(ranking, place) for place in tier], NAMED)
        reason = "" if any("overlap)" in phrase for phrase in phrases) else ": their ST intervals overlap"
        phrases.append(names if len(tier) == 1 else f"{names} (not told apart{reason})")
    if len(tiers[0]) > NAMED:
        phrases[0] = f"no single parameter stands out; {phrases[0]}"
    return ", then ".join(phrases), sum(map(len, tiers)) > 1


def _short(ranking: Ranking, place: int) -> str:
    name = ranking.names[place]
    short = shorten(name, LONGEST)
    # A short form that two parameters share names neither.
    return short if [shorten(other, LONGEST) for other in ranking.names].count(short) == 1 else name


def _interactions(ranking: Ranking) -> str:
    rest = 1.0 - float(np.nansum(ranking.S1))
    bound = float(np.nansum(ranking.S1_conf))
    if rest - bound > VISIBLE:
        return f"interactions carry about {percent(rest)}"
    return f"interactions carry at most {percent(max(rest + bound, 0.01))}" if rest + bound < FEW else ""


def _others(ranking: Ranking, named: npt.NDArray[np.intp], *, inert_is_said: bool) -> str:
    rest = [place for place in range(len(ranking.names)) if place not in set(named.tolist())]
    highs = ranking.ST_bound[rest]  # all at once: the sentence is about all of them
    if not np.isfinite(highs).any():
        return ""
    below = f"{math.floor(100.0 * float(np.nanmax(highs)) + 1.0) / 100.0:.2f}"
    if len(rest) == 1:
        return f"{_short(ranking, rest[0])} stays below {below} in total order"
    inert = int(np.sum(highs < NEGLIGIBLE))
    if inert_is_said and len(rest) > inert > 1:
        return (
            f"the other {len(rest)} each stay below {below} in total order, {inert} of them below "
            f"{NEGLIGIBLE:g}: these {inert} of {len(ranking.names)} do not matter"
        )
    return f"the other {len(rest)} each stay below {below} in total order"


def _without_intervals(name: str, ranking: Ranking) -> str:
    return (
        f"{name}: by point estimates alone (an interval needs 8 replicates) "
        f"the largest total order has {_by_estimate(ranking)}."
    )


def _field(name: str, ds: xr.Dataset, ranking: Ranking) -> str:
    cells = f"{name} ({_cells(ds)})"
    if ranking.has_intervals:
        whole = f"the variance of all {cells_word(ds)} together"
        text = _with_intervals(cells, ranking, whole).removesuffix(".")
    else:
        text = (
            f"{cells}: weighted by the variance of the {cells_word(ds)}, the largest total order has "
            f"{_by_estimate(ranking)}; these are estimates without an interval"
        )
    if "undefined" in ds and (n_undefined := int(ds["undefined"].any("parameter").sum())):
        word = cells_word(ds)
        text += f"; {n_undefined:,} {f'{word[:-1]} is' if n_undefined == 1 else f'{word} are'} constant"
    return f"{text}."


def _cells(ds: xr.Dataset) -> str:
    n_cells = math.prod(ds.sizes[dim] for dim in cell_dims(ds))
    n_masked = int(ds["masked"].sum()) if "masked" in ds else 0
    word = cells_word(ds)
    cells = f"1 {word[:-1]}" if n_cells == 1 else f"{n_cells:,} {word}"
    return f"{cells}, {n_masked:,} of them masked" if n_masked else cells


def _by_estimate(ranking: Ranking) -> str:
    defined = [place for place in range(len(ranking.names)) if math.isfinite(ranking.ST[place])]
    large = [place for place in defined if ranking.ST[place] >= 0.1 * ranking.ST[0]][:3]
    first, *rest = [f"{_short(ranking, place)} ({index(float(ranking.ST[place]))[0]})" for place in large]
    return f"{first}, then {' and '.join(rest)}" if rest else first
