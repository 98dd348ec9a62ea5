"""Messages as JSON headers. Parsing is strict: nothing on the wire is trusted.

An unknown kind, an unknown or missing field, or a value of the wrong type raises `MalformedMessageError`;
the receiver counts and drops the message.
"""

from __future__ import annotations

from dataclasses import fields
from math import isfinite
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import ParslSaError
from parsl_sa.protocol import messages
from parsl_sa.protocol.messages import Body, Fence, Route

if TYPE_CHECKING:
    from collections.abc import Callable

# All messages, by their name on the wire.
KINDS: dict[str, type[Body]] = {
    thing.kind: thing
    for thing in vars(messages).values()
    if isinstance(thing, type) and issubclass(thing, Body) and thing is not Body
}

_TOO_MUCH = 2**63


def _is_count(value: object) -> bool:
    """Tell whether a JSON value is an index, a size or a process id: the only integers that are sent."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _TOO_MUCH


def _is_seconds(value: object) -> bool:
    return _is_count(value) or (isinstance(value, float) and isfinite(value) and value >= 0)


def _is_counts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_count, value))


def _is_route(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == Route.__annotations__.keys()
        and _is_count(value["shard"])
        and _is_count(value["incarnation"])
        and isinstance(value["address"], str)
    )


# What a value must be, by the annotation of its field.
CHECKS: dict[str, Callable[[Any], bool]] = {
    "int": _is_count,
    "float": _is_seconds,
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "list[int]": _is_counts,
    "list[list[int]]": lambda value: isinstance(value, list) and all(map(_is_counts, value)),
    "list[Route]": lambda value: isinstance(value, list) and all(map(_is_route, value)),
    "dict[str, str]": lambda value: (
        isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    ),
    "dict[str, Any]": lambda value: isinstance(value, dict),
}

# The fields of each kind, with their checks.
FIELDS = {
    kind: {field.name: CHECKS[str(field.type)] for field in fields(body)} for kind, body in KINDS.items()
}


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
    for name, check in wanted.items():
        if not check(values[name]):
            raise MalformedMessageError(f"{kind}.{name}: not {values[name]!r:.80}")
    return Fence(study, epoch), body(**values)


def read(header: dict[str, Any], fence: Fence) -> Body | None:
    """Return the message of a header, or None where it is malformed or of another study or epoch."""
    try:
        found, body = from_header(header)
    except MalformedMessageError:
        return None
    return body if found == fence else None
