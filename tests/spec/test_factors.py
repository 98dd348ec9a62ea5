"""Groups: factors in order, what the digest holds, and every fault with its place."""

from __future__ import annotations

import pytest

from parsl_sa.errors import SpecError
from parsl_sa.records import digest_of
from parsl_sa.spec import parse_spec, science

G = "inputs.groups"


def faults_of(plain):
    with pytest.raises(SpecError) as caught:
        parse_spec(plain)
    return [(fault.place, fault.message) for fault in caught.value.faults]


def test_without_groups_every_uncertain_parameter_is_a_factor(airfoil):
    spec = parse_spec(airfoil)
    assert spec.factors == tuple(item.name for item in spec.uncertain)
    assert spec.factor_units == tuple(item.unit for item in spec.uncertain)
    assert spec.groups_plain() == {}
    assert "groups" not in science(spec)


def test_a_group_stands_where_its_first_member_stands(edited):
    spec = parse_spec(edited((G, {"flow": ["mach", "Re"], "angle": ["alpha"], "shape": ["foil", "camber"]})))
    assert spec.factors == ("angle", "flow", "gap", "roughness", "shape", "panels")
    assert [item.name for item in spec.members["flow"]] == ["Re", "mach"]
    assert spec.factor_units == ("deg", "", "", "", "", "")
    assert parse_spec(spec.plain()) == spec


def test_the_digest_knows_groups(edited, airfoil):
    without = digest_of(science(parse_spec(airfoil)))
    given = ({"g": ["Re", "mach"]}, {"h": ["Re", "mach"]}, {"g": ["Re", "gap"]})
    assert len({without, *(digest_of(science(parse_spec(edited((G, groups))))) for groups in given)}) == 4


@pytest.mark.parametrize(
    ("groups", "place", "words"),
    [
        ([], G, "must be an object"),
        ({"flow": "Re"}, f"{G}.flow", "must be a list"),
        ({"flow": []}, f"{G}.flow", "needs at least 1 entry"),
        ({"flow": ["Re", 3]}, f"{G}.flow[1]", "must be a text"),
        ({" flow": ["Re"]}, f"{G}[' flow']", "must be a printable text without spaces at its ends"),
        ({"flow": ["Re", "mahc"]}, f"{G}.flow[1]", "no parameter is called 'mahc'; did you mean 'mach'?"),
        ({"flow": ["Re", "chord"]}, f"{G}.flow[1]", "'chord' is constant; list uncertain parameters"),
        ({"flow": ["Re", "mach", "Re"]}, f"{G}.flow[2]", "lists 'Re' twice"),
        ({"flow": ["Re"], "air": ["gap", "Re"]}, f"{G}.air[1]", "'Re' is in the group 'flow' already"),
        ({"mach": ["Re", "mach"]}, f"{G}.mach", "is the name of a parameter; call the group otherwise"),
    ],
)  # fmt: skip
def test_a_faulty_group_is_named(edited, groups, place, words):
    ((found, message),) = faults_of(edited((G, groups)))
    assert found == place
    assert words in message


def test_a_member_may_be_a_parameter_whose_name_cannot_be_read(edited):
    found = faults_of(edited((G, {"flow": ["Re", "speed"]}), ("inputs.parameters.2.name", 3)))
    assert [place for place, _ in found] == ["inputs.parameters[2].name"]
