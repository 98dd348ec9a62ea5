from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from parsl_sa.records import Quantity
from parsl_sa.results.meanings import MEANINGS
from parsl_sa.results.schema import cell_dims, dataset, is_field, parameter_names

NAMES = ["alpha", "Re", "mach"]
CL = Quantity("CL", unit="")
THETA = Quantity("theta", ("side", "x"), (2, 4), start=1, unit="m")
N_CELLS = 9


def everything() -> dict[str, np.ndarray]:
    """All variables over all cells, each entry distinct."""
    values: dict[str, np.ndarray] = {}
    for position, name in enumerate(MEANINGS):
        shape = (3, N_CELLS) if name[:2] in {"S1", "ST"} or name == "undefined" else (N_CELLS,)
        values[name] = 100.0 * position + np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    values["undefined"] = np.zeros((3, N_CELLS), dtype=bool)
    values["undefined"][1, 0] = True
    return values


def test_a_scalar_has_the_parameter_axis_alone() -> None:
    values = everything()
    ds = dataset(CL, NAMES, values)
    assert set(ds.data_vars) == set(MEANINGS)
    assert ds["mean"].dims == ()
    assert ds["ST"].dims == ("parameter",)
    assert parameter_names(ds) == NAMES
    assert not is_field(ds)
    assert ds["ST"].sel(parameter="mach").item() == values["ST"][2, 0]
    assert ds["undefined"].values.tolist() == [False, True, False]


def test_a_field_takes_its_own_cells_in_its_own_shape() -> None:
    values = everything()
    ds = dataset(THETA, NAMES, values)
    assert ds["S1"].dims == ("parameter", "side", "x")
    assert cell_dims(ds) == ("side", "x")
    np.testing.assert_array_equal(ds["S1"].values, values["S1"][:, 1:].reshape(3, 2, 4))
    np.testing.assert_array_equal(ds["mean"].values, values["mean"][1:].reshape(2, 4))


def test_everything_is_float64_but_the_flag() -> None:
    values = {name: a if a.dtype == bool else a.astype(np.float32) for name, a in everything().items()}
    ds = dataset(THETA, NAMES, values)
    assert {name: v.dtype for name, v in ds.data_vars.items() if v.dtype != np.float64} == {
        "undefined": np.dtype(bool)
    }


def test_nothing_is_copied_that_needs_no_conversion() -> None:
    values = everything()
    assert np.shares_memory(dataset(THETA, NAMES, values)["ST"].values, values["ST"])


@pytest.mark.parametrize("name", list(MEANINGS))
def test_every_variable_says_what_it_is(name: str) -> None:
    attrs = dataset(THETA, NAMES, everything(), level=0.9)[name].attrs
    assert attrs["long_name"]
    assert attrs["description"]
    if name.endswith("_conf"):
        assert attrs["description"].startswith("half-width of the 90 % interval")


def test_units_follow_the_quantity() -> None:
    ds = dataset(THETA, NAMES, everything(), parameter_units=["deg", "", "1"])
    assert ds["mean"].attrs["units"] == ds["mean_conf"].attrs["units"] == "m"
    assert ds["variance"].attrs["units"] == "(m)^2"
    assert ds["S1"].attrs["units"] == "1"
    assert ds["parameter_unit"].sel(parameter="alpha").item() == "deg"
    assert dataset(CL, NAMES, everything())["variance"].attrs["units"] == ""


def test_an_unknown_statistic_passes_with_its_name() -> None:
    ds = dataset(CL, NAMES, {"q95": np.ones(N_CELLS)})
    assert ds["q95"].attrs["long_name"] == "q95"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"S1": np.ones((2, N_CELLS))}, "S1 has shape"),
        ({"mean": np.ones((3, 1, N_CELLS))}, "mean has shape"),
        ({"mean": np.ones(5)}, "mean has 5 cells"),
    ],
)
def test_wrong_shapes_are_refused(values: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataset(THETA, NAMES, values)


@pytest.mark.parametrize("dim", ["parameter", "look", "mean"])
def test_an_axis_cannot_take_a_name_of_the_schema(dim: str) -> None:
    with pytest.raises(ValueError, match=dim):
        dataset(Quantity("f", (dim,), (9,)), NAMES, everything())


def test_a_design_without_indices_gives_no_parameter_variables() -> None:
    ds = dataset(CL, NAMES, {"mean": np.ones(N_CELLS)})
    assert isinstance(ds, xr.Dataset)
    assert list(ds.data_vars) == ["mean"]
