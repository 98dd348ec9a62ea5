"""Distributions that need more than numbers: their faults, their files, and what a digest holds."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from parsl_sa import design
from parsl_sa.errors import SpecError
from parsl_sa.records import digest_of
from parsl_sa.spec import StudySpec, parse_spec, resolved, science
from support.requirements import require_module

PLACE = "inputs.parameters[0]"
GAMMA = {"distribution": "scipy", "family": "gamma", "shapes": {"a": 2.0}}
COINS = {"distribution": "discrete", "values": [1, 2, 5], "probabilities": [0.5, 0.3, 0.2]}
FINISH = {"distribution": "categorical", "levels": ["rough", "smooth"]}
GRADE = {"distribution": "ordinal", "levels": ["low", "mid", "high"], "weights": [1, 2, 1]}
BETA = {"distribution": "beta", "alpha": 2, "beta": 3.5}
UNIFORM = {"distribution": "uniform", "low": 0, "high": 1}
DATA = {"distribution": "empirical", "file": "x.csv"}


def written(*parameters: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    named = [{"name": name, **one} for name, one in zip("abcdef", parameters, strict=False)]
    return {
        "spec_version": 1,
        "name": "m",
        "model": {"loader": "exported", "path": "net.pt2"},
        "inputs": {"parameters": named, **inputs},
        "design": {"method": "monte-carlo", "n": 256},
        "outputs": [{"name": "y"}],
    }


def fault_of(plain: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(plain)
    (fault,) = caught.value.faults
    return fault.place, fault.message


@pytest.mark.parametrize("kind", [GAMMA, COINS, FINISH, GRADE, BETA])
def test_sound_ones_reach_the_design(kind: dict[str, Any]) -> None:
    spec = parse_spec(written(kind))
    assert parse_spec(spec.plain()) == spec
    told = {"method": "monte-carlo", "sequence": "sobol", "seed": 0}
    rows = design.assemble(told, spec.parameters_plain(), 256).rows(0, 256)
    assert np.isfinite(rows).all()


@pytest.mark.parametrize(
    ("kind", "place", "words"),
    [
        ({**GAMMA, "family": "gama"}, ".family", "no continuous distribution 'gama'; did you mean 'gamma'?"),
        ({**GAMMA, "family": "qqq"}, ".family", "'qqq'; it has 1"),
        ({**GAMMA, "family": "poisson"}, ".family", "'poisson' is discrete; list its values"),
        ({**GAMMA, "family": ""}, ".family", "must not be empty. Name of the distribution"),
        ({**GAMMA, "shapes": {}}, ".shapes", "lacks a; gamma takes a in (0, inf)"),
        ({**GAMMA, "shapes": {"a": 2, "loc": 2}}, ".shapes.loc", "loc and scale stand beside shapes"),
        ({**GAMMA, "shapes": {"a": -2}}, ".shapes", "make no distribution: a = -2; gamma takes a in (0"),
        ({**GAMMA, "shapes": {"a": "2"}}, ".shapes.a", "must be a number"),
        ({**GAMMA, "family": "norm"}, ".shapes.a", "is no shape of this distribution; norm takes no shapes"),
        ({**GAMMA, "family": "truncnorm", "shapes": {"a": 3, "b": 1}}, ".shapes", "a = 3, b = 1; truncnorm"),
        ({**GAMMA, "scale": 0}, ".scale", "must be greater than 0"),
        ({**COINS, "probabilities": [0.5, 0.3, 0.1]}, ".probabilities", "must sum to 1; they sum to 0.9."),
        ({**COINS, "probabilities": [0.5, 0.5]}, ".probabilities", "one probability for each of the 3"),
        ({**COINS, "probabilities": [0.5, 0.5, 0]}, ".probabilities[2]", "must be greater than 0"),
        ({**COINS, "values": [1, 2, 2]}, ".values", "lists 2.0 twice; give it once and add its"),
        ({**COINS, "weights": [1, 1, 1]}, ".weights", "unknown key"),
        ({**FINISH, "levels": ["a"]}, ".levels", "must be a list of at least two texts"),
        ({**FINISH, "levels": [1, 2]}, ".levels", "must hold texts alone"),
        ({**FINISH, "levels": ["a", " "]}, ".levels", "must be printable texts"),
        ({**FINISH, "levels": ["a", "a"]}, ".levels", "lists 'a' twice; give it once and use weights"),
        ({**FINISH, "weights": [1]}, ".weights", "one weight for each of the 2 levels; it has 1"),
        ({**GRADE, "levels": ["a", 1, 2]}, ".levels", "must hold texts, or numbers alone"),
        ({**GRADE, "levels": [1, 3, 2]}, ".levels", "must rise; 2.0 stands after a larger number"),
        ({**BETA, "alpha": 0}, ".alpha", "must be greater than 0"),
        ({**BETA, "low": 2}, ".high", "must exceed low (2.0); it is 1.0"),
        ({**DATA, "file": "x.xlsx"}, ".file", "must be a .csv, .parquet or .npy file; it is 'x.xlsx'"),
        ({**DATA, "column": -1}, ".column", "must be the name of a column or"),
        ({**DATA, "interpolate": "yes"}, ".interpolate", "must be true or false"),
        ({**UNIFORM, "trained": [0, 1, 2]}, ".trained", "must be [low, high]; it has 3 entries"),
        ({**UNIFORM, "trained": [1, 1]}, ".trained", "with low below high; it is [1.0, 1.0]"),
        ({**UNIFORM, "trained": [None, None]}, ".trained", "has no end; leave it out"),
        ({**UNIFORM, "trained": [0, "1"]}, ".trained[1]", "must be a number"),
        ({**UNIFORM, "trained": 5}, ".trained", "must be a list"),
    ],
)  # fmt: skip
def test_a_faulty_one_is_named(kind: dict[str, Any], place: str, words: str) -> None:
    found, message = fault_of(written(kind))
    assert (found, words in message) == (f"{PLACE}{place}", True), message


COPULA = {"kind": "gaussian-copula", "parameters": ["a", "b"], "correlation": [[1, 0.5], [0.5, 1]]}


def test_levels_without_an_order_follow_nothing() -> None:
    place, message = fault_of(written(UNIFORM, FINISH, dependence=COPULA))
    assert place == "inputs.dependence.parameters[1]"
    assert "'b' is categorical: its levels have no order" in message
    linear = {"kind": "linear-constraints", "constraints": [{"coefficients": {"a": 1, "b": 1}, "at_most": 1}]}
    place, message = fault_of(written(UNIFORM, FINISH, dependence=linear))
    assert place == "inputs.dependence.constraints[0].coefficients.b"
    parse_spec(written(UNIFORM, GRADE, dependence=COPULA))


@pytest.mark.parametrize("kind", [GRADE, COINS, DATA])
def test_conditional_rows_refuse_what_comes_in_steps(kind: dict[str, Any]) -> None:
    plain = written(UNIFORM, kind, dependence=COPULA)
    parse_spec(plain)
    plain["design"]["method"] = "pick-freeze"
    assert "'b' is discrete" in fault_of(plain)[1]
    plain["inputs"]["parameters"][1] = {"name": "b", **DATA, "interpolate": True}
    assert parse_spec(plain).conditional


def read(folder: Any, **changes: Any) -> StudySpec:
    return resolved(parse_spec(written(UNIFORM, {**DATA, **changes})), folder)


def test_a_column_of_any_file_is_read(tmp_path: Any) -> None:
    require_module("pyarrow")
    import pyarrow as pa
    from pyarrow import parquet

    (tmp_path / "x.csv").write_text("b,T\n1,5\n3,6\n")
    np.save(tmp_path / "x.npy", np.array([1.0, 3.0]))
    np.save(tmp_path / "y.npy", np.array([[5, 1], [6, 3]]))
    np.save(tmp_path / "z.npy", np.array([(5.0, 1.0), (6.0, 3.0)], [("T", "f8"), ("b", "f8")]))
    parquet.write_table(pa.table({"b": [1, 3], "T": [5.0, 6.0]}), tmp_path / "x.parquet")
    for changes in (
        {},
        {"file": "x.parquet"},
        {"file": "x.npy"},
        {"file": "y.npy", "column": 1},
        {"file": "z.npy", "column": "b"},
    ):
        assert read(tmp_path, **changes).parameters_plain()[1]["values"].tolist() == [1, 3]
    for file in ("x.csv", "x.parquet"):
        assert read(tmp_path, file=file, column="T").parameters_plain()[1]["values"].tolist() == [5, 6]


def test_faults_of_a_file_are_told_by_check(tmp_path: Any) -> None:
    require_module("pyarrow")
    import pyarrow as pa
    from pyarrow import parquet

    (tmp_path / "x.csv").write_text("b,T\n1,5\n3,nan\n")
    (tmp_path / "bad.parquet").write_text("no")
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    table = pa.table({"b": [1.0, None, float("nan")], "T": ["u", "v", "w"]})
    parquet.write_table(table, tmp_path / "x.parquet")
    for changes, words in (
        ({"file": "none.csv"}, "none.csv: no such file; paths are relative to the spec"),
        ({"column": "T"}, "x.csv, line 3, column 'T': must be a finite number; it is nan"),
        ({"column": "S"}, "x.csv has no column 'S'; its columns: b, T"),
        ({"column": 1}, "x.csv has names of columns; give one of them instead of 1"),
        ({"file": "x.parquet"}, "x.parquet, row 1, column 'b': must be finite; it is nan"),
        ({"file": "x.parquet", "column": "T"}, "column 'T': holds string, not numbers"),
        ({"file": "x.parquet", "column": "S"}, "x.parquet has no column 'S'"),
        ({"file": "bad.parquet"}, "bad.parquet is no Parquet file"),
        ({"file": "x.npy"}, "holds float64 of shape (3, 2)"),
        ({"file": "x.npy", "column": 2}, "of shape (3, 2); it has no column 2"),
        ({"file": "x.npy", "column": "b"}, "x.npy has no names of columns"),
    ):
        with pytest.raises(SpecError) as caught:
            read(tmp_path, **changes)
        assert caught.value.faults[0].place == "inputs.parameters[1].file"
        assert words in caught.value.faults[0].message


def test_a_file_that_has_changed_since_is_refused(tmp_path: Any) -> None:
    (tmp_path / "x.csv").write_text("b\n1\n2\n")
    spec = read(tmp_path)
    assert parse_spec(spec.plain()) == spec == resolved(spec, tmp_path)
    (tmp_path / "x.csv").write_text("b\n1\n3\n")
    with pytest.raises(SpecError, match=r"parameters\[1\]\.file: .*x\.csv has changed since the study began"):
        spec.parameters_plain()


def test_the_digest_knows_what_a_file_holds_and_not_where(tmp_path: Any) -> None:
    found = []
    for folder, text in (("one", "b\n1\n2\n"), ("two", "b\n1\n2\n"), ("three", "b\n1\n3\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text(text)
        found.append(digest_of(science(read(tmp_path / folder))))
    assert found[0] == found[1] != found[2]


def test_a_trained_range_changes_no_result() -> None:
    plain = written(UNIFORM)
    ranged = copy.deepcopy(plain)
    ranged["inputs"]["parameters"][0]["trained"] = [None, 5]
    assert parse_spec(ranged) != parse_spec(plain)
    assert science(parse_spec(ranged)) == science(parse_spec(plain))
    assert parse_spec(ranged).parameters_plain() == parse_spec(plain).parameters_plain()
