"""Results as plain values: the JSON object of `results --json`, the rows of `--csv`, a DataFrame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.results.meanings import AGGREGATED, WEIGHT
from parsl_sa.results.schema import (
    ALL_INDICES,
    LOOK,
    PAIR,
    PARAMETER,
    aggregated_name,
    is_field,
    named_cells,
    parameter_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    import pandas as pd
    import xarray as xr

Number = float | bool | int | None
Row = dict[str, Any]

NAMED = 64
"""Most named cells that are listed one by one; the store has them all."""

COLUMNS = ("output", "parameter", "statistic", "cells", "value")


def to_json(datasets: Mapping[str, xr.Dataset], attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Summarise a study as one JSON object.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        One a quantity of interest.
    attrs : mapping
        Provenance; `name`, `n_planned`, `n_used` and `dropped` are read.

    Returns
    -------
    dict
        ``{"name", "n_planned", "n_used", "dropped", "outputs": {output: {statistic: value}}}``. `dropped` is
        a count. The value of an index is a dict by parameter, of S2 by pair (``"a × b"``). What is not finite
        is None, so that the object is strict JSON. A field has ``{"min", "median", "max"}`` over its defined
        cells in place of a number, an index and its interval also ``"aggregated"``, that of the whole field,
        and `undefined` and `masked` count: ``{"cells": 3, "of": 64}``. Where the cells have names along one
        axis (`NAMED` of them at most), each is there too: ``{"min": .., "class": {"cat": .., "dog": ..}}``.
        The history of estimates and weights are left to the store.
    """
    dropped = attrs.get("dropped", [])
    return {
        "name": attrs.get("name"),
        "n_planned": attrs.get("n_planned"),
        "n_used": attrs.get("n_used"),
        "dropped": dropped if isinstance(dropped, int) else len(dropped),
        "outputs": {name: _output(ds) for name, ds in datasets.items()},
    }


