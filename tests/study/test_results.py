"""Results in the hands of a reader: datasets, tables, pictures, a notebook's view."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

from parsl_sa import Results
from parsl_sa.errors import SpecError, StudyError
from support.inline_study import N, losing_power, prepared, study_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return the results of a study of two outputs."""

    def function(x):  # type: ignore[no-untyped-def]  # its annotation would say what is to be found out
        return np.stack([np.sin(x[:, 0]), x[:, 1] * x[:, 2]], axis=1)

    study = study_of(function, outputs=["wave", "product"], name="two")
    return study.launch(tmp_path_factory.mktemp("two") / "study", progress=False)


def test_a_quantity_is_a_dataset(results: Results) -> None:
    wave = results["wave"]
    assert isinstance(wave, xr.Dataset)
    assert float(wave["S1"].sel(parameter="x1")) == pytest.approx(1.0)
    assert results.names == ["wave", "product"]


def test_an_unknown_quantity_names_those_there_are(results: Results) -> None:
    with pytest.raises(KeyError) as caught:
        results["wav"]
    assert str(caught.value) == "no output 'wav'; there are: wave, product"


def test_the_dataframe_has_a_row_for_each_output_and_parameter(results: Results) -> None:
    frame = results.to_dataframe()
    (row,) = frame[(frame["output"] == "product") & (frame["parameter"] == "x2")].to_dict("records")
    assert row["ST"] == float(results["product"]["ST"].sel(parameter="x2"))
    assert row["S1_conf"] == float(results["product"]["S1_conf"].sel(parameter="x2"))
    (own,) = frame[(frame["output"] == "product") & (frame["parameter"] == "")].to_dict("records")
    assert own["mean"] == float(results["product"]["mean"])


def test_the_summary_is_json(results: Results) -> None:
    told = json.loads(json.dumps(results.to_json(), allow_nan=False))
    assert told["n_used"] == N
    assert set(told["outputs"]) == {"wave", "product"}
    assert told["outputs"]["wave"]["S1"]["x1"] == pytest.approx(1.0)


def test_the_plot_has_a_panel_for_each_quantity(results: Results) -> None:
    with mpl.rc_context({"backend": "agg"}):
        figure = results.plot()
        figure.canvas.draw()
    texts = " ".join(text.get_text() for axes in figure.axes for text in axes.findobj(mpl.text.Text))
    for name in ("wave", "product"):
        assert name in texts
    assert len(figure.axes) >= 2


def test_a_notebook_shows_tables(results: Results) -> None:
    html = results._repr_html_()
    assert html.startswith("<pre")
    assert html.endswith("</pre>")
    for word in ("wave", "product", "x1", "S1", "ST"):
        assert word in html
    assert "\x1b" not in html


def test_names_are_text_in_html(tmp_path: Path) -> None:
    parameters = [{"name": "<b>&", "distribution": "uniform", "low": 0, "high": 1}]
    from parsl_sa import Study

    study = Study.from_function(lambda x: x[:, 0], parameters, n=256, model={"arrays": "numpy"})
    html = study.launch(tmp_path / "study", progress=False)._repr_html_()
    assert "&lt;b&gt;&amp;" in html
    assert "<b>" not in html


def test_repr_says_how_far_it_got(results: Results) -> None:
    assert repr(results) == f"<Results of two: wave, product; n = {N} of {N}>"


def test_xarray_opens_them_without_parsl_sa(results: Results) -> None:
    opened = xr.open_zarr(results.directory / "results.zarr", group="wave")
    np.testing.assert_array_equal(opened["ST"].values, results["wave"]["ST"].values)


def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is not a study directory"):
        Results.open(tmp_path)
    study = prepared(study_of(), tmp_path / "study")
    with pytest.raises(StudyError, match="no checkpoint yet, so no results"):
        Results.open(study.root)


def test_an_unfinished_study_is_opened_at_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parsl_sa.study import run

    farm = {"site": "inline", "reducer": {"checkpoint_s": 1e-6}}
    study = prepared(study_of(farm=farm), tmp_path / "study")

    with monkeypatch.context() as patch:
        losing_power(patch, after=6)
        with pytest.raises(SystemError):
            run(study)
    results = Results.open(study.root)
    assert not results.attrs["finished"]
    assert 0 < results.attrs["n_used"] < N
    assert f"of {N}>" in repr(results)
