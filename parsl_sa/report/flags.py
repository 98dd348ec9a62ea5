"""Flags that the statistics set, in words: what a reader must know wherever the indices are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from parsl_sa.results.schema import is_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr


@dataclass(frozen=True)
class Caution:
    """One warning.

    Parameters
    ----------
    title : str
        What it is about.
    text : str
        What it means and what to do.
    """

    title: str
    text: str


def flagged(datasets: Mapping[str, xr.Dataset]) -> Iterator[Caution]:
    """Say where the dtype or a heavy tail limits the indices.

    Examples
    --------
    >>> import xarray as xr
    >>> [caution.title for caution in flagged({"y": xr.Dataset({"dominant_replicate": ((), True)})})]
    ['Heavy tail']
    """
    limited = _where(datasets, "precision_limited")
    if limited:
        text = (
            f"{limited} by so little, for its size, that the rounding of its numbers reaches the indices. "
            "Have the model return float64, or the change against a reference."
        )
        yield Caution("Close to rounding", text)
    dominant = _where(datasets, "dominant_replicate")
    if dominant:
        text = (
            f"{dominant} so unevenly that one replicate may hold over 30 % of the spread: a few rare inputs "
            "decide the indices, and the intervals may be too narrow. Take more replicates, or study a "
            "transformed output, its logarithm for instance."
        )
        yield Caution("Heavy tail", text)

    flat = [name for name, ds in datasets.items() if "flat" in ds and bool(ds["flat"].any())]
    if flat:
        where = ", ".join(_some_cells(name, datasets[name]) for name in flat)
        text = (
            f"{where}: no parameter changes it by more than rounding when it alone changes. A probability "
            "may be saturated: study its logit."
        )
        yield Caution("Flat", text)


def _some_cells(name: str, ds: xr.Dataset) -> str:
    n_cells = int(ds["flat"].sum())
    return f"{name} in {n_cells:,} of {ds['flat'].size:,} cells" if is_field(ds) else name


def _where(datasets: Mapping[str, xr.Dataset], flag: str) -> str:
    """Say which outputs a flag is set in, as the subject of a sentence; empty where it is in none."""
    found = []
    for name, ds in datasets.items():
        n_cells = int(ds[flag].sum()) if flag in ds else 0
        if n_cells:
            found.append(f"{name} in {n_cells:,} of {ds[flag].size:,} cells" if is_field(ds) else name)
    return f"{', '.join(found)} var{'ies' if len(found) == 1 else 'y'}" if found else ""
