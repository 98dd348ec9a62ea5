"""What a field has beside its cells' statistics: described, stored, read again and summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr

from parsl_sa.records import Quantity
from parsl_sa.results import store, summary
from parsl_sa.results.schema import Extras, cell_dims, dataset, is_field

if TYPE_CHECKING:
    from pathlib import Path

QUANTITY = Quantity("theta", ("side", "x"), (2, 3), 1, "m")
SCALAR = Quantity("CL", unit="1")
PARAMETERS = ["alpha", "Re"]
LOOKS = np.array([16, 32, 48, 64])


def values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {"mean": rng.random(7), "variance": rng.random(7)}
    found |= {name: rng.random((2, 7)) for name in ("S1", "S1_conf", "ST", "ST_conf")}
    found["undefined"] = np.zeros((2, 7), bool)
    for name, array in found.items():
        array[..., 4] = False if name == "undefined" else np.nan
    return found


def field() -> xr.Dataset:
    whole = {"S1": [0.6, 0.3], "S1_conf": [0.02, 0.01], "S1_low": [0.58, 0.29], "S1_high": [0.62, 0.31]}
    whole |= {"ST": [0.7, 0.4], "ST_conf": [0.02, np.nan]}
    extras = Extras(
        coords={"side": (("upper", "lower"), ""), "x": ((0.1, 0.5, 0.9), "chord")},
        weights=np.arange(6.0),
        masked=np.arange(6) == 3,
        aggregated={name: np.array(value) for name, value in whole.items()},
        looks={"S1": np.linspace(0, 1, 8).reshape(4, 2), "S1_conf": np.full((4, 2), np.nan)},
        look_bundles=LOOKS,
    )
    return dataset(QUANTITY, PARAMETERS, values(), parameter_units=["deg", ""], level=0.9, extras=extras)


def scalar() -> xr.Dataset:
    looks = {"S1": np.ones((4, 2)), "mean": np.arange(4.0), "mean_conf": np.zeros(4)}
    return dataset(SCALAR, PARAMETERS, values(), extras=Extras(looks=looks, look_bundles=LOOKS))


def test_coordinates_are_those_of_xarray() -> None:
    ds = field()
    assert ds["S1"].sel(side="lower", x=0.5, parameter="Re").item() == values()["S1"][1, 5]
    assert ds["x"].attrs == {"long_name": "x", "units": "chord"}
    assert ds["side"].values.tolist() == ["upper", "lower"]


def test_variables_and_their_dims() -> None:
    ds = field()
    assert (ds["S1_aggregated"].dims, ds["S1_aggregated_high"].dims) == (("parameter",), ("parameter",))
    assert ds["S1_look"].dims == ("look", "parameter")
    assert ds["look"].values.tolist() == LOOKS.tolist()
    assert ds["masked"].dims == ds["weight"].dims == ("side", "x")
    assert ds["masked"].dtype == np.bool_
    assert ds["masked"].values.sum() == 1
    assert "90 % interval" in ds["S1_aggregated_conf"].attrs["description"]
    assert (cell_dims(ds), is_field(ds)) == (("side", "x"), True)
    one = scalar()
    assert (one["mean_look"].dims, one["S1_look"].dims) == (("look",), ("look", "parameter"))
    assert not is_field(one)
    assert {"masked", "weight", "S1_aggregated"}.isdisjoint(one)


def test_what_nobody_stated_is_not_there() -> None:
    ds = dataset(QUANTITY, PARAMETERS, values(), extras=Extras(masked=np.zeros(6, bool)))
    assert {"masked", "weight", "look", "x", "side"}.isdisjoint(ds.variables)


def test_an_axis_called_look_is_refused() -> None:
    with pytest.raises(ValueError, match="look"):
        dataset(Quantity("y", ("look",), (7,)), PARAMETERS, values())


def test_all_of_it_survives_the_store(tmp_path: Path) -> None:
    datasets = {"theta": field(), "CL": scalar()}
    store.write(tmp_path / "results.zarr", datasets, {"name": "wing"})
    read, _ = store.open_store(tmp_path / "results.zarr")
    for name, ds in datasets.items():
        xr.testing.assert_equal(read[name].load(), ds)
        for variable in ds.variables:
            assert read[name][variable].attrs == ds[variable].attrs, variable
            assert (read[name][variable].dtype == bool) == (ds[variable].dtype == bool), variable


def test_the_summary_tells_of_whole_fields_and_masks() -> None:
    told = summary.to_json({"theta": field()}, {"name": "wing"})["outputs"]["theta"]
    assert told["S1"]["alpha"]["aggregated"] == 0.6
    assert told["S1_conf"]["Re"]["aggregated"] == 0.01
    assert told["ST_conf"]["Re"]["aggregated"] is None
    assert told["masked"] == {"cells": 1, "of": 6}
    assert not any("look" in name or "aggregated" in name or name == "weight" for name in told)
    rows = summary.to_rows({"theta": field()})
    assert {
        "output": "theta",
        "parameter": "alpha",
        "statistic": "S1",
        "cells": "aggregated",
        "value": 0.6,
    } in rows
    # Cells that are masked are left out of the smallest and largest.
    assert told["mean"]["min"] == pytest.approx(np.nanmin(values()["mean"][1:]))
