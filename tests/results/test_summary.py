from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import xarray as xr

from parsl_sa.records import Quantity
from parsl_sa.results.schema import dataset
from parsl_sa.results.summary import COLUMNS, NAMED, aggregated, over_cells, to_dataframe, to_json, to_rows

ATTRS = {"name": "airfoil", "n_planned": 64, "n_used": 62, "dropped": [{"bundle": 1, "reason": "x"}] * 2}
NAN = np.nan


def values() -> dict[str, np.ndarray]:
    """One scalar (cell 0) and a field of three cells, the first of which is constant."""
    return {
        "mean": np.array([1.5, 0.0, 1.0, 5.0]),
        "variance": np.array([2.0, 0.0, 1.0, 3.0]),
        "S1": np.array([[0.7, NAN, 0.5, 1.0], [0.2, NAN, 0.5, -0.1]]),
        "S1_conf": np.array([[NAN] * 4, [0.1] * 4]),
        "undefined": np.array([[False, True, False, False]] * 2),
    }


def example() -> dict[str, xr.Dataset]:
    names = ["alpha", "Re"]
    field = Quantity("theta", ("x",), (3,), start=1)
    return {q.name: dataset(q, names, values()) for q in (Quantity("CL"), field)}


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_scalar_is_numbers_by_parameter() -> None:
    summary = to_json(example(), ATTRS)
    assert {key: summary[key] for key in ("name", "n_planned", "n_used", "dropped")} == {
        "name": "airfoil",
        "n_planned": 64,
        "n_used": 62,
        "dropped": 2,
    }
    assert list(summary) == ["name", "n_planned", "n_used", "dropped", "outputs"]
    assert summary["outputs"]["CL"] == {
        "mean": 1.5,
        "variance": 2.0,
        "S1": {"alpha": 0.7, "Re": 0.2},
        "S1_conf": {"alpha": None, "Re": 0.1},
        "undefined": {"alpha": False, "Re": False},
    }


def test_a_field_is_summaries_over_its_cells() -> None:
    theta = to_json(example(), ATTRS)["outputs"]["theta"]
    assert theta["mean"] == {"min": 0.0, "median": 1.0, "max": 5.0}
    assert theta["S1"]["alpha"] == {"min": 0.5, "median": 0.75, "max": 1.0, "aggregated": 3.5 / 4.0}
    assert theta["S1"]["Re"]["aggregated"] == pytest.approx((0.5 - 0.3) / 4.0)
    assert theta["S1_conf"]["alpha"] == {"min": None, "median": None, "max": None}
    assert theta["undefined"] == {"alpha": {"cells": 1, "of": 3}, "Re": {"cells": 1, "of": 3}}


def test_it_is_strict_json() -> None:
    datasets = example()
    datasets["CL"]["mean"].values[()] = np.inf
    text = json.dumps(to_json(datasets, ATTRS), allow_nan=False)
    assert json.loads(text)["outputs"]["CL"]["mean"] is None


def test_the_aggregate_of_constant_indices_is_that_index() -> None:
    weights = np.array([[0.0, 1.0], [4.0, 9.0]])
    share = np.broadcast_to(np.array([0.25, 0.75])[:, None, None], (2, 2, 2)).copy()
    share[:, 0, 0] = NAN
    ds = xr.Dataset({"variance": (("side", "x"), weights), "ST": (("parameter", "side", "x"), share)})
    np.testing.assert_allclose(aggregated(ds, "ST"), [0.25, 0.75], rtol=1e-15)
    # the same with its axes in another order
    np.testing.assert_allclose(
        aggregated(ds.transpose("x", "side", "parameter"), "ST"), [0.25, 0.75], rtol=1e-15
    )


def test_no_variance_gives_no_aggregate() -> None:
    ds = example()["theta"]
    assert np.isnan(aggregated(ds.drop_vars("variance"), "S1")).all()
    assert np.isnan(aggregated(ds.assign(variance=0.0 * ds["variance"]), "S1")).all()


def test_nothing_finite_is_none() -> None:
    assert over_cells(np.array([NAN, np.inf])) == {"min": None, "median": None, "max": None}


def test_rows_are_long_form() -> None:
    rows = to_rows(example())
    assert all(tuple(row) == COLUMNS for row in rows)
    scalar = [row for row in rows if row["output"] == "CL" and row["statistic"] == "S1"]
    assert [(row["parameter"], row["cells"], row["value"]) for row in scalar] == [
        ("alpha", "", 0.7),
        ("Re", "", 0.2),
    ]
    assert {row["cells"] for row in rows if row["output"] == "theta" and row["statistic"] == "S1"} == {
        "min",
        "median",
        "max",
        "aggregated",
    }


def test_the_frame_has_a_column_a_statistic() -> None:
    frame = to_dataframe({"CL": example()["CL"]})
    assert "cells" not in frame
    row = frame[(frame.output == "CL") & (frame.parameter == "alpha")].iloc[0]
    assert row["S1"] == 0.7
    assert np.isnan(row["S1_conf"])
    assert frame[frame.parameter == ""]["mean"].tolist() == [1.5]
    assert len(to_dataframe(example()).query("output == 'theta' and cells == 'aggregated'")) == 2


def named_field(n: int) -> xr.Dataset:
    """A field over one axis with names, as the classes of a classifier are."""
    mean = np.arange(n, dtype=np.float64)
    ST = np.stack([mean, -mean])
    made = dataset(
        Quantity("p", ("class",), (n,)), ["a", "b"], {"mean": mean, "ST": ST, "undefined": ST < 0.0}
    )
    return made.assign_coords({"class": [f"c{k}" for k in range(n)]})


def test_cells_with_names_are_there_by_name() -> None:
    told = to_json({"p": named_field(3)}, ATTRS)["outputs"]["p"]
    assert told["mean"] == {"min": 0.0, "median": 1.0, "max": 2.0, "class": {"c0": 0.0, "c1": 1.0, "c2": 2.0}}
    assert told["ST"]["b"]["class"] == {"c0": 0.0, "c1": -1.0, "c2": -2.0}
    assert told["undefined"]["b"] == {"cells": 2, "of": 3, "class": {"c0": False, "c1": True, "c2": True}}
    assert json.loads(json.dumps(told)) == told
    rows = to_rows({"p": named_field(3)})
    found = {(row["parameter"], row["cells"]): row["value"] for row in rows if row["statistic"] == "ST"}
    assert found["b", "class=c2"] == -2.0
    assert (
        to_dataframe({"p": named_field(3)}).set_index(["parameter", "cells"])["ST"]["b", "class=c2"] == -2.0
    )


def test_many_names_are_left_to_the_store() -> None:
    assert "class" in to_json({"p": named_field(NAMED)}, ATTRS)["outputs"]["p"]["mean"]
    assert "class" not in to_json({"p": named_field(NAMED + 1)}, ATTRS)["outputs"]["p"]["mean"]
