"""The ground of the rules across fields, and that no JSON value whatever makes the check itself fail."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsl_sa.errors import SpecError
from parsl_sa.spec import DesignSpec, parse_spec, warnings
from parsl_sa.spec.discrete import ChoiceSpec
from parsl_sa.spec.parts import Broken, Finding, Part, place_of

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def nodes(value: Any, steps: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [steps] * bool(steps) + [place for key, inner in children for place in nodes(inner, (*steps, key))]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), value=json_values)
def test_any_value_anywhere_is_accepted_or_named(airfoil, data, value):
    plain = copy.deepcopy(airfoil)
    place = data.draw(st.sampled_from(nodes(plain)))
    here = plain
    for step in place[:-1]:
        here = here[step]
    here[place[-1]] = value
    faults = ()
    try:
        spec = parse_spec(plain)
    except SpecError as error:
        spec, faults = None, error.faults
    assert (spec is None) == bool(faults)
    assert all(fault.place and fault.message for fault in faults)
    if spec is not None:
        warnings(spec)
        assert parse_spec(spec.plain()) == spec


@pytest.mark.parametrize(
    ("steps", "text"),
    [((), ""), (("a", 0, "b_c"), "a[0].b_c"), (("a", "b c"), "a['b c']"), (("a", "", "x"), "a[''].x")],
)
def test_places(steps, text):
    assert place_of(steps) == text


def test_sound_fields_and_defaults_are_kept():
    broken = Broken([Finding(("design", "seed"), ""), Finding(("design", "sed"), "")])
    part = Part.of(DesignSpec, {"n": 4, "seed": -1, "sed": 0}, ("design",), broken)
    assert part.get("n") == 4
    assert part.get("replicates") == 16
    assert part.get("seed") is None
    assert part.broken == {"seed", "sed"}


def test_an_object_that_is_broken_itself_has_no_defaults():
    part = Part.of(DesignSpec, [], ("design",), Broken([Finding(("design",), "")]))
    assert part.get("method") is None
    assert "method" in part.broken


def test_an_object_left_out_has_its_defaults():
    part = Part.of(DesignSpec, None, ("design",), Broken([]))
    assert part.get("method") == "pick-freeze"
    assert part.broken == {"n"}


def test_lengths_count_faulty_entries_too():
    plain = {"name": "a", "distribution": "choice", "values": [1, "x"], "weights": 3}
    findings = [Finding(("p", "values", 1), ""), Finding(("p", "weights"), "")]
    part = Part.of(ChoiceSpec, plain, ("p",), Broken(findings))
    assert part.lengths == {"values": 2}
    assert part.get("values") is None
