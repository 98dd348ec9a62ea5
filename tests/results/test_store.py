from __future__ import annotations

import json
import math
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from parsl_sa.errors import StudyError
from parsl_sa.records import Quantity
from parsl_sa.results import store
from parsl_sa.results.schema import dataset

ATTRS: dict[str, Any] = {
    "name": "airfoil",
    "spec": json.dumps({"spec_version": 1, "name": "airfoil"}),
    "seed": 0,
    "model_hashes": {"model.py": "ab12"},
    "versions": {"parsl_sa": "0.1.0", "torch": "2.13.0"},
    "n_planned": 4096,
    "n_used": 4094,
    "n_replicates": 16,
    "dropped": [{"bundle": 7, "reason": "non-finite CL"}, {"bundle": 9, "reason": "non-finite CL"}],
    "level": 0.95,
    "estimator": "azzini-rosati",
    "design": "pick-freeze",
    "plan": "00ff",
    "finished": True,
}
NAMES = ["alpha", "ε", "xtr_upper"]


def example(unit: str = "") -> dict[str, xr.Dataset]:
    rng = np.random.default_rng(0)
    n_cells = 7
    values: dict[str, np.ndarray] = {
        "mean": rng.normal(size=n_cells),
        "S1": rng.normal(size=(3, n_cells)),
        "S1_conf": np.full((3, n_cells), np.nan),
        "undefined": np.zeros((3, n_cells), dtype=bool),
    }
    values["S1"][1, 0] = np.nan
    values["S1"][2, 3] = -0.0
    values["undefined"][1, 0] = True
    quantities = [
        Quantity("CL", unit=unit),
        Quantity("L/D", start=1),
        Quantity("theta", ("x",), (5,), start=2, unit="m"),
    ]
    return {q.name: dataset(q, NAMES, values, parameter_units=["deg", "", "m"]) for q in quantities}


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_what_is_written_is_read_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "results.zarr"
    written = example()
    store.write(path, written, ATTRS)
    read, attrs = store.open_store(path)
    assert list(read) == ["CL", "L/D", "theta"]
    assert {key: attrs[key] for key in ATTRS} == ATTRS
    for name, ds in written.items():
        assert set(read[name].variables) == set(ds.variables)
        for variable in ds.data_vars:
            got = read[name][variable]
            assert got.dims == ds[variable].dims
            assert got.dtype == ds[variable].dtype
            assert got.values.tobytes() == ds[variable].values.tobytes()
            assert got.attrs == ds[variable].attrs
        assert read[name]["parameter"].values.tolist() == NAMES
        assert read[name]["parameter_unit"].values.tolist() == ["deg", "", "m"]
    assert names_in(tmp_path) == ["results.zarr"]


def test_a_plain_xarray_reader_gets_provenance_and_no_warning(tmp_path: Path) -> None:
    store.write(tmp_path / "results.zarr", example(), ATTRS)
    ds = xr.open_zarr(tmp_path / "results.zarr", group="CL")
    assert {key: ds.attrs[key] for key in ATTRS} == ATTRS
    assert json.loads(ds.attrs["spec"])["name"] == "airfoil"
    assert ds["S1"].sel(parameter="alpha").item() == example()["CL"]["S1"].sel(parameter="alpha").item()
    assert math.isnan(ds["S1"].sel(parameter="ε").item())
    assert bool(ds["undefined"].sel(parameter="ε"))
    assert ds.to_dataframe().loc["alpha", "S1"] == ds["S1"].values[0]


def test_the_store_is_zarr_v3_with_text_in_a_specified_type(tmp_path: Path) -> None:
    store.write(tmp_path / "results.zarr", example(), ATTRS)
    meta = json.loads((tmp_path / "results.zarr/CL/parameter/zarr.json").read_text())
    assert (meta["zarr_format"], meta["data_type"]) == (3, "string")


def test_a_dataset_read_from_one_store_can_be_written_to_another(tmp_path: Path) -> None:
    store.write(tmp_path / "a.zarr", example(), ATTRS)
    read, attrs = store.open_store(tmp_path / "a.zarr")
    store.write(tmp_path / "b.zarr", read, attrs)
    again, attrs_again = store.open_store(tmp_path / "b.zarr")
    assert attrs_again == attrs
    for name in read:
        xr.testing.assert_identical(again[name], read[name])


def test_opening_reads_no_array(tmp_path: Path) -> None:
    store.write(tmp_path / "results.zarr", example(), ATTRS)
    read, _ = store.open_store(tmp_path / "results.zarr")
    assert not read["theta"]["S1"].variable._in_memory


@pytest.mark.parametrize("unit", ["seconds", "days", "hours", "days since 2000-01-01", "s"])
def test_a_unit_of_time_does_not_turn_numbers_into_dates(tmp_path: Path, unit: str) -> None:
    store.write(tmp_path / "results.zarr", example(unit), ATTRS)
    assert (
        xr.open_zarr(tmp_path / "results.zarr", group="CL", decode_timedelta=True)["mean"].dtype == np.float64
    )


