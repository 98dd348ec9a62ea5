from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from parsl_sa.protocol.messages import (
    Beat,
    Body,
    Cut,
    Durable,
    Fence,
    Grant,
    Hello,
    Stop,
    Summary,
    Welcome,
)
from parsl_sa.protocol.wire import KINDS, MalformedMessageError, from_header, read, to_header

FENCE = Fence("study", 3)
SAMPLES: dict[str, Any] = {
    "int": 7,
    "float": 0.5,
    "str": "text",
    "bool": True,
    "list[int]": [1, 2],
    "list[list[int]]": [[1, 2], []],
    "list[Route]": [{"shard": 0, "incarnation": 1, "address": "tcp://a"}],
    "dict[str, str]": {"machine": "m"},
    "dict[str, Any]": {"widest": {"S1": 0.1}},
}


def sample(kind: type[Body]) -> Body:
    return kind(**{field.name: SAMPLES[str(field.type)] for field in fields(kind)})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_message_survives_the_wire(kind: type[Body]) -> None:
    header = json.loads(json.dumps(to_header(FENCE, sample(kind))))
    assert from_header(header) == (FENCE, sample(kind))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_field_is_wanted_and_no_other(kind: type[Body]) -> None:
    header = to_header(FENCE, sample(kind))
    for name in header:
        with pytest.raises(MalformedMessageError):
            from_header({key: value for key, value in header.items() if key != name})
    with pytest.raises(MalformedMessageError):
        from_header({**header, "more": 1})


@pytest.mark.parametrize("wrong", [None, -1, 1.5, "x", True, 2**63, 10**400, [], {}, [None], [[-1]], [1.5]])
@pytest.mark.parametrize(
    ("body", "name"),
    [
        (Beat(1), "prefix"),
        (Grant(1, 1, []), "lease"),
        (Hello("p", {}, 1, 1, "h", 1), "capacity"),
        (Durable(0, 1, 1, 0.5), "shard"),
    ],
)
def test_a_count_is_a_count(body: Body, name: str, wrong: Any) -> None:
    with pytest.raises(MalformedMessageError):
        from_header({**to_header(FENCE, body), name: wrong})


@pytest.mark.parametrize(
    ("body", "name", "wrong"),
    [
        (Durable(0, 1, 1, 0.5), "pause_s", float("nan")),
        (Durable(0, 1, 1, 0.5), "pause_s", float("inf")),
        (Durable(0, 1, 1, 0.5), "pause_s", -1.0),
        (Durable(0, 1, 1, 0.5), "pause_s", 10**400),
        (Cut(0, 1, 2, True), "last", 1),
        (Grant(1, 1, []), "exclude", [1, "2"]),
        (Grant(1, 1, []), "exclude", {"1": 1}),
        (Hello("p", {}, 1, 1, "h", 1), "hardware", {"cpu": 1}),
        (Summary(0, 1, {}), "values", []),
        (Stop("done"), "reason", None),
        (Welcome([]), "routes", [{"shard": 0, "incarnation": 1}]),
        (Welcome([]), "routes", [{"shard": 0, "incarnation": 1, "address": "a", "more": 1}]),
        (Welcome([]), "routes", [{"shard": 0, "incarnation": -1, "address": "a"}]),
        (Welcome([]), "routes", [["shard"]]),
        (Stop("done"), "kind", "no-such-kind"),
        (Stop("done"), "kind", ["stop"]),
        (Stop("done"), "study", 1),
        (Stop("done"), "epoch", -1),
        (Stop("done"), "epoch", True),
    ],
)
def test_a_value_of_the_wrong_form_is_malformed(body: Body, name: str, wrong: Any) -> None:
    with pytest.raises(MalformedMessageError):
        from_header({**to_header(FENCE, body), name: wrong})


@pytest.mark.parametrize("other", [Fence("study", 2), Fence("study", 4), Fence("another", 3)])
def test_what_is_of_another_study_or_epoch_is_not_read(other: Fence) -> None:
    assert read(to_header(FENCE, Stop("done")), FENCE) == Stop("done")
    assert read(to_header(other, Stop("done")), FENCE) is None
    assert read({"noise": 1}, FENCE) is None
