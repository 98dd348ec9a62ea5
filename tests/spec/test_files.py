"""Reading a spec's file: what is wrong with the file itself, and with its JSON."""

from __future__ import annotations

import json

import pytest

from parsl_sa.errors import SpecError
from parsl_sa.spec import load_spec, parse_spec


@pytest.fixture
def load(tmp_path):
    def load_text(text: str | bytes):
        path = tmp_path / "spec.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_spec(path)

    return load_text


def fault_of(load, text):
    with pytest.raises(SpecError) as caught:
        load(text)
    (fault,) = caught.value.faults
    return fault


def test_reads_what_parse_reads(load, airfoil):
    assert load(json.dumps(airfoil)) == parse_spec(airfoil)


def test_a_byte_order_mark_is_no_fault(load, airfoil):
    assert load(b"\xef\xbb\xbf" + json.dumps(airfoil).encode()) == parse_spec(airfoil)


def test_no_such_file(tmp_path):
    with pytest.raises(SpecError, match="no such file") as caught:
        load_spec(tmp_path / "spec.json")
    assert caught.value.faults[0].place == str(tmp_path / "spec.json")


def test_a_folder(tmp_path):
    with pytest.raises(SpecError, match=r"is a folder; .*spec\.json"):
        load_spec(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{\n  "name": "a",\n  "n" 3\n}', ["line 3, column 7", "':'", "before: 3"]),
        ('{"a": 1,\n}', ["line 2, column 1", "remove the comma"]),
        ('{"a": [1,,2]}', ["line 1", "remove the comma"]),
        ('{\n// a comment\n"a": 1}', ["line 2, column 1", "no comments"]),
        ("{'a': 1}", ["double quotes"]),
        ('{"a": {"b": 1}', ["ends before its last bracket"]),
        ("", ["line 1, column 1", "empty"]),
        ("[" * 100_000, ["nested too deeply"]),
        ('{"a": ' + "1" * 5000 + "}", ["too many digits"]),
        ("[1, 2]", ["JSON object", "a list"]),
        (b"\xff\xfe{", ["UTF-8"]),
    ],
)
def test_not_the_json_of_an_object(load, text, words):
    fault = fault_of(load, text)
    assert fault.place.endswith("spec.json")
    for word in words:
        assert word in fault.message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite(load, airfoil, number):
    text = json.dumps(airfoil).replace('"high": 0.3', f'"high": {number}')
    fault = fault_of(load, text)
    assert fault.place == "inputs.parameters[2].high"
    assert "finite" in fault.message


def test_keys_written_twice(load, airfoil):
    text = (
        json.dumps(airfoil)
        .replace('"n": 4096', '"n": 4096, "n": 512')
        .replace('"side": 2', '"side": 2, "side": 2')
    )
    with pytest.raises(SpecError) as caught:
        load(text)
    assert [fault.place for fault in caught.value.faults] == ["design.n", "outputs[1].dims.side"]
    assert all("written twice" in fault.message for fault in caught.value.faults)


def test_file_faults_come_beside_field_faults(load, airfoil):
    airfoil["farm"]["clinets"] = {}
    text = json.dumps(airfoil).replace('"seed": 0', '"seed": NaN, "seed": -1')
    with pytest.raises(SpecError) as caught:
        load(text)
    places = [fault.place for fault in caught.value.faults]
    assert places == ["design.seed", "design.seed", "farm.clinets"]


def test_python_values_that_no_file_holds(airfoil):
    airfoil["model"]["options"] = {1: "one"}
    with pytest.raises(SpecError, match="keys must be texts"):
        parse_spec(airfoil)
