"""Second-order indices: which pairs of parameters act together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.report.numbers import align, index
from parsl_sa.results.schema import PAIR, SECOND_ORDER
from parsl_sa.results.summary import aggregated

if TYPE_CHECKING:
    import xarray as xr

SHOWN = 5


@dataclass(frozen=True)
class Pairs:
    """The pairs of a quantity with the largest S2.

    Parameters
    ----------
    names : tuple of str
        The largest first.
    values : tuple of str
        S2 and its half-width, aligned.
    n_more : int
        Pairs that are not listed.
    """

    names: tuple[str, ...]
    values: tuple[str, ...]
    n_more: int


def pairs(ds: xr.Dataset, limit: int = SHOWN) -> Pairs | None:
    """Pick the pairs with the largest S2, of a field by its aggregated index; None where there are none.

    Examples
    --------
    >>> import xarray as xr
    >>> S2 = {"S2": ("pair", [0.01, 0.24]), "S2_conf": ("pair", [0.02, 0.03])}
    >>> pairs(xr.Dataset(S2, {"pair": ["a × b", "a × c"]}), limit=1)
    Pairs(names=('a × c',), values=('0.24 ± 0.03',), n_more=1)
    """
    if SECOND_ORDER not in ds:
        return None
    values, halves = aggregated(ds, SECOND_ORDER), aggregated(ds, f"{SECOND_ORDER}_conf")
    if PAIR in ds[SECOND_ORDER].dims and ds[SECOND_ORDER].ndim == 1:
        values, halves = ds[SECOND_ORDER].values, ds[f"{SECOND_ORDER}_conf"].values
    order = [int(place) for place in np.argsort(-values, kind="stable") if np.isfinite(values[place])]
    if not order:
        return None
    shown = order[:limit]
    texts = align([index(values[place], halves[place]) for place in shown])
    return Pairs(tuple(str(ds[PAIR].values[place]) for place in shown), tuple(texts), len(order) - len(shown))
