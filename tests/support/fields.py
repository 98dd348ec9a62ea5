"""Fields made by hand, with everything a results store may hold of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.records import Quantity
from parsl_sa.results.schema import dataset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr


def field(
    sizes: Mapping[str, int],
    d: int = 3,
    *,
    masked: Sequence[int] = (),
    constant: Sequence[int] = (),
    coords: Mapping[str, Any] | None = None,
    names: Sequence[str] | None = None,
    name: str = "theta",
) -> xr.Dataset:
    """Build a field whose parameter i has S1 near (i + 1) / sum, ST a little more.

    Parameters
    ----------
    sizes : mapping of str to int
        Its axes.
    d : int
        Parameters.
    masked, constant : sequence of int
        Cells, counted over the flattened field, that are masked, and that do not vary.
    coords, names, name
        Coordinates of axes, names of parameters and of the field.
    """
    n_cells = math.prod(sizes.values())
    share = (np.arange(d)[:, None] + 1.0 + np.sin(np.arange(n_cells) / 3.0 + np.arange(d)[:, None])) / (d * d)
    away = np.zeros(n_cells, dtype=np.bool_)
    still = np.zeros(n_cells, dtype=np.bool_)
    away[list(masked)], still[list(constant)] = True, True
    values: dict[str, Any] = {
        "mean": np.cos(np.arange(n_cells) / 5.0),
        "variance": np.where(still, 0.0, 1.0 + np.arange(n_cells) / n_cells),
        "minimum": np.full(n_cells, -3.0),
        "maximum": np.full(n_cells, 4.0),
    }
    for key, factor in (("S1", 0.8), ("ST", 1.0)):
        index = np.where(still, np.nan, factor * share)
        values |= {key: index, f"{key}_conf": 0.02 + 0.0 * index}
        values |= {f"{key}_low": index - 0.02, f"{key}_high": index + 0.02}
    values = {key: np.where(away, np.nan, value) for key, value in values.items()}
    values["undefined"] = np.broadcast_to(still & ~away, (d, n_cells))
    quantity = Quantity(name, tuple(sizes), tuple(sizes.values()), unit="m")
    ds = dataset(quantity, list(names or [f"x{i + 1}" for i in range(d)]), values)
    if masked:
        ds["masked"] = (tuple(sizes), away.reshape(tuple(sizes.values())))
    return aggregate(ds.assign_coords(dict(coords or {})))


def aggregate(ds: xr.Dataset) -> xr.Dataset:
    """Add aggregated indices with intervals."""
    cells = list(ds["mean"].dims)
    for key in ("S1", "ST"):
        value = ds[key].weighted(ds["variance"].fillna(0.0)).mean(cells)
        ds[f"{key}_aggregated"] = value
        ds[f"{key}_aggregated_conf"] = 0.0 * value + 0.01
        ds[f"{key}_aggregated_low"], ds[f"{key}_aggregated_high"] = value - 0.01, value + 0.01
    return ds


def with_looks(ds: xr.Dataset, n_looks: int = 16, bundles: int = 64) -> xr.Dataset:
    """Add a history: every index starts 0.2 too high and settles at its value; intervals from 8 looks on."""
    n = bundles * np.arange(1, n_looks + 1)
    late = n >= 8 * bundles
    end = "_aggregated" if "S1_aggregated" in ds else ""
    for key in ("S1", "ST"):
        settled = ds[f"{key}{end}"].values + 0.2 * (bundles / n - bundles / n[-1])[:, None]
        half = np.where(late, 0.1 * np.sqrt(bundles / n), np.nan)
        ds[f"{key}_look"] = (("look", "parameter"), settled)
        ds[f"{key}_conf_look"] = (("look", "parameter"), np.repeat(half[:, None], settled.shape[1], axis=1))
    if not end:
        ds["mean_look"] = ("look", float(ds["mean"]) + 0.01 * bundles / n)
        ds["mean_conf_look"] = ("look", np.where(late, 0.01 * np.sqrt(bundles / n), np.nan))
    return ds.assign_coords(look=n)
