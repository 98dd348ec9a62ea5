"""SALib problems become our parameters: against SALib's own scaling, and its documented forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parsl_sa import design
from parsl_sa.errors import SpecError
from parsl_sa.spec import StudySpec, parse_spec
from parsl_sa.spec.problem import groups_of, output_names, parameters_of, problem_of
from support.requirements import require_module

# All of SALib's distributions in every form that they take.
FORMS = {
    "unif": [[-2.0, 3.0], [1e5, 1e6]],
    "logunif": [[1e-4, 10.0]],
    "norm": [[3.0, 0.25]],
    "lognorm": [[-1.0, 0.7]],
    "truncnorm": [[-1.0, 2.5, 0.3, 1.2], [4.0, 6.0, 0.0, 1.0]],
    "triang": [[1.0, 3.0, 0.5], [0.0, 2.0, 0.1]],
    "weibull": [[1.5, 2.0], [0.8, 3.0, -1.0]],
}
CASES = [(kind, bound) for kind, bounds in FORMS.items() for bound in bounds]


def problem(**changes: Any) -> dict[str, Any]:
    return {"num_vars": 2, "names": ["a", "b"], "bounds": [[0, 1], [2, 3]], **changes}


def fault(**changes: Any) -> str:
    with pytest.raises(SpecError) as caught:
        parameters_of(problem(**changes))
    return str(caught.value)


@pytest.mark.parametrize(("kind", "bound"), CASES)
def test_the_same_unit_points_give_salibs_values(kind: str, bound: list[float]) -> None:
    require_module("SALib")
    from SALib.util import scale_samples

    (parameter,) = parameters_of({"num_vars": 1, "names": ["x"], "bounds": [bound], "dists": [kind]})
    sampler = design.assemble({"method": "monte-carlo", "sequence": "random", "seed": 0}, [parameter], 256)
    unit = sampler.unit_rows(0, 256)[:, 0]
    theirs = scale_samples(unit.copy(), {"num_vars": 1, "names": ["x"], "bounds": [bound], "dists": [kind]})
    np.testing.assert_allclose(sampler.rows(0, 256)[:, 0], theirs, rtol=1e-12, atol=1e-14)


def test_every_distribution_of_salib_is_known() -> None:
    """SALib lists what it knows when it is asked for what it does not know."""
    require_module("SALib")
    from SALib.util import scale_samples

    with pytest.raises(ValueError, match="choose one of") as caught:
        scale_samples(np.full((1, 1), 0.5), {"bounds": [[0, 1]], "dists": ["?"]})
    known = {name.strip() for name in str(caught.value).partition("choose one of")[2].split(",")}
    assert known == set(FORMS)


def test_without_dists_everything_is_uniform() -> None:
    assert parameters_of(problem()) == [
        {"name": "a", "distribution": "uniform", "low": 0, "high": 1},
        {"name": "b", "distribution": "uniform", "low": 2, "high": 3},
    ]


@pytest.mark.parametrize("key", ["dists", "groups", "num_vars"])
def test_what_is_none_is_as_if_it_were_not_there(key: str) -> None:
    given = problem()
    if key == "num_vars":
        del given[key]
    else:
        given[key] = None
    assert parameters_of(given) == parameters_of(problem())


def test_arrays_and_their_numbers_are_taken() -> None:
    bounds = np.array([[0, 1], [2, 3]], dtype=np.float32)
    found = parameters_of(
        problem(names=np.array(["a", "b"]), bounds=bounds, dists=np.array(["unif", "norm"]))
    )
    spec = parse_spec(
        {
            "spec_version": 1,
            "name": "x",
            "model": {"loader": "live", "path": "x"},
            "inputs": {"parameters": found},
            "design": {"n": 256},
            "outputs": [{"name": "y"}],
        }
    )
    assert [type(value) for value in spec.parameters_plain()[0].values()] == [str, str, float, float]
    assert parameters_of(problem(bounds=[(np.float64(0), np.int64(1)), np.array([2, 3])])) == parameters_of(
        problem()
    )


def test_the_old_form_of_a_triangle_starts_at_0() -> None:
    found = parameters_of(problem(bounds=[[3, 0.5], [0, 1]], dists=["triang", "unif"]))
    assert found[0] == {"name": "a", "distribution": "triangular", "low": 0.0, "mode": 1.5, "high": 3}


def test_groups_name_the_group_of_each_parameter() -> None:
    assert parameters_of(problem(groups=["g", "g"])) == parameters_of(problem())
    assert groups_of(problem(groups=["g", "g"])) == {"g": ["a", "b"]}
    assert groups_of(problem(groups=np.array(["g", "b"]))) == {"g": ["a"]}
    assert (
        groups_of(problem(groups=None)) == groups_of(problem()) == groups_of(problem(groups=["a", "b"])) == {}
    )
    assert "problem.groups: has 1 entries, expected 2" in fault(groups=["g"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"names": ["a"]}, "problem.names: has 1 entries, expected 2"),
        ({"bounds": [[0, 1]]}, "problem.bounds: has 1 entries, expected 2"),
        ({"dists": ["unif"]}, "problem.dists: has 1 entries, expected 2"),
        ({"names": None}, 'problem.names: is missing; a problem is {"names"'),
        ({"bounds": None}, "problem.bounds: is missing"),
        ({"bounds": [[0, 1], [2, 3, 4]]}, "problem.bounds[1]: unif takes 2 numbers, not 3"),
        ({"bounds": [[0, 1], 2]}, "problem.bounds[1]: unif takes 2 numbers, not 1"),
        ({"bounds": [["0", 1], [2, 3]]}, "problem.bounds[0]: must be numbers"),
        ({"dists": ["unif", "beta"]}, "problem.dists[1]: unknown distribution 'beta'; known: unif"),
    ],
)
def test_faults_name_their_place_in_the_problem(changes: dict[str, Any], said: str) -> None:
    assert said in fault(**changes)


def test_faults_come_together() -> None:
    text = fault(bounds=[[0], [2, 3, 4]])
    assert "bounds[0]" in text
    assert "bounds[1]" in text


def test_outputs_have_the_problems_names() -> None:
    assert output_names(problem(outputs=["lift", "drag"])) == ["lift", "drag"]
    assert output_names(problem(outputs="lift")) == ["lift"]
    assert output_names(problem()) == []


def as_spec(*parameters: dict[str, Any], **inputs: Any) -> StudySpec:
    return parse_spec(
        {
            "spec_version": 1,
            "name": "x",
            "model": {"loader": "live", "path": "x"},
            "inputs": {"parameters": list(parameters), **inputs},
            "design": {"method": "monte-carlo", "n": 256},
            "outputs": [{"name": "lift"}, {"name": "drag"}],
        }
    )


def test_a_problem_survives_the_way_there_and_back() -> None:
    """Bounds come back as they were, but for the older forms, which come back as the newer ones."""
    written = [[*bound, 0] if kind == "weibull" and len(bound) == 2 else bound for kind, bound in CASES]
    given = {
        "num_vars": len(CASES),
        "names": [f"x{i}" for i in range(len(CASES))],
        "bounds": written,
        "dists": [kind for kind, _ in CASES],
        "groups": ["g", "h", *(["g"] * (len(CASES) - 3)), f"x{len(CASES) - 1}"],
        "outputs": ["lift", "drag"],
    }
    spec = as_spec(*parameters_of(given), groups=groups_of(given))
    found = problem_of(spec)
    for mine, theirs in zip(found.pop("bounds"), given.pop("bounds"), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-15)
    assert found == given
    assert parse_spec(as_spec(*parameters_of(problem_of(spec)), groups=groups_of(found)).plain()) == spec


def test_salibs_own_sampler_draws_from_the_same_quantiles() -> None:
    """SALib's Latin hypercube has one point in every 1/n of probability: our quantiles at j/n part them."""
    require_module("SALib")
    from SALib.sample import latin

    spec = as_spec(
        {"name": "a", "distribution": "truncated-normal", "low": -1, "high": 2, "mean": 0, "sd": 1},
        {"name": "b", "distribution": "lognormal", "mean_log": 0.3, "sd_log": 0.6},
        {"name": "c", "distribution": "triangular", "low": 1, "mode": 2, "high": 5},
        {"name": "d", "distribution": "loguniform", "low": 1e-3, "high": 10},
        {"name": "e", "distribution": "scipy", "family": "weibull_min", "shapes": {"c": 1.5}, "scale": 2},
    )
    n = 2000
    theirs = np.sort(latin.sample(problem_of(spec), n, seed=3), axis=0)
    told = {"method": "monte-carlo", "sequence": "random", "seed": 0}
    inputs = design.assemble(told, spec.parameters_plain(), 256)._inputs
    edges = np.arange(1, n) / n
    ours = inputs.physical(np.repeat(edges[:, None], 5, axis=1))
    assert (theirs[:-1] <= ours).all()
    assert (ours <= theirs[1:]).all()


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (
            {"distribution": "constant", "value": 1},
            "'x' is constant, which no SALib problem can hold:",
        ),
        ({"distribution": "integer", "low": 0, "high": 3}, "take unif and round in the function"),
        ({"distribution": "beta", "alpha": 1, "beta": 2}, "take unif on [0, 1] and transform it"),
        ({"distribution": "categorical", "levels": ["a", "b"]}, "take unif on [0, 1]"),
        ({"distribution": "scipy", "family": "gumbel_r"}, "weibull_min is the only family"),
        (
            {"distribution": "truncated-normal", "mean": 0, "sd": 1, "low": 0},
            "has two bounds; give the",
        ),
        ({"distribution": "triangular", "low": 0, "mode": 1, "high": 1}, "no mode at high"),
        ({"distribution": "triangular", "low": -3, "mode": -2, "high": -1}, "takes no negative high"),
    ],
)
def test_what_salib_has_no_words_for_names_the_parameter(parameter: dict[str, Any], words: str) -> None:
    sound = {"name": "y", "distribution": "uniform", "low": 0, "high": 1}
    with pytest.raises(SpecError) as caught:
        problem_of(as_spec(sound, {"name": "x", **parameter}))
    (found,) = caught.value.faults
    assert found.place == "inputs.parameters[1]"
    assert words in found.message


def test_a_dependence_is_named_too() -> None:
    pair = [{"name": name, "distribution": "normal", "mean": 0, "sd": 1} for name in "ab"]
    tied = {"kind": "gaussian-copula", "parameters": ["a", "b"], "correlation": [[1, 0.5], [0.5, 1]]}
    with pytest.raises(SpecError, match=r"inputs\.dependence: SALib has independent parameters alone"):
        problem_of(as_spec(*pair, dependence=tied))
