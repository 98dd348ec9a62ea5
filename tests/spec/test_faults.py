"""Every broken spec gets a message that names the place and the cure."""

from __future__ import annotations

from math import inf, nan

import pytest

from parsl_sa.errors import Fault, SpecError
from parsl_sa.registry import TABLES, names
from parsl_sa.spec import parse_spec
from parsl_sa.spec.distributions import PARAMETER_KINDS
from parsl_sa.spec.faults import shown
from parsl_sa.spec.statistics import STATISTIC_KINDS

P = "inputs.parameters"
PYDANTICS_WORDS = ("Input ", "validation", "Extra inputs", "Field required", "tag")

# id: (edits, place, words that the message must hold)
BROKEN = {
    # keys and types
    "missing name": ([("name", ...)], "name", ["missing", "Name of the study"]),
    "missing model": ([("model", ...)], "model", ["missing", "network"]),
    "missing n": ([("design.n", ...)], "design.n", ["missing", "base points"]),
    "missing version": ([("spec_version", ...)], "spec_version", ["missing", "1"]),
    "missing sd": ([(f"{P}.0.sd", ...)], f"{P}[0].sd", ["missing", "Standard deviation"]),
    "other version": ([("spec_version", 2)], "spec_version", ["must be 1", "2"]),
    "unknown key": (
        [("farm.clients.rank", 4)],
        "farm.clients.rank",
        ["unknown key", "did you mean 'ranks'?"],
    ),
    "unknown key, far": ([("design.xyz", 4)], "design.xyz", ["unknown key", "replicates", "both_ways"]),
    "unknown key of a distribution": (
        [(f"{P}.1.hgih", 5e6)],
        f"{P}[1].hgih",
        ["did you mean 'high'?", "name, unit, description, trained, distribution, low, high"],
    ),
    "odd key": ([("design.a b", 1)], "design['a b']", ["unknown key"]),
    "text for a number": ([(f"{P}.0.mean", "3")], f"{P}[0].mean", ["must be a number", "text '3'"]),
    "true for a number": ([(f"{P}.0.mean", True)], f"{P}[0].mean", ["must be a number", "true"]),
    "text for a whole number": ([("design.n", "many")], "design.n", ["whole number", "'many'"]),
    "half a base point": ([("design.n", 100.5)], "design.n", ["whole number", "100.5"]),
    "text for a truth value": ([("design.both_ways", "yes")], "design.both_ways", ["true or false", "'yes'"]),
    "number for a text": ([("model.path", 3)], "model.path", ["must be a text", "3"]),
    "list for an object": ([("design", [])], "design", ["must be an object", "a list"]),
    "null for an object": ([("farm", None)], "farm", ["must be an object", "null"]),
    "object for a list": ([("outputs", {"name": "CL"})], "outputs", ["must be a list", "an object"]),
    "number for a parameter": ([(f"{P}.0", 3)], f"{P}[0]", ["must be an object", "3"]),
    "number for a statistic": ([("statistics.0", 3)], "statistics[0]", ["a name", "or an object"]),
    # names
    "unknown loader": ([("model.loader", "pyton")], "model.loader", ["did you mean 'python'", "exported"]),
    "unknown method": ([("design.method", "pickfreeze")], "design.method", ["pick-freeze", "monte-carlo"]),
    "unknown sequence": ([("design.sequence", "halton")], "design.sequence", ["sobol, random", "halton"]),
    "unknown distribution": (
        [(f"{P}.2.distribution", "unifrom")],
        f"{P}[2].distribution",
        ["did you mean 'uniform'", "truncated-normal"],
    ),
    "no distribution": ([(f"{P}.2.distribution", ...)], f"{P}[2].distribution", ["missing", "loguniform"]),
    "misspelt distribution": (
        [(f"{P}.2.distribution", ...), (f"{P}.2.distribuion", "uniform")],
        f"{P}[2].distribution",
        ["missing", "'distribuion' may be a misspelling"],
    ),
    "number for a distribution": (
        [(f"{P}.2.distribution", 5)],
        f"{P}[2].distribution",
        ["one of uniform", "5"],
    ),
    "unknown statistic": (
        [("statistics.1", "extremes")],
        "statistics[1].name",
        ["'extremes'", "moments, extrema"],
    ),
    "no statistic name": ([("statistics.2.name", ...)], "statistics[2].name", ["missing", "sobol"]),
    "unknown estimator": (
        [("statistics.2.estimator", "azini-rosati")],
        "statistics[2].estimator",
        ["did you mean 'azzini-rosati'", "jansen-paired"],
    ),
    "unknown dtype": ([("model.dtype", "float16")], "model.dtype", ["'auto', 'float32' or 'float64'"]),
    "unknown device": ([("model.device", "gpu")], "model.device", ["cpu", "cuda:N", "'gpu'"]),
    "unknown arrays": ([("model.arrays", "jax")], "model.arrays", ["'auto', 'torch' or 'numpy'"]),
    "name with a slash": ([("name", "a/b")], "name", ["letters", "'a/b'"]),
    "name of dots": ([("name", "..")], "name", ["start with a letter or digit"]),
    "output with a slash": ([("outputs.0.name", "L/D")], "outputs[0].name", ["letters", "'L/D'"]),
    "empty parameter name": ([(f"{P}.0.name", " ")], f"{P}[0].name", ["printable", "' '"]),
    "no function": ([("model.path", "model.py")], "model.path", ["such as 'model.py:load'", "'model.py'"]),
    "unknown mode": ([("model.mode", "train")], "model.mode", ["'eval' or 'dropout'"]),
    "weights without a module": (
        [("model.loader", "state-dict"), ("model.path", "net.pt")],
        "model.architecture",
        ["is missing", '"net.py:Net"'],
    ),
    "no function of a module": (
        [("model.loader", "state-dict"), ("model.path", "net.pt"), ("model.architecture", "net.py")],
        "model.architecture",
        ["such as 'model.py:Net'", "'net.py'"],
    ),
    "a module beside code": (
        [("model.architecture", "net.py:Net")],
        "model.architecture",
        ["'state-dict'", "not for 'python'"],
    ),
    "a method of a network": (
        [("model.loader", "onnx"), ("model.path", "net.onnx"), ("model.method", "predict")],
        "model.method",
        ["is for estimators", "'onnx'"],
    ),
    "no function, loader told": (
        [("model.loader", ...), ("model.path", "model.py:")],
        "model.path",
        ["such as 'model.py:load'"],
    ),
    "no file": ([("model.path", ":load")], "model.path", ["'model.py:load'"]),
    "empty path": ([("model.path", "")], "model.path", ["must not be empty"]),
    "reserved axis": (
        [("outputs.1.dims.parameter", 3)],
        "outputs[1].dims.parameter",
        ["axis of the results"],
    ),
    "empty axis": ([("outputs.1.dims.x", 0)], "outputs[1].dims.x", ["at least 1", "0"]),
    # numbers
    "NaN bound": ([(f"{P}.2.high", nan)], f"{P}[2].high", ["finite"]),
    "infinite bound": ([(f"{P}.2.high", inf)], f"{P}[2].high", ["finite"]),
    "NaN among options": ([("model.options.a", [1, {"b": nan}])], "model.options.a[1].b", ["finite"]),
    "infinite budget": ([("stop.budget.seconds", inf)], "stop.budget.seconds", ["finite"]),
    "inverted bounds": ([(f"{P}.2.low", 5)], f"{P}[2].high", ["must exceed low (5.0)", "0.3"]),
    "equal bounds": ([(f"{P}.2.low", 0.3)], f"{P}[2].high", ["must exceed low (0.3)", "constant"]),
    "too wide": ([(f"{P}.2.low", -1e308), (f"{P}.2.high", 1e308)], f"{P}[2].high", ["overflows"]),
    "loguniform from 0": ([(f"{P}.1.low", 0)], f"{P}[1].low", ["greater than 0", "logarithm"]),
    "loguniform inverted": ([(f"{P}.1.low", 6e6)], f"{P}[1].high", ["must exceed low (6000000.0)"]),
    "sd of 0": ([(f"{P}.0.sd", 0)], f"{P}[0].sd", ["greater than 0"]),
    "negative sd": ([(f"{P}.3.sd", -1.0)], f"{P}[3].sd", ["greater than 0", "-1.0"]),
    "negative sd_log": ([(f"{P}.4.sd_log", -1.0)], f"{P}[4].sd_log", ["greater than 0"]),
    "truncated nowhere": ([(f"{P}.3.low", ...)], f"{P}[3]", ["low", "high", '"distribution": "normal"']),
    "truncated, inverted": ([(f"{P}.3.high", -3)], f"{P}[3].high", ["must exceed low (-2.0)"]),
    "lognormal of X": (
        [(f"{P}.4.mean_log", 500), (f"{P}.4.sd_log", 50)],
        f"{P}[4].mean_log",
        ["ln(X)", "6.215", "0.1"],
    ),
    "mode too high": ([(f"{P}.5.mode", 0.05)], f"{P}[5].mode", ["[low, high] = [0.0, 0.04]", "0.05"]),
    "mode too low": ([(f"{P}.5.mode", -0.05)], f"{P}[5].mode", ["[low, high]"]),
    "triangular inverted": ([(f"{P}.5.low", 1)], f"{P}[5].high", ["must exceed low (1.0)"]),
    "integer of a half": ([(f"{P}.6.low", 7.5)], f"{P}[6].low", ["whole number", "7.5"]),
    "integer inverted": ([(f"{P}.6.high", 7)], f"{P}[6].high", ["must exceed low (8"]),
    "integer too large": ([(f"{P}.6.high", 2**60)], f"{P}[6].high", ["at most 9007199254740992"]),
    "one choice": (
        [(f"{P}.7.values", [1]), (f"{P}.7.weights", None)],
        f"{P}[7].values",
        ["at least 2 entries"],
    ),
    "choice twice": ([(f"{P}.7.values", [1, 1.0])], f"{P}[7].values", ["1.0 twice", "weights"]),
    "weights too few": ([(f"{P}.7.weights", [1])], f"{P}[7].weights", ["each of the 2 values", "1"]),
    "negative weight": ([(f"{P}.7.weights", [1, -1])], f"{P}[7].weights[1]", ["greater than 0", "-1"]),
    "text among values": (
        [(f"{P}.7.values", [1, "two"])],
        f"{P}[7].values[1]",
        ["must be a number", "'two'"],
    ),
    "level in percent": ([("statistics.2.level", 95)], "statistics[2].level", ["less than 1", "95", "0.95"]),
    "level of 0": ([("statistics.2.level", 0)], "statistics[2].level", ["greater than 0"]),
    "level of 1": ([("statistics.2.level", 1)], "statistics[2].level", ["less than 1"]),
    "no base point": ([("design.n", 0)], "design.n", ["at least 1", "0"]),
    "endless design": ([("design.n", 10**15)], "design.n", ["at most 1099511627776"]),
    "no replicate": ([("design.replicates", 0)], "design.replicates", ["at least 1"]),
    "negative seed": ([("design.seed", -1)], "design.seed", ["at least 0", "-1"]),
    "no rank": ([("farm.clients.ranks", 0)], "farm.clients.ranks", ["at least 1", "MPI ranks"]),
    "no slot": ([("farm.clients.slots", 0)], "farm.clients.slots", ["at least 1"]),
    "negative memory": ([("farm.clients.memory_gb", -1)], "farm.clients.memory_gb", ["greater than 0"]),
    "two shards": ([("farm.reducer.shards", 2)], "farm.reducer.shards", ["only 1", "2"]),
    "no shard": ([("farm.reducer.shards", 0)], "farm.reducer.shards", ["at least 1"]),
    "no checkpoint": ([("farm.reducer.checkpoint_s", 0)], "farm.reducer.checkpoint_s", ["greater than 0"]),
    "no time": ([("stop.budget.seconds", 0)], "stop.budget.seconds", ["greater than 0", "seconds"]),
    "all dropped": ([("stop.max_dropped_fraction", 1.5)], "stop.max_dropped_fraction", ["at most 1", "1.5"]),
    "huge number": ([(f"{P}.0.mean", 10**400)], f"{P}[0].mean", ["must be a number", "too many digits"]),
    # between fields and parts
    "parameter twice": ([(f"{P}.2.name", "alpha")], f"{P}[2].name", ["'alpha'", f"{P}[0]", "must differ"]),
    "output twice": ([("outputs.1.name", "CL")], "outputs[1].name", ["'CL'", "outputs[0]"]),
    "statistic twice": ([("statistics.1", "moments")], "statistics[1]", ["'moments'", "statistics[0]"]),
    "nothing uncertain": (
        [(P, [{"name": "a", "distribution": "constant", "value": 1.0}])],
        P,
        ["constant", "at least one"],
    ),
    "no parameter": ([(P, [])], P, ["at least 1 entry"]),
    "no output": ([("outputs", [])], "outputs", ["at least 1 entry"]),
    "no statistic": ([("statistics", [])], "statistics", ["at least 1 entry"]),
    "sobol of monte-carlo": (
        [("design.method", "monte-carlo"), ("design.both_ways", False)],
        "statistics[2]",
        ["pick-freeze", "leave sobol out"],
    ),
    "both ways of monte-carlo": (
        [("design.method", "monte-carlo"), ("statistics", ["moments"])],
        "design.both_ways",
        ["monte-carlo", "leave it out"],
    ),
    "sobol of one-at-a-time": (
        [("design.method", "one-at-a-time"), ("design.both_ways", False)],
        "statistics[2]",
        ["pick-freeze", "leave sobol out"],
    ),
    "both ways of one-at-a-time": (
        [("design.method", "one-at-a-time"), ("statistics", ["effects"])],
        "design.both_ways",
        ["one-at-a-time", "base point", "leave it out"],
    ),
    "effects of pick-freeze": (
        [("statistics", ["effects"])],
        "statistics[0]",
        ['design.method to "one-at-a-time"', "leave effects out"],
    ),
    "a switch without effect": (
        [(f"{P}.8", {"name": "chord", "distribution": "switch", "on": 2.0, "off": 2})],
        f"{P}[8].off",
        ["must differ from on (2.0)"],
    ),
    "azzini-rosati one way": (
        [("design.both_ways", False)],
        "statistics[2].estimator",
        ["design.both_ways to true", "leave the estimator out"],
    ),
    "too many dimensions": (
        [(P, [{"name": f"x{i}", "distribution": "normal", "mean": 0, "sd": 1} for i in range(10601)])],
        P,
        ["10601", "21202", "21201", '"random"'],
    ),
    "not JSON": ([("model.options.a", {1, 2})], "model.options.a", ["JSON value", "set"]),
}


