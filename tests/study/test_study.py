"""`Study` and `Results` as scripts and notebooks use them."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa import Results, Study, analytic
from parsl_sa.errors import ModelError, SpecError, StudyError
from parsl_sa.models.loaders import live
from parsl_sa.study import StudyWarning
from support.requirements import require_module, require_program
from support.runs import assert_nothing_runs
from support.slow_study import write_spec

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

PROBLEM = {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[-math.pi, math.pi]] * 3}
EXACT = {"S1": [0.3139, 0.4424, 0.0], "ST": [0.5576, 0.4424, 0.2437]}
FAST: dict[str, Any] = {"progress": False}


def ishigami(x: Array) -> Array:
    y: Array = (1 + 0.1 * x[:, 2] ** 4) * np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2
    return y


class Linear(nn.Module):
    """y = x1 + 2 x2 in float64, so that S1 = ST = 0.2, 0.8 where both are uniform alike."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([[1.0], [2.0]], dtype=torch.float64))
        self.drop = nn.Dropout(0.9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(x @ self.weights)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `runs/` be made in the test's folder."""
    monkeypatch.chdir(tmp_path)


def assert_held(results: Results, exact: dict[str, list[float]]) -> None:
    """Fail unless every index lies within twice its own 95 % half-width (4 standard errors) of the truth."""
    y = results["y"]
    for name, values in exact.items():
        for index, value in enumerate(values):
            found, half = float(y[name][index]), float(y[f"{name}_conf"][index])
            assert abs(found - value) < 2 * half + 1e-12, (name, index, found, value, half)


def test_a_numpy_function_and_a_salib_problem() -> None:
    results = Study.from_function(ishigami, PROBLEM, n=4096).launch(**FAST)
    assert_held(results, EXACT)
    assert results.directory == Path.cwd() / "runs" / "study-001"
    assert results.names == ["y"]
    assert list(results["y"]["parameter"].values) == ["x1", "x2", "x3"]


def test_a_torch_callable() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        assert isinstance(x, torch.Tensor)
        return torch.sin(x[:, 0]) * (1 + 0.1 * x[:, 2] ** 4) + 7 * torch.sin(x[:, 1]) ** 2

    assert_held(Study.from_function(function, PROBLEM, n=4096).launch(**FAST), EXACT)


def test_a_live_module_in_eval_mode_that_is_left_in_its_own() -> None:
    module = Linear().train()
    problem = {"names": ["a", "b"], "bounds": [[0, 1], [0, 1]]}
    results = Study.from_function(module, problem, n=512).launch(**FAST)
    assert_held(results, {"S1": [0.2, 0.8], "ST": [0.2, 0.8]})  # 0.9 of dropout would drown it
    assert module.training


def test_parameters_as_in_a_spec_with_a_constant_among_them() -> None:
    parameters = [
        {"name": "a", "distribution": "uniform", "low": 0, "high": 1},
        {"name": "c", "distribution": "constant", "value": 3.0},
        {"name": "b", "distribution": "normal", "mean": 0, "sd": 1, "unit": "m"},
    ]
    study = Study.from_function(lambda x: x[:, 1] * x[:, 2], parameters, n=512, model={"arrays": "numpy"})
    y = study.launch(**FAST)["y"]
    assert list(y["parameter"].values) == ["a", "b"]
    assert float(y["S1"].sel(parameter="b")) == pytest.approx(1.0)
    assert float(y["S1"].sel(parameter="a")) == pytest.approx(0.0, abs=1e-12)
    assert float(y["variance"]) == pytest.approx(9.0, rel=0.2)  # 3 sd of a variance of 1024 points: 0.13


def test_several_outputs_are_columns_and_fields_are_entries() -> None:
    def function(x: Array) -> Array:
        return np.stack([x[:, 0], x[:, 1]], axis=1)

    problem = {"names": ["a", "b"], "bounds": [[0, 1], [0, 1]]}
    results = Study.from_function(function, problem, n=256, outputs=["left", "right"]).launch(**FAST)
    assert results.names == ["left", "right"]
    assert float(results["left"]["S1"].sel(parameter="a")) == pytest.approx(1.0)
    assert float(results["right"]["S1"].sel(parameter="a")) == pytest.approx(0.0, abs=1e-12)
    field = [{"name": "both", "dims": {"side": 2}, "unit": "m"}]
    both = Study.from_function(function, problem, n=256, outputs=field).launch(**FAST)["both"]
    assert both["S1"].dims == ("parameter", "side")
    np.testing.assert_allclose(both["S1"].values, np.eye(2), atol=1e-12)


def test_a_problem_may_name_its_output() -> None:
    results = Study.from_function(ishigami, {**PROBLEM, "outputs": ["hills"]}, n=256).launch(**FAST)
    assert results.names == ["hills"]


@pytest.mark.parametrize("both_ways", [False, True])
def test_groups_of_a_salib_problem_have_closed_and_total_indices(both_ways: bool) -> None:
    """S1 of x1 and x3 together is S1 + S3 + S13 of the Ishigami function."""
    study = Study.from_function(
        ishigami,
        {**PROBLEM, "groups": ["wave", "x2", "wave"]},
        n=2048,
        model={"arrays": "numpy"},
        design={"both_ways": both_ways},
    )
    told = study.check()
    assert (told["parameters"], told["factors"], told["groups"]) == (3, 2, {"wave": ["x1", "x3"]})
    assert told["rows"] == (6 if both_ways else 4)
    results = study.launch(**FAST)
    assert results["y"]["parameter"].values.tolist() == ["wave", "x2"]
    S1, ST = analytic.ishigami().of_groups([[0, 2], [1]])
    assert_held(results, {"S1": S1.tolist(), "ST": ST.tolist()})


def test_groups_may_be_given_beside_parameters_or_with_them() -> None:
    parameters = [{"name": n, "distribution": "uniform", "low": 0, "high": 1, "unit": "m"} for n in "abc"]
    groups = {"ends": ["a", "c"]}
    beside = Study.from_function(ishigami, parameters, n=256, inputs={"groups": groups})
    within = Study.from_function(ishigami, {"parameters": parameters, "groups": groups}, n=256)
    assert beside.spec.factors == within.spec.factors == ("ends", "b")
    assert within.spec.factor_units == ("", "m")


def test_a_study_gives_its_problem_back() -> None:
    given = {**PROBLEM, "groups": ["ends", "x2", "ends"]}
    study = Study.from_function(ishigami, given, n=256)
    assert study.problem == {**given, "dists": ["unif"] * 3, "outputs": ["y"]}
    assert Study.from_function(ishigami, study.problem, n=256).spec.inputs == study.spec.inputs


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    def launched(seed: int) -> bytes:
        study = Study.from_function(ishigami, PROBLEM, n=256, design={"seed": seed})
        return bytes(study.launch(**FAST)["y"]["ST"].values.tobytes())

    assert launched(0) == launched(0) != launched(1)


def test_d_plus_2_rows_on_request() -> None:
    study = Study.from_function(ishigami, PROBLEM, n=256, design={"both_ways": False})
    assert study.check()["rows"] == 5
    assert study.launch(**FAST).attrs["estimator"] == "saltelli-jansen"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"outputs": "y"}, "outputs: must be a list of names, such as ['y']"),
        ({"outputs": []}, "outputs: needs at least 1 entry"),
        ({"design": {"method": "pick-frieze"}}, "did you mean 'pick-freeze'?"),
        ({"dsign": {"n": 3}}, "dsign: unknown key; did you mean 'design'?"),
        ({"n": 0}, "design.n: must be at least 1"),
        ({"problem": {"names": ["a"], "bounds": [[1, 0]]}}, "inputs.parameters[0].high: must exceed low"),
        ({"problem": [{"name": "a"}]}, "inputs.parameters[0].distribution: is missing"),
        ({"problem": None}, "problem: must be a SALib problem, or the parameters"),
        ({"problem": "x"}, "it is of the type str"),
        (
            {"function": "ishigami"},
            "function: must be a function or a torch.nn.Module; it is of the type str",
        ),
        ({"function": Linear}, "function: is the class Linear itself; call it: Linear(...)"),
        ({"design": "monte-carlo"}, "design: must be a dict"),
        ({"farm": "local"}, "farm: must be a dict"),
        ({"inputs": ["a"]}, "inputs: must be a dict"),
        ({"inputs": {"groups": {"x1": ["x1"]}}}, "inputs.groups.x1: is the name of a parameter"),
        ({"model": {"path": "model.py:load"}}, "model.path: is filled in with the function; remove it"),
        ({"design": {"method": "monte-carlo", "both_ways": True}}, "design.both_ways: has no meaning"),
    ],
)
def test_faults_are_found_before_anything_starts(arguments: dict[str, Any], said: str) -> None:
    given = {"function": ishigami, "problem": PROBLEM, **arguments}
    with pytest.raises(SpecError) as caught:
        Study.from_function(**given)
    assert said in str(caught.value)
    assert not Path("runs").exists()


