"""Dependent inputs in a spec: every fault with its place, what a design is told, what a digest holds."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.errors import SpecError
from parsl_sa.records import digest_of
from parsl_sa.registry import names
from parsl_sa.spec import parse_spec, resolved, science
from parsl_sa.spec.dependence import DEPENDENCE_KINDS

D, P = "inputs.dependence", "inputs.parameters"
PAIR = {"kind": "gaussian-copula", "parameters": ["a", "b"], "correlation": [[1, 0.6], [0.6, 1]]}
THREE = {"kind": "gaussian-copula", "parameters": ["a", "b", "c"]}
ROWS = {"kind": "rows", "path": "x.csv"}
SIMPLEX = {"kind": "simplex", "parameters": ["a", "b"]}
ORDER = {"coefficients": {"a": 1, "b": -1}, "at_most": 0.5}
LINEAR = {"kind": "linear-constraints", "constraints": [ORDER]}


def written(dependence=None, joint=(), discrete=(), groups=None, **design):
    """Return a spec of a to d, all normal but for those that are joint or discrete, and a constant k."""
    parameters = [{"name": name, "distribution": "normal", "mean": 0, "sd": 1} for name in "abcd"]
    for place, name in enumerate("abcd"):
        if name in joint:
            parameters[place] = {"name": name, "distribution": "joint"}
        if name in discrete:
            parameters[place] = {"name": name, "distribution": "integer", "low": 0, "high": 3}
    parameters.append({"name": "k", "distribution": "constant", "value": 1})
    return {
        "spec_version": 1,
        "name": "m",
        "model": {"loader": "exported", "path": "net.pt2"},
        "inputs": {"parameters": parameters, "groups": groups or {}, "dependence": dependence},
        "design": {"method": "monte-carlo", "n": 256, **design},
        "outputs": [{"name": "y"}],
    }


def faults_of(plain):
    with pytest.raises(SpecError) as caught:
        parse_spec(plain)
    return [(fault.place, fault.message) for fault in caught.value.faults]


def matrix(*entries, key="correlation"):
    ab, ac, bc = entries
    return {**THREE, key: [[1, ab, ac], [ab, 1, bc], [ac, bc, 1]]}


def test_tables_and_classes_know_the_same_names():
    assert tuple(DEPENDENCE_KINDS) == names("dependence")


@pytest.mark.parametrize(
    ("dependence", "place", "words"),
    [
        (3, D, "must be an object"),
        ({"kind": "copula"}, f"{D}.kind", "unknown dependence 'copula'; known: gaussian-copula, rows"),
        ({"parameters": ["a", "b"]}, f"{D}.kind", "is missing. Known: gaussian-copula"),
        ({**PAIR, "corelation": []}, f"{D}.corelation", "unknown key; did you mean 'correlation'?"),
        ({**PAIR, "parameters": ["a"]}, f"{D}.parameters", "needs at least 2 entries"),
        ({**PAIR, "parameters": ["a", "x"]}, f"{D}.parameters[1]", "no parameter is called 'x'; known: a, b"),
        ({**PAIR, "parameters": ["a", "k"]}, f"{D}.parameters[1]", "'k' is constant"),
        ({**PAIR, "parameters": ["a", "a"]}, f"{D}.parameters[1]", "lists 'a' twice"),
        ({**PAIR, "correlation": None}, D, 'needs either "correlation" or "rank_correlation"'),
        ({**PAIR, "rank_correlation": [[1, 0], [0, 1]]}, D, 'needs either "correlation" or "rank_'),
        ({**PAIR, "correlation": [[1, 0.6]]}, f"{D}.correlation", "a row for each of the 2"),
        ({**PAIR, "correlation": [[1, 0.6], [0.6]]}, f"{D}.correlation[1]", "an entry for each of the 2"),
        ({**PAIR, "correlation": [[1, "0.6"], [0.6, 1]]}, f"{D}.correlation[0][1]", "must be a number"),
        ({**PAIR, "correlation": [[2, 0.6], [0.6, 1]]}, f"{D}.correlation[0][0]", "must be 1 on the diag"),
        ({**PAIR, "correlation": [[1, 1], [1, 1]]}, f"{D}.correlation[1][0]", "must lie between -1 and 1"),
        (
            {**PAIR, "correlation": [[1, 0.5], [0.6, 1]]},
            f"{D}.correlation[1][0]",
            "must equal correlation[0][1], which is 0.5; it is 0.6",
        ),
        (matrix(0.9, 0.9, -0.9), f"{D}.correlation", "all entries off the diagonal times 0.55 would do"),
        (
            matrix(0.9, 0.9, -0.9, key="rank_correlation"),
            f"{D}.rank_correlation",
            "smallest eigenvalue must exceed 0, and it is -0.8",
        ),
        (LINEAR | {"constraints": []}, f"{D}.constraints", "needs at least 1 entry"),
        (LINEAR | {"constraints": [{"at_most": 1}]}, f"{D}.constraints[0].coefficients", "is missing"),
        (
            LINEAR | {"constraints": [{"coefficients": {"a": 1, "e": 2}, "at_most": 1}]},
            f"{D}.constraints[0].coefficients.e",
            "no parameter is called 'e'",
        ),
        (
            LINEAR | {"constraints": [{"coefficients": {"a": 0}, "at_most": 1}]},
            f"{D}.constraints[0].coefficients.a",
            "must not be 0; leave it out",
        ),
        (LINEAR | {"constraints": [{"coefficients": {"a": 1}}]}, f"{D}.constraints[0]", 'needs "at_most"'),
        (
            LINEAR | {"constraints": [{**ORDER, "at_least": 0.5}]},
            f"{D}.constraints[0].at_most",
            "must exceed at_least (0.5); it is 0.5. no random point meets an equation",
        ),
        (ROWS, D, 'no parameter takes a column of the table; declare those with "distribution": "joint"'),
        ({**ROWS, "path": ""}, f"{D}.path", "must not be empty"),
    ],
)  # fmt: skip
def test_a_faulty_dependence_is_named(dependence, place, words):
    ((found, message),) = faults_of(written(dependence))
    assert found == place
    assert words in message


@pytest.mark.parametrize(
    ("dependence", "joint", "place", "words"),
    [
        (None, "b", f"{P}[1].distribution", '"joint" needs an inputs.dependence of the kind "rows"'),
        (PAIR, "b", f"{P}[1].distribution", '"joint" needs an inputs.dependence of the kind "rows"'),
        (SIMPLEX, "a", f"{D}.parameters[1]", "'b' has a distribution of its own; a share has"),
        (SIMPLEX, "abc", f"{P}[2].distribution", "'c' is not among inputs.dependence.parameters"),
        ({**SIMPLEX, "total": 0}, "ab", f"{D}.total", "must be greater than 0"),
        ({**SIMPLEX, "concentration": [1, 2, 3]}, "ab", f"{D}.concentration", "one for each of the 2"),
    ],
)  # fmt: skip
def test_joint_parameters_and_their_dependence_belong_together(dependence, joint, place, words):
    ((found, message),) = faults_of(written(dependence, joint))
    assert found == place
    assert words in message


PICK_FREEZE = {"method": "pick-freeze"}


@pytest.mark.parametrize(
    ("dependence", "joint", "tied"), [(ROWS, "abc", "a, b, c"), (SIMPLEX, "ab", "a, b"), (LINEAR, "", "a, b")]
)
def test_pick_freeze_is_refused_with_the_alternative_unless_one_group_holds_them(dependence, joint, tied):
    ((place, message),) = faults_of(written(dependence, joint, **PICK_FREEZE))
    assert place == "design.method"
    assert f"{tied} depend on each other" in message
    assert 'use "monte-carlo", or put them all in one group of inputs.groups' in message
    spec = parse_spec(written(dependence, joint, groups={"g": [*"abc"]}, **PICK_FREEZE))
    assert spec.factors == ("g", "d")
    assert not spec.conditional
    ((place, _),) = faults_of(written(dependence, joint, groups={"g": [*"bc"]}, **PICK_FREEZE))
    assert place == "design.method"


@pytest.mark.parametrize(
    ("dependence", "joint", "tied"),
    [(ROWS, "abc", "a, b, c"), (SIMPLEX, "ab", "a, b"), (LINEAR, "", "a, b"), (PAIR, "", "a, b")],
)
def test_one_at_a_time_is_refused_unless_one_group_holds_what_depends(dependence, joint, tied):
    design = {"method": "one-at-a-time"}
    ((place, message),) = faults_of(written(dependence, joint, **design))
    assert place == "design.method"
    assert f"one-at-a-time exchanges parameters one by one, but {tied} depend on each other" in message
    spec = parse_spec(written(dependence, joint, groups={"g": [*"abc"]}, **design))
    assert spec.factors == ("g", "d")
    assert not spec.conditional


def test_a_switch_depends_on_nothing_where_the_design_sets_it():
    plain = written(PAIR, groups={"g": [*"ab"]}, method="one-at-a-time")
    plain["inputs"]["parameters"][0] = {"name": "a", "distribution": "switch"}
    ((place, message),) = faults_of(plain)
    assert place == "inputs.dependence"
    assert "'a' is a switch" in message
    plain["design"]["method"] = "pick-freeze"
    parse_spec(plain)


def test_correlated_factors_make_pick_freeze_conditional():
    assert parse_spec(written(PAIR, **PICK_FREEZE)).conditional
    assert not parse_spec(written(PAIR)).conditional
    assert not parse_spec(written(PAIR, groups={"g": ["a", "b"]}, **PICK_FREEZE)).conditional
    assert parse_spec(written(matrix(0.5, 0, 0), groups={"g": ["b", "c"]}, **PICK_FREEZE)).conditional
    assert not parse_spec(written(matrix(0, 0, 0.5), groups={"g": ["b", "c"]}, **PICK_FREEZE)).conditional
    assert not parse_spec(written(matrix(0, 0, 0), **PICK_FREEZE)).conditional


def test_conditional_rows_refuse_what_they_cannot_do():
    (found,) = faults_of(written(PAIR, both_ways=True, **PICK_FREEZE))
    assert found == (
        "design.both_ways",
        "correlated parameters (a, b) have no rows BA_i; set it to false, or put them in one group",
    )
    plain = written(PAIR, **PICK_FREEZE)
    plain["statistics"] = [{"name": "sobol", "estimator": "azzini-rosati"}]
    ((place, message),) = faults_of(plain)
    assert place == "statistics[0].estimator"
    assert "a, b are correlated" in message
    plain["statistics"] = [{"name": "sobol", "estimator": "jansen-paired"}]
    assert parse_spec(plain).conditional


def test_a_discrete_parameter_may_be_correlated_where_its_index_is_not_asked_for():
    ((place, message),) = faults_of(written(PAIR, discrete="b", **PICK_FREEZE))
    assert place == f"{D}.parameters[1]"
    assert "'b' is discrete" in message
    assert "put a, b in one group of inputs.groups" in message
    parse_spec(written(PAIR, discrete="b"))
    parse_spec(written(PAIR, discrete="b", groups={"g": ["a", "b"]}, **PICK_FREEZE))


def test_the_design_is_told_in_plain_values(tmp_path):
    (tmp_path / "x.csv").write_text("b,note,a\n1,x,2\n3,y,4\n")
    assert parse_spec(written()).dependence_plain() is None
    assert parse_spec(written(PAIR)).dependence_plain() == PAIR
    assert parse_spec(written(SIMPLEX, "ab")).dependence_plain() == {
        **SIMPLEX,
        "total": 1,
        "concentration": 1,
    }
    assert parse_spec(written(LINEAR)).dependence_plain() == LINEAR
    told = resolved(parse_spec(written(ROWS, "ab")), tmp_path).dependence_plain()
    assert (told["kind"], told["parameters"]) == ("rows", ["a", "b"])
    assert np.array_equal(told["values"], [[2, 1], [4, 3]])


def test_the_digest_knows_the_dependence_and_the_contents_of_a_table(tmp_path):
    digests = {
        digest_of(science(parse_spec(written(dependence))))
        for dependence in (None, PAIR, matrix(0.6, 0, 0), matrix(0.6, 0, 0, key="rank_correlation"), LINEAR)
    }
    assert len(digests) == 5
    plain = {**ROWS, "path": "x.csv"}
    found = []
    for folder, text in (("one", "a,b\n1,2\n"), ("two", "a,b\n1,2\n"), ("three", "a,b\n1,3\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text(text)
        found.append(digest_of(science(resolved(parse_spec(written(plain, "ab")), tmp_path / folder))))
    assert found[0] == found[1] != found[2]


def test_a_table_that_has_changed_since_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    spec = resolved(parse_spec(written(ROWS, "ab")), tmp_path)
    assert parse_spec(spec.plain()) == spec == resolved(spec, tmp_path)
    (tmp_path / "x.csv").write_text("a,b\n1,2.5\n")
    with pytest.raises(
        SpecError, match=r"inputs\.dependence\.path: .*x\.csv has changed since the study began"
    ):
        spec.dependence_plain()


def test_faults_of_the_table_are_told_by_check(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n1,x\n")
    with pytest.raises(
        SpecError, match=r"inputs\.dependence\.path: .*x\.csv, line 3, column 'b': must be a number"
    ):
        resolved(parse_spec(written(ROWS, "ab")), tmp_path)