def faults_of(plain: object) -> tuple[Fault, ...]:
    with pytest.raises(SpecError) as caught:
        parse_spec(plain)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    return caught.value.faults


@pytest.mark.parametrize(("edits", "place", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_names_place_and_cure(edited, edits, place, words):
    faults = faults_of(edited(*edits))
    assert [fault.place for fault in faults] == [place], faults
    message = faults[0].message
    assert not [word for word in words if word not in message], message
    assert not [word for word in PYDANTICS_WORDS if word in message], message


def test_broken_specs_are_many():
    assert len(BROKEN) > 80


def test_everything_at_once_in_the_order_of_the_spec(edited):
    broken = edited(
        ("farm.clients.rank", 3),
        ("design.seed", -1),
        ("design.both_ways", False),
        (f"{P}.2.low", 5),
        (f"{P}.2.unti", "m"),
        (f"{P}.3.name", "alpha"),
        (f"{P}.7.weights", [1, -1, 2]),
        ("outputs.1.name", "CL"),
        ("outputs.1.selct", "CL"),
        ("model.options.x", nan),
        ("name", ...),
    )
    assert [fault.place for fault in faults_of(broken)] == [
        "model.options.x",
        f"{P}[2].high",
        f"{P}[2].unti",
        f"{P}[3].name",
        f"{P}[7].weights",
        f"{P}[7].weights[1]",
        "design.seed",
        "outputs[1].name",
        "outputs[1].selct",
        "statistics[2].estimator",
        "farm.clients.rank",
        "name",
    ]


def test_a_rule_is_silent_about_what_it_cannot_know(edited):
    # low is faulty: nothing is known of low < high, nor whether a bound was meant.
    broken = edited((f"{P}.2.low", "x"), (f"{P}.3.low", "x"), ("design.both_ways", "no"))
    assert [fault.place for fault in faults_of(broken)] == [f"{P}[2].low", f"{P}[3].low", "design.both_ways"]


def test_unknown_distribution_still_counts_its_name(edited):
    broken = edited((f"{P}.2.distribution", "weibull"), (f"{P}.2.name", "alpha"))
    assert [fault.place for fault in faults_of(broken)] == [f"{P}[2].name", f"{P}[2].distribution"]


@pytest.mark.parametrize("plain", [[], 3, None, "spec"])
def test_a_spec_that_is_no_object(plain):
    (fault,) = faults_of(plain)
    assert "object" in fault.message


def test_parts_of_wrong_kind_do_not_stop_the_others(edited):
    broken = edited(("model", 3), ("inputs", []), ("design", None), ("outputs", 1), ("statistics", {}))
    places = [fault.place for fault in faults_of(broken)]
    assert places == ["model", "inputs", "design", "outputs", "statistics"]


def test_braces_in_what_the_user_wrote(edited):
    (fault,) = faults_of(edited(("model.loader", "{x} %s {0}")))
    assert "'{x} %s {0}'" in fault.message


def test_long_values_are_cut():
    assert len(shown("x" * 1000)) < 60


def test_tables_and_classes_know_the_same_names():
    assert tuple(PARAMETER_KINDS) == names("distribution")
    assert tuple(STATISTIC_KINDS) == names("statistic")


def test_a_new_loader_needs_only_its_line(edited, monkeypatch):
    monkeypatch.setitem(TABLES["loader"], "keras", "parsl_sa.models.loaders.keras:load")
    assert parse_spec(edited(("model.loader", "keras"), ("model.path", "net.keras"))).model.loader == "keras"
