"""The spec as others use it: plain views, resolution, digest, schema, cost of the import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from parsl_sa.errors import SpecError
from parsl_sa.records import digest_of
from parsl_sa.spec import json_schema, load_spec, parse_spec, resolved, science

HEAVY = ("torch", "numba", "parsl", "mpi4py", "numpy", "scipy", "zmq")


@pytest.fixture
def minimal():
    return {
        "spec_version": 1,
        "name": "m",
        "model": {"loader": "exported", "path": "net.pt2"},
        "inputs": {"parameters": [{"name": "x", "distribution": "uniform", "low": 0, "high": 1}]},
        "design": {"n": 256},
        "outputs": [{"name": "y"}],
    }


def test_defaults(minimal):
    spec = parse_spec(minimal)
    assert (spec.design.method, spec.design.sequence, spec.design.replicates) == ("pick-freeze", "sobol", 16)
    assert (spec.design.both_ways, spec.design.seed, spec.design.intervals) == (False, 0, True)
    assert (spec.model.dtype, spec.model.device, spec.model.arrays) == ("auto", "auto", "auto")
    assert (spec.model.mode, spec.model.trust, spec.model.key, spec.model.method) == ("eval", False, "", "")
    assert (spec.farm.site, spec.farm.clients.ranks, spec.farm.clients.slots) == ("local", 2, None)
    assert (spec.farm.reducer.shards, spec.farm.reducer.checkpoint_s) == (1, 60)
    assert (spec.stop.budget.seconds, spec.stop.max_dropped_fraction) == (None, 0.01)


@pytest.mark.parametrize(("both_ways", "estimator"), [(False, "saltelli-jansen"), (True, "azzini-rosati")])
def test_default_statistics_follow_the_design(minimal, both_ways, estimator):
    minimal["design"]["both_ways"] = both_ways
    assert parse_spec(minimal).statistics_plain() == [
        {"name": "moments", "level": 0.95},
        {"name": "extrema"},
        {"name": "sobol", "estimator": estimator, "second_order": False, "level": 0.95},
    ]


def test_default_statistics_of_monte_carlo(minimal):
    minimal["design"]["method"] = "monte-carlo"
    assert [item["name"] for item in parse_spec(minimal).statistics_plain()] == ["moments", "extrema"]


def test_plain_views(airfoil):
    spec = parse_spec(airfoil)
    assert [item.name for item in spec.uncertain] == [
        "alpha", "Re", "mach", "gap", "roughness", "camber", "panels", "foil",
    ]  # fmt: skip
    parameters = spec.parameters_plain()
    assert parameters[0] == {"name": "alpha", "distribution": "normal", "mean": 3.0, "sd": 0.5}
    assert parameters[3] == {
        "name": "gap", "distribution": "truncated-normal", "mean": 0.0, "sd": 1.0, "low": -2.0, "high": None,
    }  # fmt: skip
    assert parameters[7]["values"] == [1.0, 2.0]
    assert parameters[8] == {"name": "chord", "distribution": "constant", "value": 1.0}
    assert spec.design_plain() == {
        "method": "pick-freeze", "sequence": "sobol", "both_ways": True, "seed": 0,
    }  # fmt: skip
    assert spec.outputs_plain()[1] == {
        "name": "theta", "select": "boundary_layer.theta", "dims": {"side": 2, "x": 32}, "unit": "m",
    }  # fmt: skip
    assert list(spec.outputs_plain()[1]["dims"]) == ["side", "x"]
    assert set(spec.model_plain()) == set(type(spec.model).model_fields) - {"preprocess", "classes", "scores"}


def test_whole_numbers_may_be_written_as_floats(edited):
    spec = parse_spec(edited(("design.n", 1e4), ("inputs.parameters.6.high", 12.0)))
    assert spec.design.n == 10000
    assert isinstance(spec.design.n, int)
    assert isinstance(spec.parameters_plain()[6]["high"], int)


def test_null_stands_for_the_default_where_it_may(edited):
    spec = parse_spec(
        edited(("statistics", None), ("farm.clients.slots", None), ("inputs.parameters.7.weights", None))
    )
    assert spec.statistics_plain()[2]["estimator"] == "azzini-rosati"


def test_written_out_and_read_again(airfoil, tmp_path):
    spec = parse_spec(airfoil)
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec.plain()))
    assert load_spec(path) == spec


def test_is_frozen(airfoil):
    with pytest.raises(ValidationError):
        parse_spec(airfoil).design.n = 3


def test_resolved_is_absolute_whole_and_its_own_resolution(edited, tmp_path):
    spec = parse_spec(edited(("design.n", 5000), ("statistics", ...)))
    done = resolved(spec, tmp_path)
    assert done.model.path == f"{tmp_path / 'model.py'}:load"
    assert (done.design.n, done.design.replicates) == (5120, 20)
    assert done.statistics_plain() == spec.statistics_plain()
    assert resolved(done, Path("elsewhere")) == done
    assert parse_spec(done.plain()) == done


def test_a_path_without_function_keeps_its_colon(minimal, tmp_path):
    minimal["model"]["path"] = "a:b.pt2"
    spec = parse_spec(minimal)
    assert (spec.model.file, spec.model.function) == ("a:b.pt2", "")
    assert resolved(spec, tmp_path).model.path == str(tmp_path / "a:b.pt2")


def digest(plain):
    return digest_of(science(parse_spec(plain)))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("name", "other"),
        ("model.path", "/else/where.py:load"),
        ("model.device", "cuda:1"),
        ("model.trust", True),
        ("inputs.parameters.0.description", "angle of attack"),
        ("inputs.parameters.2.low", 0.0),
        ("farm.clients.ranks", 4),
        ("farm.options", {"account": "x"}),
        ("stop.budget.seconds", 1),
        ("statistics.0", {"name": "moments"}),
        ("statistics.2.estimator", ...),
    ],
)
def test_science_is_blind_to_what_no_result_depends_on(edited, airfoil, place, value):
    before = digest(airfoil)
    assert digest(edited((place, value))) == before


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("model.path", "model.py:other"),
        ("model.method", "predict"),
        ("model.mode", "dropout"),
        ("model.options", {"size": "small"}),
        ("model.dtype", "float64"),
        ("model.arrays", "numpy"),
        ("inputs.parameters.0.sd", 0.6),
        ("inputs.parameters.8.value", 2),
        ("design.n", 8192),
        # Holds 4096 base points too, but in 32 replicates of 128.
        ("design.n", 4095),
        ("design.seed", 1),
        ("design.sequence", "random"),
        ("design.intervals", False),
        ("outputs.0.select", "CD"),
        ("statistics.2.level", 0.5),
        ("statistics.2", ...),
    ],
)
def test_science_sees_what_results_depend_on(edited, airfoil, place, value):
    before = digest(airfoil)
    assert digest(edited((place, value))) != before


def test_science_of_written_and_resolved_agree(edited, tmp_path):
    spec = parse_spec(edited(("design.n", 5000)))
    assert science(resolved(spec, tmp_path)) == science(spec)


def test_schema_describes_every_field():
    schema = json_schema()
    objects = {"": schema, **schema["$defs"]}
    assert len(objects) > 15
    for name, definition in objects.items():
        assert definition["additionalProperties"] is False, name
        for key, field in definition["properties"].items():
            # pydantic leaves out a description that the object referred to has itself.
            inner = schema["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else {}
            assert field.get("description", inner.get("description")), f"{name}.{key}"
            referred = "$ref" in field or any("$ref" in one for one in field.get("anyOf", []))
            assert "title" in field or referred, f"{name}.{key}"


def test_one_level_is_that_of_all_intervals(minimal):
    minimal["statistics"] = ["moments", {"name": "sobol", "level": 0.99}]
    assert [item["level"] for item in parse_spec(minimal).statistics_plain()] == [0.99, 0.99]
    minimal["statistics"][0] = {"name": "moments", "level": 0.9}
    with pytest.raises(SpecError, match=r"statistics\[1\]\.level: is 0.99, .* 'moments' is 0.9"):
        parse_spec(minimal)


def test_schema_states_bounds_and_names_in_its_own_keywords():
    definitions = json_schema()["$defs"]
    assert definitions["DesignSpec"]["properties"]["n"]["minimum"] == 1
    assert definitions["DesignSpec"]["properties"]["method"]["enum"] == [
        "pick-freeze",
        "monte-carlo",
        "one-at-a-time",
    ]
    assert definitions["SobolSpec"]["properties"]["level"]["anyOf"][0]["exclusiveMaximum"] == 1
    text = json.dumps(json_schema())
    assert not [word for word in ('"ge":', '"le":', '"gt":', '"lt":') if word in text]


def test_import_is_light():
    code = f"import sys, parsl_sa.spec; print([m for m in {HEAVY!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]"