def test_an_existing_store_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "results.zarr"
    store.write(path, example(), ATTRS)
    store.write(path, {"CL": example()["CL"]}, {**ATTRS, "n_used": 1})
    read, attrs = store.open_store(path)
    assert list(read) == ["CL"]
    assert attrs["n_used"] == 1
    assert not (path / "theta").exists()
    assert names_in(tmp_path) == ["results.zarr"]


class _Died(BaseException):
    """Stands for a process that is killed."""


def _die(*_: object, **__: object) -> None:
    raise _Died


def test_a_write_that_dies_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.zarr"
    store.write(path, example(), ATTRS)
    # nothing is cleaned up either, as after SIGKILL
    monkeypatch.setattr(store.shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setattr(store, "_replace", _die)
    with pytest.raises(_Died):
        store.write(path, {"CL": example()["CL"]}, {**ATTRS, "n_used": 1})
    monkeypatch.undo()
    assert len(names_in(tmp_path)) == 2
    assert store.open_store(path)[1]["n_used"] == ATTRS["n_used"]
    store.write(path, example(), {**ATTRS, "n_used": 2})
    assert names_in(tmp_path) == ["results.zarr"]
    assert store.open_store(path)[1]["n_used"] == 2


def test_a_first_write_that_dies_leaves_nothing_to_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.zarr, "consolidate_metadata", _die)
    with pytest.raises(_Died):
        store.write(tmp_path / "results.zarr", example(), ATTRS)
    assert names_in(tmp_path) == []
    with pytest.raises(StudyError, match="no results"):
        store.open_store(tmp_path / "results.zarr")


def test_a_death_between_the_two_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.zarr"
    store.write(path, example(), ATTRS)
    rename = Path.rename

    def die_on_the_second(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise _Died
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", die_on_the_second)
    with pytest.raises(_Died):
        store.write(path, example(), {**ATTRS, "n_used": 1})
    monkeypatch.undo()
    assert not path.exists()
    assert store.open_store(path)[1]["n_used"] == ATTRS["n_used"]
    store.write(path, example(), {**ATTRS, "n_used": 2})
    assert names_in(tmp_path) == ["results.zarr"]


def test_the_store_has_the_permissions_of_any_new_folder(tmp_path: Path) -> None:
    store.write(tmp_path / "results.zarr", example(), ATTRS)
    (tmp_path / "other").mkdir()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("results.zarr", "other")]
    assert modes[0] == modes[1]


def test_attributes_become_plain_json(tmp_path: Path) -> None:
    attrs = {"seed": np.int64(3), "share": np.float64("nan"), "axes": (1, 2), "deep": {"a": [np.bool_(True)]}}
    store.write(tmp_path / "r.zarr", example(), attrs)
    read = store.open_store(tmp_path / "r.zarr")[1]
    assert {key: read[key] for key in attrs} == {
        "seed": 3,
        "share": None,
        "axes": [1, 2],
        "deep": {"a": [True]},
    }
    assert "created" in read
    text = (tmp_path / "r.zarr/CL/zarr.json").read_text()
    json.loads(text, parse_constant=pytest.fail)


def test_an_attribute_that_is_no_json_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"versions\.torch: Path|versions\.torch: PosixPath"):
        store.write(tmp_path / "r.zarr", example(), {"versions": {"torch": Path("x")}})
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["", "/CL", "a//b", "../x", "__x"])
def test_a_name_that_cannot_be_a_group_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a group"):
        store.write(tmp_path / "r.zarr", {name: example()["CL"]}, ATTRS)


def test_names_that_collide_are_refused(tmp_path: Path) -> None:
    ds = example()["CL"]
    with pytest.raises(ValueError, match="collide"):
        store.write(tmp_path / "r.zarr", {"CL": ds, "CL/mean": ds}, ATTRS)


def test_a_store_of_somebody_else_is_said_to_be_one(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example()["CL"].drop_vars(["parameter", "parameter_unit"]).to_zarr(tmp_path / "r.zarr", zarr_format=3)
    with pytest.raises(StudyError, match="not one that parsl-sa wrote"):
        store.open_store(tmp_path / "r.zarr")


def test_large_arrays_are_cut_into_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHUNK_BYTES", 64)
    written = example()
    store.write(tmp_path / "r.zarr", written, ATTRS)
    meta = json.loads((tmp_path / "r.zarr/theta/S1/zarr.json").read_text())
    assert meta["chunk_grid"]["configuration"]["chunk_shape"] == [1, 5]
    read, _ = store.open_store(tmp_path / "r.zarr")
    np.testing.assert_array_equal(read["theta"]["S1"].values, written["theta"]["S1"].values)
