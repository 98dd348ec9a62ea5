"""What a reader must know before using the numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.report.dependence import NOTE, is_dependent
from parsl_sa.report.effects.order import is_exact
from parsl_sa.report.flags import Caution, flagged
from parsl_sa.report.numbers import number
from parsl_sa.report.ranking import Ranking, rank
from parsl_sa.results.schema import cell_dims, is_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr

FEWEST, FEW = 8, 12  # replicates that an interval needs, and below which it is itself uncertain
WIDE = 0.1  # half-width of an ST


def cautions(
    datasets: Mapping[str, xr.Dataset], attrs: Mapping[str, Any], status: Mapping[str, Any]
) -> list[Caution]:
    """Collect everything that limits what the numbers say.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        One a quantity.
    attrs : mapping
        Provenance.
    status : mapping
        What is known of the run: `other_bits`, `reason`.

    Examples
    --------
    >>> [caution.title for caution in cautions({}, {"finished": False, "n_used": 256, "n_planned": 4096}, {})]
    ['Unfinished']
    """
    found = [
        *_progress(attrs, status),
        *_drops(attrs),
        *_replicates(datasets, attrs),
        *_widths(datasets, attrs),
        *_undefined(datasets),
        *flagged(datasets),
        *_dependence(datasets),
    ]
    other_bits = int(attrs.get("other_bits", status.get("other_bits", 0)) or 0)
    if other_bits:
        text = (
            f"{_leases(other_bits)} computed a second time gave other bits than the first. "
            "The first ones count; a repeat of this study may differ in its last digits."
        )
        found.append(Caution("Not bit-identical", text))
    return found


def _progress(attrs: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Caution]:
    if attrs.get("finished", True):
        return
    used, planned = int(attrs.get("n_used", 0)), int(attrs.get("n_planned", 0))
    share = f" ({100.0 * used / planned:.0f} %)" if planned else ""
    reason = str(attrs.get("reason") or status.get("reason") or "")
    text = (
        f"{used:,} of {planned:,} bundles{share} are in these numbers{f': {reason}' if reason else ''}. "
        "They are right for what has been computed, with wider intervals than planned. "
        "parsl-sa resume goes on."
    )
    yield Caution("Unfinished", text)


def _drops(attrs: Mapping[str, Any]) -> Iterator[Caution]:
    dropped = attrs.get("dropped") or []
    n_dropped = dropped if isinstance(dropped, int) else len(dropped)
    if n_dropped:
        seen = int(attrs.get("n_used", 0)) + n_dropped
        many = "1 bundle was" if n_dropped == 1 else f"{n_dropped:,} bundles were"
        text = (
            f"{many} left out whole ({100.0 * n_dropped / seen:.2g} % of those computed), each because a row "
            "of it failed or was not finite. If that happens in one corner of the inputs, the numbers say "
            "nothing about that corner. The reasons stand below."
        )
        yield Caution("Dropped bundles", text)


def _replicates(datasets: Mapping[str, xr.Dataset], attrs: Mapping[str, Any]) -> Iterator[Caution]:
    replicates = int(attrs.get("n_replicates", 0) or 0)
    if "n_replicates" not in attrs or replicates >= FEW or all(map(is_exact, datasets.values())):
        return
    have = "1 replicate is" if replicates == 1 else f"{replicates} replicates are"
    if replicates < FEWEST:
        text = f"{have} complete; an interval needs {FEWEST}. Take the numbers as estimates without an error."
        yield Caution("No intervals", text)
    else:
        text = f"{have} complete; the intervals rest on so few and are themselves uncertain."
        yield Caution("Few replicates", text)


def _widths(datasets: Mapping[str, xr.Dataset], attrs: Mapping[str, Any]) -> Iterator[Caution]:
    widest = {
        name: float(np.nanmax(ranking.ST_conf))
        for name, ranking in _rankings(datasets)
        if np.isfinite(ranking.ST_conf).any()
    }
    wide = {name: width for name, width in widest.items() if width > WIDE}
    if wide:
        name = max(wide, key=lambda one: wide[one])
        used = int(attrs.get("n_used", 0))
        text = (
            f"The widest interval of ST is ± {number(wide[name], 2)} ({name}). Four times the bundles halve "
            f"it, about: design.n = {4 * used} in the spec."
        )
        yield Caution("Wide intervals", text)


def _undefined(datasets: Mapping[str, xr.Dataset]) -> Iterator[Caution]:
    constant = [
        name
        for name, ranking in _rankings(datasets)
        if not np.isfinite(ranking.ST).any() and ranking.undefined.all()
    ]
    if constant:
        text = "No parameter changes this output, so that there is no variance to share out and no index."
        yield Caution(f"Constant: {', '.join(constant)}", text)
    for name, ds in datasets.items():
        if is_field(ds) and name not in constant and "undefined" in ds:
            cells = int(ds["undefined"].any("parameter").sum())
            total = math.prod(ds.sizes[dim] for dim in cell_dims(ds))
            if cells:
                text = (
                    f"{cells:,} of {total:,} cells do not vary; their indices do not exist and are drawn as "
                    "undefined."
                )
                yield Caution(f"Constant cells in {name}", text)


def _dependence(datasets: Mapping[str, xr.Dataset]) -> Iterator[Caution]:
    if any(is_dependent(ds) for ds in datasets.values()):
        yield Caution("Dependent inputs", NOTE)


def _rankings(datasets: Mapping[str, xr.Dataset]) -> Iterator[tuple[str, Ranking]]:
    for name, ds in datasets.items():
        ranking = rank(ds)
        if ranking is not None:
            yield name, ranking


def _leases(count: int) -> str:
    return "1 lease" if count == 1 else f"{count} leases"