def to_rows(datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """List every number of `to_json` as one record, for CSV and for data frames.

    Returns
    -------
    list of dict
        Keys `COLUMNS`: ``output``; ``parameter``, empty for a statistic of the output itself; ``statistic``;
        ``cells``, which says what is taken over the cells of a field and is empty for a scalar; ``value``.

    Examples
    --------
    >>> import xarray as xr
    >>> to_rows({"y": xr.Dataset({"mean": ((), 3.5)})})
    [{'output': 'y', 'parameter': '', 'statistic': 'mean', 'cells': '', 'value': 3.5}]
    """
    return [
        dict(zip(COLUMNS, (output, parameter, statistic, cells, value), strict=True))
        for output, ds in datasets.items()
        for statistic, summary in _output(ds).items()
        for parameter, cells, value in _flatten(summary, ds, statistic)
    ]


def to_dataframe(datasets: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Return the indices as a table: one row an output and parameter, one column a statistic.

    Returns
    -------
    pandas.DataFrame
        Columns ``output``, ``parameter``, ``cells`` (only where there are fields), then the statistics.
        The statistics of the output itself (mean, ...) stand in a row whose parameter is empty.
    """
    import pandas as pd  # noqa: PLC0415 - the command line prints tables without it

    keys = ["output", "parameter", "cells"]
    rows: dict[tuple[str, str, str], Row] = {}
    for row in to_rows(datasets):
        key = (row["output"], row["parameter"], row["cells"])
        rows.setdefault(key, dict(zip(keys, key, strict=True)))[row["statistic"]] = row["value"]
    frame = pd.DataFrame(list(rows.values()))
    return (
        frame
        if any(is_field(ds) for ds in datasets.values())
        else frame.drop(columns="cells", errors="ignore")
    )


def aggregated(ds: xr.Dataset, index: str) -> npt.NDArray[np.float64]:
    """Return an index of a whole field: as the study formed it, else weighed by the variance of the cells.

    Parameters
    ----------
    ds : xarray.Dataset
        A field, with `variance` and the index.
    index : str
        ``"S1"``, ``"ST"``, or a part of its interval such as ``"S1_conf"``.

    Returns
    -------
    ndarray of float64, shape (d,)
        NaN where there is no variance anywhere, and for an interval that the study has not formed: it cannot
        be had from cells.

    Notes
    -----
    sum over cells of S V / sum of V, the generalised index of a field. Cells whose index is undefined carry
    no variance and are left out of both sums.

    References
    ----------
    .. [1] Gamboa, Janon, Klein, Lagnoux (2014), Electron. J. Stat. 8, 575-603. doi:10.1214/14-EJS895

    Examples
    --------
    >>> import xarray as xr
    >>> S1 = (("parameter", "x"), [[1.0, 0.0], [0.0, 1.0]])
    >>> ds = xr.Dataset({"variance": ("x", [1.0, 3.0]), "S1": S1})
    >>> aggregated(ds, "S1")
    array([0.25, 0.75])
    """
    if aggregated_name(index) in ds:
        return np.asarray(ds[aggregated_name(index)].values, np.float64)
    axis = _axis(ds[index])
    per_cell = ds[index].transpose(axis, ...)
    share = per_cell.values.reshape(per_cell.sizes[axis], -1)
    if "variance" not in ds or index not in ALL_INDICES:
        return np.full(share.shape[0], np.nan)
    variance = ds["variance"].transpose(*per_cell.dims[1:]).values.reshape(1, -1)
    weight = np.where(np.isfinite(share), variance, 0.0)
    weight = np.where(np.isfinite(weight), weight, 0.0)
    total = weight.sum(axis=1)
    summed = np.where(weight > 0.0, weight * np.nan_to_num(share, posinf=0.0, neginf=0.0), 0.0).sum(axis=1)
    shares: npt.NDArray[np.float64] = np.full(share.shape[0], np.nan)
    np.divide(summed, total, out=shares, where=total > 0.0)
    return shares


def _axis(variable: xr.DataArray) -> str:
    """Return the axis of an index, or nothing for a statistic of the output itself."""
    return next((axis for axis in (PARAMETER, PAIR) if axis in variable.dims), "")


def over_cells(values: npt.NDArray[np.float64]) -> dict[str, Number]:
    """Return the smallest, median and largest finite entry; None where there is none.

    Examples
    --------
    >>> over_cells(np.array([1.0, np.nan, 4.0, 2.0]))
    {'min': 1.0, 'median': 2.0, 'max': 4.0}
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return {"min": None, "median": None, "max": None}
    return {"min": float(finite.min()), "median": float(np.median(finite)), "max": float(finite.max())}


def _output(ds: xr.Dataset) -> dict[str, Any]:
    return {str(name): _statistic(ds, str(name)) for name in ds.data_vars if _is_summed_up(str(name))}


def _is_summed_up(name: str) -> bool:
    return not (name.endswith(f"_{LOOK}") or f"_{AGGREGATED}" in name or name == WEIGHT)


def _statistic(ds: xr.Dataset, name: str) -> Any:
    variable = ds[name]
    axis = _axis(variable)
    named = named_cells(ds)
    if not axis:
        return _cells(variable.values, named)
    summaries = [_cells(row, named) for row in variable.transpose(axis, ...).values]
    if is_field(ds) and (name in ALL_INDICES or aggregated_name(name) in ds):
        for summary, value in zip(summaries, aggregated(ds, name), strict=True):
            summary[AGGREGATED] = _plain(value)
    names = parameter_names(ds) if axis == PARAMETER else [str(pair) for pair in ds[PAIR].values.tolist()]
    return dict(zip(names, summaries, strict=True))


def _cells(values: npt.NDArray[Any], named: tuple[str, tuple[str, ...]] | None) -> Any:
    if values.ndim == 0:
        return _plain(values[()])
    is_flag = values.dtype == np.bool_
    summary: dict[str, Any] = (
        {"cells": int(values.sum()), "of": int(values.size)} if is_flag else over_cells(values)
    )
    if named is not None and len(named[1]) <= NAMED and named[0] not in summary:
        summary[named[0]] = dict(zip(named[1], map(_plain, values), strict=True))
    return summary


def _plain(value: Any) -> Number:
    if isinstance(value, np.bool_):
        return bool(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _flatten(summary: Any, ds: xr.Dataset, statistic: str) -> Iterator[tuple[str, str, Number]]:
    by_parameter = summary if _axis(ds[statistic]) else {"": summary}
    for parameter, cells in by_parameter.items():
        if not isinstance(cells, dict):
            yield parameter, "", cells
            continue
        for kind, value in cells.items():
            if isinstance(value, dict):
                yield from ((parameter, f"{kind}={name}", own) for name, own in value.items())
            else:
                yield parameter, kind, value
