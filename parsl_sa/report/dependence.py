"""Dependent inputs in tables and figures: their two indices stand where S1 and ST do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.results.schema import DEPENDENT_INDICES, INDICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

NOTE = (
    "The inputs depend on each other. S1 is the full first-order index (S1_full), which counts what a "
    "parameter explains through the others; ST is the independent total index (ST_independent), which does "
    "not. So ST may lie below S1, and the S1 may sum to more than 1."
)


LABELS = {"ST": "ST, total order: with interactions", "S1": "S1, first order: by itself"}
DEPENDENT_LABELS = {
    "ST": "ST_independent: once all other inputs are known",
    "S1": "S1_full: with what it shares with others",
}


def plain(datasets: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return the quantities with indices called S1 and ST, whatever kind they are.

    Examples
    --------
    >>> import xarray as xr
    >>> dependent = plain({"y": xr.Dataset({"S1_full_conf": ((), 0.1), "ST_independent": ((), 0.4)})})["y"]
    >>> sorted(dependent), is_dependent(dependent)
    (['S1_conf', 'ST'], True)
    """
    return {name: _plain(ds) for name, ds in datasets.items()}


def is_dependent(ds: xr.Dataset) -> bool:
    """Tell whether the inputs behind a quantity that `plain` returned depend on each other."""
    return bool(ds.attrs.get("dependent", False))


def _plain(ds: xr.Dataset) -> xr.Dataset:
    if DEPENDENT_INDICES[1] not in ds:
        return ds
    renamed = {
        str(name): str(name).replace(long, short, 1)
        for name in ds.data_vars
        for long, short in zip(DEPENDENT_INDICES, INDICES, strict=True)
        if str(name).startswith(long)
    }
    return ds.rename(renamed).assign_attrs(dependent=True)
