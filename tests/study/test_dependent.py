"""Whole studies of dependent inputs, inline: every kind, and what each design makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa import Study
from parsl_sa.analytic import dependent_linear
from parsl_sa.cli.check import describe
from parsl_sa.errors import SpecError
from parsl_sa.study import StudyWarning

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from parsl_sa import Results

NORMALS = [{"name": n, "distribution": "normal", "mean": 0.0, "sd": 1.0} for n in ("a", "b", "c")]
UNIFORMS = [{"name": n, "distribution": "uniform", "low": 0.0, "high": 1.0} for n in ("a", "b", "c")]
JOINT = [{"name": n, "distribution": "joint"} for n in ("a", "b", "c")]
COPULA = {"kind": "gaussian-copula", "parameters": ["a", "b"], "correlation": [[1, 0.6], [0.6, 1]]}
BOUND = {"coefficients": {"a": 1, "b": 1}, "at_most": 1}
MONTE_CARLO = {"method": "monte-carlo"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `runs/` be made in the test's folder."""
    monkeypatch.chdir(tmp_path)


def weighted(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a + 2 b + c."""
    y: npt.NDArray[np.float64] = x @ np.array([1.0, 2.0, 1.0])
    return y


def study_of(parameters: list[dict[str, Any]], dependence: dict[str, Any], **spec: Any) -> Study:
    inputs = {"parameters": parameters, "dependence": dependence, **spec.pop("inputs", {})}
    return Study.from_function(weighted, inputs, n=2048, model={"arrays": "numpy"}, **spec)


def assert_mean(results: Results, mean: float, variance: float) -> None:
    """Mean and variance within twice their own 95 % half-widths, about four standard errors."""
    y = results["y"]
    for name, exact in (("mean", mean), ("variance", variance)):
        assert abs(float(y[name]) - exact) < 2 * float(y[f"{name}_conf"]) + 1e-12, name
        assert float(y[f"{name}_conf"]) < 0.3 * variance


def test_correlated_normals() -> None:
    results = study_of(NORMALS, COPULA, design=MONTE_CARLO).launch(progress=False)
    assert_mean(results, 0.0, 1 + 4 + 1 + 2 * 2 * 0.6)


def test_rows_of_a_table(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(50, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.5], [0, 0, 1]])
    np.savetxt(tmp_path / "inputs.csv", table, delimiter=",", header="c,a,b", comments="")
    results = study_of(JOINT, {"kind": "rows", "path": "inputs.csv"}, design=MONTE_CARLO).launch(
        progress=False
    )
    y = weighted(table[:, [1, 2, 0]])
    assert_mean(results, y.mean(), y.var())


def test_shares() -> None:
    """Dirichlet(1, 1, 1): variance 1/18, covariance -1/36."""
    simplex = {"kind": "simplex", "parameters": ["a", "b", "c"], "total": 3.0}
    results = study_of(JOINT, simplex, design=MONTE_CARLO).launch(progress=False)
    assert_mean(results, 4.0, 9 * (6 / 18 - 2 * (2 + 1 + 2) / 36))


def test_constraints_and_how_often_they_are_met() -> None:
    """b >= a of uniform numbers: means 1/3 and 2/3, variances 1/18, covariance 1/36."""
    ordered = {
        "kind": "linear-constraints",
        "constraints": [{"coefficients": {"b": 1, "a": -1}, "at_least": 0}],
    }
    study = study_of(UNIFORMS, ordered, design=MONTE_CARLO)
    with pytest.warns(
        StudyWarning, match=r"inputs\.dependence\.constraints: 5\d % of the candidates for b, a"
    ):
        study.check()
    with pytest.warns(StudyWarning, match=r"inputs\.dependence\.constraints: 5\d %"):
        results = study.launch(progress=False)
    assert_mean(results, 1 / 3 + 4 / 3 + 0.5, 5 / 18 + 4 / 36 + 1 / 12)


def test_a_salib_problem_takes_a_dependence_beside_it() -> None:
    problem = {"names": ["a", "b", "c"], "bounds": [[0, 1]] * 3, "dists": ["norm"] * 3}
    study = Study.from_function(weighted, problem, n=256, inputs={"dependence": COPULA})
    assert study.spec.conditional
    assert not study.spec.design.both_ways


def test_hopeless_constraints_are_found_by_check() -> None:
    never = {"kind": "linear-constraints", "constraints": [{"coefficients": {"b": 1}, "at_least": 2}]}
    with pytest.raises(
        SpecError, match=r"inputs\.dependence\.constraints: none of 16384 candidates for b met them"
    ):
        study_of(UNIFORMS, never, design=MONTE_CARLO).check()


def test_correlated_parameters_in_one_group_take_pick_freeze() -> None:
    """The group has all of the variance but that of c: 7.4 of 8.4."""
    study = study_of(NORMALS, COPULA, inputs={"groups": {"g": ["b", "a"]}})
    told = study.check()
    assert (told["rows"], told["factors"], told["conditional"]) == (4, 2, False)
    y = study.launch(progress=False)["y"]
    for name in ("S1", "ST"):
        for factor, exact in (("g", 7.4 / 8.4), ("c", 1 / 8.4)):
            at = y.sel(parameter=factor)
            assert abs(float(at[name]) - exact) < 2 * float(at[f"{name}_conf"]) < 0.2


def test_correlated_factors_take_conditional_rows() -> None:
    study = study_of(NORMALS, COPULA)
    told = study.check()
    assert (told["rows"], told["factors"], told["conditional"]) == (8, 3, True)
    (sentence,) = [text for label, text in describe(told) if label == "indices"]
    assert "S1_full is the share" in sentence
    results = study.launch(progress=False)
    assert_mean(results, 0.0, 8.4)
    exact = dependent_linear((1.0, 2.0, 1.0), ((1.0, 0.6, 0.0), (0.6, 1.0, 0.0), (0.0, 0.0, 1.0)))
    y = results["y"]
    for name, values in (("S1_full", exact.S1), ("ST_independent", exact.ST)):
        assert (np.abs(y[name] - values) < 2 * y[f"{name}_conf"]).all()
        assert float(y[f"{name}_conf"].max()) < 0.05


@pytest.mark.parametrize(
    ("parameters", "dependence", "words"),
    [
        (UNIFORMS, {"kind": "linear-constraints", "constraints": [BOUND]},
         "design.method: pick-freeze exchanges parameters one by one, but a, b depend on each other"),
        (JOINT, {"kind": "rows", "path": "gone.csv"}, 'but a, b, c depend on each other: use "monte-carlo"'),
    ],
)  # fmt: skip
def test_pick_freeze_is_refused_where_columns_cannot_be_exchanged(
    parameters: list[dict[str, Any]], dependence: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        study_of(parameters, dependence)
    assert words in str(caught.value)


def test_rows_in_one_group_take_pick_freeze_beside_an_independent_parameter(tmp_path: Path) -> None:
    table = np.random.default_rng(1).normal(size=(64, 2))
    np.save(tmp_path / "inputs.npy", table)
    study = study_of(
        [*JOINT[:2], NORMALS[2]],
        {"kind": "rows", "path": "inputs.npy"},
        inputs={"groups": {"data": ["a", "b"]}},
        design={"both_ways": True},
    )
    y = study.launch(progress=False)["y"]
    share = (table @ [1, 2]).var() / ((table @ [1, 2]).var() + 1)
    for name in ("S1", "ST"):
        at = y.sel(parameter="data")
        assert abs(float(at[name]) - share) < 2 * float(at[f"{name}_conf"]) < 0.2
