"""Messages as JSON headers. Parsing is strict: nothing on the wire is trusted.

An unknown kind, an unknown or missing field, or a value of the wrong type raises `MalformedMessageError`;
the receiver counts and drops the message.
"""

from __future__ import annotations

from dataclasses import fields
from math import isfinite
from typing import Any

from parsl_sa.errors import ParslSaError
from parsl_sa.protocol import messages
from parsl_sa.protocol.messages import Body, Fence

KINDS: dict[str, type[Body]] = {
    thing.kind: thing
    for thing in vars(messages).values()
    if isinstance(thing, type) and issubclass(thing, Body) and thing is not Body
}

# The fields of each kind, with their annotations as text.
FIELDS: dict[str, dict[str, str]] = {
    kind: {field.name: str(field.type) for field in fields(body)} for kind, body in KINDS.items()
}
ROUTE = {"shard": "int", "incarnation": "int", "address": "str"}


class MalformedMessageError(ParslSaError, ValueError):
    """A header that is no message of this protocol."""


def to_header(fence: Fence, body: Body) -> dict[str, Any]:
    """Return the JSON header of a message.

    Examples
    --------
    >>> to_header(Fence("s", 1), messages.Stop("done"))
    {'study': 's', 'epoch': 1, 'kind': 'stop', 'reason': 'done'}
    """
    plain = {name: getattr(body, name) for name in FIELDS[body.kind]}
    return {"study": fence.study, "epoch": fence.epoch, "kind": body.kind, **plain}


def from_header(header: dict[str, Any]) -> tuple[Fence, Body]:
    """Parse a JSON header.

    Raises
    ------
    MalformedMessageError
        If the kind is unknown, a field is missing, unknown or of the wrong type.

    Examples
    --------
    >>> from_header({"study": "s", "epoch": 1, "kind": "stop", "reason": "done"})
    (Fence(study='s', epoch=1), Stop(reason='done'))
    """
    values = dict(header)
    study, epoch, kind = values.pop("study", None), values.pop("epoch", None), values.pop("kind", None)
    if not isinstance(study, str) or not _is_count(epoch):
        raise MalformedMessageError("a header without a fence")
    body = KINDS.get(kind) if isinstance(kind, str) else None
    if body is None:
        raise MalformedMessageError(f"unknown kind {kind!r}")
    wanted = FIELDS[body.kind]
    if values.keys() != wanted.keys():
        raise MalformedMessageError(f"{kind}: fields {sorted(values)} instead of {sorted(wanted)}")
    for name, annotation in wanted.items():
        if not _fits(annotation, values[name]):
            raise MalformedMessageError(f"{kind}.{name}: {annotation} expected")
    return Fence(study, epoch), body(**values)


def read(header: dict[str, Any], fence: Fence) -> Body | None:
    """Return the message of a header, or None where it is malformed or of another study or epoch."""
    try:
        found, body = from_header(header)
    except MalformedMessageError:
        return None
    return body if found == fence else None


def _is_count(value: object) -> bool:
    """Tell whether a JSON value is an index, a size or a process id: the only integers that are sent."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _fits(annotation: str, value: object) -> bool:
    """Tell whether a JSON value fits the annotation of a field."""
    match annotation, value:
        case "int", _:
            return _is_count(value)
        case "str", str():
            return True
        case "bool", bool():
            return True
        case "float", int() | float():
            return not isinstance(value, bool) and isfinite(value) and value >= 0
        case "list[int]", list():
            return all(_is_count(item) for item in value)
        case "list[list[int]]", list():
            return all(_fits("list[int]", item) for item in value)
        case "list[Route]", list():
            return all(_is_route(item) for item in value)
        case "dict[str, str]", dict():
            return all(isinstance(item, str) for item in value.values())
        case "dict[str, Any]", dict():
            return True
    return False


def _is_route(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == ROUTE.keys()
        and all(_fits(annotation, value[name]) for name, annotation in ROUTE.items())
    )
