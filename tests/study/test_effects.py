"""Whole studies of effects, inline: what is there and taken away, what is uncertain besides, and fields."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console

from parsl_sa import Study
from parsl_sa.report.tables import results_view
from parsl_sa.study import StudyWarning

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from parsl_sa import Results

    Floats = npt.NDArray[np.float64]

WEIGHTS = np.array([3.0, -1.0, 0.5, 0.0])
PATCHES = [{"name": f"patch{i}", "distribution": "switch"} for i in range(4)]
NOISE = {"name": "noise", "distribution": "uniform", "low": 0.0, "high": 1.0}
ONE_AT_A_TIME = {"method": "one-at-a-time"}
MASK = np.linspace(0.0, 1.0, 12)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `runs/` be made in the test's folder."""
    monkeypatch.chdir(tmp_path)


def score(x: Floats) -> Floats:
    """Return a sum over patches, as bright as the noise makes it."""
    y: Floats = (x[:, :4] @ WEIGHTS) * (1.0 + 0.5 * x[:, 4])
    return y


def both(x: Floats) -> dict[str, Floats]:
    y = score(x)
    return {"y": y, "heat": y[:, None] * MASK}


def text_of(results: Results) -> str:
    console = Console(width=120, file=StringIO())
    console.print(results_view(results.datasets, results.attrs))
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return written


def study_of(function: Any, parameters: list[dict[str, Any]], n: int, **spec: Any) -> Study:
    return Study.from_function(
        function, parameters, n=n, design=ONE_AT_A_TIME, model={"arrays": "numpy"}, **spec
    )


@pytest.fixture(scope="module")
def uncertain(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Four patches under a noise, of a number and of a field."""
    outputs = [
        {"name": "y", "select": "y", "unit": "K"},
        {"name": "heat", "select": "heat", "dims": {"x": 12}, "unit": "m"},
    ]
    study = study_of(both, [*PATCHES, NOISE], 64, outputs=outputs)
    with pytest.warns(StudyWarning, match="'patch3' changes no output"):
        return study.launch(tmp_path_factory.mktemp("effects") / "study", progress=False)


def test_effects_are_exact_means_over_the_noise(uncertain: Results) -> None:
    y = uncertain["y"]
    exact = np.append(WEIGHTS * 1.25, 0.0)  # the mean of 1 + noise / 2
    names = [*(f"patch{i}" for i in range(4)), "noise"]
    assert y["parameter"].values.tolist() == names
    # 4 intervals of 95 %; 2 half-widths are 99.9 % of a t distribution with 15 degrees of freedom
    assert (abs(y["effect"].values - exact) <= 2 * y["effect_conf"].values).all()
    assert (abs(y["effect_abs"].values[:4] - abs(exact[:4])) <= 2 * y["effect_abs_conf"].values[:4]).all()
    # 2.5 E |u - u'| / 2 with uniform u and u', whose mean distance is 1 / 3
    assert abs(y["effect_abs"].values[4] - 2.5 / 6) <= 2 * y["effect_abs_conf"].values[4]
    assert (y["effect_abs_conf"].values[:3] > 0.0).all()
    assert (y["effect_abs_conf_simultaneous"].values[:3] > y["effect_abs_conf"].values[:3]).all()
    assert y["effect"].attrs["units"] == y["effect_sd"].attrs["units"] == "K"
    assert not y["flat"]
    assert abs(y["mean"] - 2.5 * 1.25) <= 2 * y["mean_conf"]  # of the base point: every patch is there


def test_a_field_has_effects_in_every_cell_and_a_flag_where_it_is_flat(uncertain: Results) -> None:
    y, heat = uncertain["y"], uncertain["heat"]
    expected = y["effect"].values[:, None] * MASK
    np.testing.assert_allclose(heat["effect"].values, expected, rtol=1e-12, atol=1e-15)
    assert heat["flat"].values.tolist() == [True, *[False] * 11]


def test_the_json_the_table_and_the_sentence_rank_by_magnitude(uncertain: Results) -> None:
    told = json.loads(json.dumps(uncertain.to_json()))["outputs"]
    assert told["y"]["effect"]["patch1"] == pytest.approx(-1.25, abs=0.02)
    assert {"effect_conf", "effect_low", "effect_high", "effect_abs_conf", "effect_sd", "flat"} <= set(
        told["y"]
    )
    assert set(told["heat"]["effect_abs"]["patch0"]) == {"min", "median", "max"}
    text = " ".join(text_of(uncertain).split())
    assert "y: changing patch0 alone lowers it the most, by 3.7" in text
    assert "K on average; the other 4 each move it by at most 1.2" in text
    assert "heat (12 cells): by estimates without an interval" in text
    assert "Flat: heat in 1 of 12 cells" in text
    places = [text.index(name) for name in ("1 patch0", "2 patch1", "3 patch2", "4 noise", "5 patch3")]
    assert places == sorted(places)


def test_the_page_has_bars_a_table_and_the_papers(uncertain: Results, tmp_path: Path) -> None:
    page = uncertain.report(tmp_path / "report")
    html = page.read_text(encoding="utf-8")
    assert "Effects of one parameter at a time" in html
    assert "Campolongo" in html
    assert "first-order" not in html
    assert "ST, total order" not in html
    rows = (tmp_path / "report" / "y-effects.csv").read_text().splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == ["patch0", "patch1", "patch2", "noise", "patch3"]
    assert (tmp_path / "report" / "heat-effects.png").read_bytes().startswith(b"\x89PNG")
    assert len(uncertain.plot().axes) == 2


def test_nothing_but_switches_is_exact_at_once(tmp_path: Path) -> None:
    fixed = {"name": "noise", "distribution": "constant", "value": 1.0}
    results = study_of(score, [*PATCHES, fixed], 1).launch("study", progress=False)
    assert results.attrs["n_forwards"] == 5
    y = results["y"]
    np.testing.assert_allclose(y["effect"].values, 1.5 * WEIGHTS, rtol=1e-14)
    for part in ("conf", "conf_simultaneous"):
        assert (y[f"effect_{part}"] == 0.0).all()
    text = text_of(results)
    assert "4.500 ± 0" in text
    assert "by estimates without an interval" not in text
    assert "replicate is complete" not in results.report(tmp_path / "report").read_text(encoding="utf-8")


def test_one_base_point_is_not_exact_where_more_than_switches_vary() -> None:
    with pytest.warns(StudyWarning, match="too few for intervals"):
        study = study_of(score, [*PATCHES, NOISE], 1)
    y = study.launch("study", progress=False)["y"]
    assert y["effect_conf"].isnull().all()


def test_a_dead_output_is_constant_and_not_undefined() -> None:
    def dead(x: Floats) -> Floats:
        return np.full(len(x), 0.75)

    with pytest.warns(StudyWarning, match="its effects 0"):
        results = study_of(dead, [*PATCHES, NOISE], 16).launch("study", progress=False)
    assert results["y"]["flat"]
    assert (results["y"]["effect_abs"] == 0.0).all()
    text = " ".join(text_of(results).split())
    assert "y is constant: no parameter changes it" in text
    assert "study its logit" in text
    assert results.report().exists()