def test_parts_are_laid_over_the_defaults() -> None:
    study = Study.from_function(
        ishigami, PROBLEM, n=256, design={"method": "monte-carlo"}, farm={"clients": {"threads": 1}}
    )
    assert study.spec.farm.site == "inline"
    assert study.check()["threads"] == 1
    assert "S1" not in study.launch(**FAST)["y"]


def test_numbers_of_numpy_are_numbers() -> None:
    parameters = [{"name": "a", "distribution": "uniform", "low": np.float32(0), "high": np.int64(1)}]
    study = Study.from_function(lambda x: x[:, 0], parameters, n=np.int64(256))
    assert study.spec.design.n == 256
    study = Study.from_function(
        lambda x: x[:, 0],
        [{"name": "a", "distribution": "choice", "values": np.array([1.0, 2.0])}],
        n=256,
        stop={"max_dropped_fraction": np.float64(0.5)},
    )
    assert study.spec.stop.max_dropped_fraction == 0.5


def test_what_the_user_did_not_expect_is_warned_of() -> None:
    with pytest.warns(StudyWarning, match=r"design.n: 1000 is rounded up to 1024"):
        study = Study.from_function(ishigami, PROBLEM, n=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert study.check()["n"] == 1024
    with pytest.warns(StudyWarning, match="is not finite for"):
        Study.from_function(lambda x: np.where(x[:, 0] > 0, np.nan, x[:, 0]), PROBLEM, n=256).check()


def test_check_says_what_it_will_take_and_recommends_inline(tmp_path: Path) -> None:
    told = Study.from_function(ishigami, PROBLEM, n=256).check()
    assert (told["site"], told["recommended_site"], told["start_s"]) == ("inline", "inline", 0.0)
    assert (told["forwards"], told["rows"], told["replicates"]) == (2048, 8, 16)
    assert (told["clients"], told["ranks"]) == (1, 1)
    spec = write_spec(tmp_path / "spec", options={})
    told = Study.load(spec).check(site="local", ranks=1)
    assert (told["site"], told["recommended_site"]) == ("local", "inline")
    assert told["start_s"] > 0


def test_a_spec_file_runs_inline_too(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "spec", options={})
    results = Study.load(spec).launch("mine", site="inline", **FAST)
    assert results.names == ["y", "field"]
    again = Study.load(spec).launch("mine", site="inline", **FAST)
    assert again.attrs["study"] == results.attrs["study"], "a finished study is not run again"
    with pytest.raises(SpecError, match="holds another study"):
        Study.load(write_spec(tmp_path / "spec", options={}, design={"seed": 8})).launch("mine", **FAST)


def test_a_directory_that_holds_a_study_of_a_function_is_not_taken_for_this_one() -> None:
    """Nobody can see whether the function is still the same one."""
    Study.from_function(ishigami, PROBLEM, n=256).launch("mine", **FAST)
    with pytest.raises(SpecError, match="holds a study already"):
        Study.from_function(lambda x: x[:, 0], PROBLEM, n=256).launch("mine", **FAST)


def test_an_unknown_site_is_refused_in_words_of_python() -> None:
    study = Study.from_function(ishigami, PROBLEM, n=256)
    with pytest.raises(SpecError, match=r"site: unknown site 'lokal'; did you mean 'local'\?"):
        study.launch(site="lokal", **FAST)
    with pytest.raises(SpecError, match="ranks: must be at least 1; it is 0"):
        study.check(ranks=0)


@pytest.mark.parametrize("verb", ["check", "launch", "start"])
def test_a_lambda_cannot_go_to_a_farm_and_the_reason_and_the_cure_are_told(verb: str) -> None:
    study = Study.from_function(lambda x: x[:, 0], PROBLEM, n=256)
    with pytest.raises(ModelError) as caught:
        getattr(study, verb)(site="local")
    text = str(caught.value)
    assert "a function of this Python process cannot be sent to other processes" in text
    assert 'loader "python"' in text
    assert 'site="inline"' in text
    assert not Path("runs").exists()


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_live_module_goes_to_a_farm_as_a_file(tmp_path: Path) -> None:
    require_module("mpi4py")
    require_program("mpiexec")
    module = Linear()
    problem = {"names": ["a", "b"], "bounds": [[0, 1], [0, 1]]}
    study = Study.from_function(module, problem, n=512)
    assert study.check(site="local")["ranks"] == 2
    results = study.launch("farm", site="local", **FAST)
    assert_held(results, {"S1": [0.2, 0.8], "ST": [0.2, 0.8]})
    assert (results.directory / "model.pt2").is_file(), "the study directory holds its own model"
    inline = study.launch("inline", **FAST)
    np.testing.assert_allclose(results["y"]["ST"], inline["y"]["ST"], rtol=1e-9)
    assert study.resume("farm", **FAST).attrs["study"] == results.attrs["study"]
    from parsl_sa.studydir import StudyDir

    assert_nothing_runs(StudyDir(tmp_path / "farm"))


def test_a_study_of_a_function_resumes_in_another_process(tmp_path: Path) -> None:
    """Whoever has the function can go on; `parsl-sa resume` cannot, and says so."""
    study = Study.from_function(ishigami, PROBLEM, n=256, stop={"budget": {"seconds": 1e-9}})
    with pytest.raises(StudyError, match="no checkpoint yet"):
        study.launch("mine", **FAST)
    line = (
        "from parsl_sa.cli.main import main; import sys; sys.argv = ['parsl-sa', 'resume', 'mine', '--quiet']"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{line}; main()"], check=False, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 4
    assert "Study.from_function(function, ...).resume(directory)" in done.stderr
    live.register(ishigami, "live-of-another")  # what this process knows does not matter:
    same = Study.from_function(ishigami, PROBLEM, n=256, stop={"budget": {"seconds": 1e-9}})
    with pytest.raises(StudyError, match="no checkpoint yet"):  # the budget is the directory's
        same.resume("mine", **FAST)


def test_another_study_is_not_resumed() -> None:
    Study.from_function(ishigami, PROBLEM, n=256).launch("mine", **FAST)
    with pytest.raises(SpecError, match="holds another study"):
        Study.from_function(ishigami, PROBLEM, n=512).resume("mine", **FAST)
    with pytest.raises(SpecError, match="yours: no such directory"):
        Study.from_function(ishigami, PROBLEM, n=512).resume("yours", **FAST)


def test_a_study_shows_what_it_is() -> None:
    assert repr(Study.from_function(ishigami, PROBLEM, n=256, name="hills")) == (
        "<Study hills: 3 parameters, n = 256, site inline>"
    )


def test_progress_is_shown_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    study = Study.from_function(ishigami, PROBLEM, n=256)
    study.launch()
    assert "study: done, 256 of 256 bundles" in capsys.readouterr().err
    study.launch(progress=False)
    told: list[dict[str, Any]] = []
    study.launch(watch=told.append)
    assert capsys.readouterr() == ("", "")
    assert told[-1]["stage"] == "done"
