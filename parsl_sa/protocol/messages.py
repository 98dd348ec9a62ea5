"""The messages of the protocol: frozen records that become JSON headers and back.

Every message carries the fence (study, epoch) and, between a shard and anybody, the shard's number and
incarnation. Parsing is strict: an unknown kind, an unknown or missing field or a value of the wrong type
raises `MalformedMessageError`, and the receiver counts and drops the message.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, TypeVar

from parsl_sa.errors import ParslSaError


class MalformedMessageError(ParslSaError, ValueError):
    """A header that is no message of this protocol."""


@dataclass(frozen=True)
class Fence:
    """Who may speak: the study and the coordinator's life.

    Parameters
    ----------
    study : str
        Identifier drawn when the study directory was made.
    epoch : int
        Number of the coordinator's life; a message of another epoch is ignored.
    """

    study: str
    epoch: int


@dataclass(frozen=True)
class Body:
    """Base of all messages; `kind` names one on the wire."""

    kind: ClassVar[str] = ""


# Client -> coordinator


@dataclass(frozen=True)
class Hello(Body):
    """A client is up, has loaded its model, and can hold `capacity` leases at a time."""

    kind: ClassVar[str] = "hello"
    plan: str
    hardware: dict[str, str]
    ranks: int
    capacity: int
    host: str
    pid: int


@dataclass(frozen=True)
class ClientBeat(Body):
    """A client is alive and holds these leases, each as [lease, attempt]."""

    kind: ClassVar[str] = "client-beat"
    holding: list[list[int]]


@dataclass(frozen=True)
class Dropping(Body):
    """A computed lease lost non-finite bundles; it is sent only after the coordinator has journaled them."""

    kind: ClassVar[str] = "dropping"
    lease: int
    attempt: int
    dropped: list[int]
    digest: str


@dataclass(frozen=True)
class Failed(Body):
    """The model raised on a lease; `poisoned` are the bundles that fail alone."""

    kind: ClassVar[str] = "failed"
    lease: int
    attempt: int
    poisoned: list[int]
    error: str


@dataclass(frozen=True)
class Bye(Body):
    """A client leaves on its own account (walltime nears); its leases go to others."""

    kind: ClassVar[str] = "bye"
    reason: str


# Coordinator -> client


@dataclass(frozen=True)
class Welcome(Body):
    """The shards to send to, each as {"shard", "incarnation", "address"}; sent again when one changes."""

    kind: ClassVar[str] = "welcome"
    routes: list[dict[str, Any]]


@dataclass(frozen=True)
class Refused(Body):
    """The client may not take part, and why."""

    kind: ClassVar[str] = "refused"
    reason: str


@dataclass(frozen=True)
class Grant(Body):
    """A lease to compute, leaving out the bundles in `exclude`."""

    kind: ClassVar[str] = "grant"
    lease: int
    attempt: int
    exclude: list[int]


@dataclass(frozen=True)
class Committed(Body):
    """The drops of a lease are in the journal: it may be sent."""

    kind: ClassVar[str] = "committed"
    lease: int
    attempt: int


@dataclass(frozen=True)
class Abandon(Body):
    """Forget a lease: another client's answer won, or the head of the line needs this client."""

    kind: ClassVar[str] = "abandon"
    lease: int
    attempt: int


@dataclass(frozen=True)
class Stop(Body):
    """Leave now: nothing is left to do, or the study ends."""

    kind: ClassVar[str] = "stop"
    reason: str


@dataclass(frozen=True)
class Beat(Body):
    """The coordinator is alive (to clients and shards)."""

    kind: ClassVar[str] = "beat"


# Client <-> shard


@dataclass(frozen=True)
class Ready(Body):
    """A contribution of `size_bytes` waits in the client's memory."""

    kind: ClassVar[str] = "ready"
    shard: int
    incarnation: int
    lease: int
    attempt: int
    size_bytes: int
    checksum: str
    exclude: list[int]
    dropped: list[int]
    digest: str


@dataclass(frozen=True)
class Go(Body):
    """There is room: send it."""

    kind: ClassVar[str] = "go"
    shard: int
    incarnation: int
    lease: int
    attempt: int


@dataclass(frozen=True)
class Chunk(Body):
    """Bytes [offset, offset + length) of a contribution; the bytes are the message's one array."""

    kind: ClassVar[str] = "chunk"
    shard: int
    incarnation: int
    lease: int
    attempt: int
    offset: int


@dataclass(frozen=True)
class Received(Body):
    """The shard has the contribution (or had it already): the client may free it."""

    kind: ClassVar[str] = "received"
    shard: int
    incarnation: int
    lease: int
    attempt: int


# Shard <-> coordinator


@dataclass(frozen=True)
class Register(Body):
    """A reducer is up; `generations` are the lease prefixes of its valid checkpoints."""

    kind: ClassVar[str] = "register"
    shard: int
    generations: list[int]
    address: str
    plan: str
    host: str
    pid: int


@dataclass(frozen=True)
class Admit(Body):
    """The reducer owns the shard under `incarnation` and starts from the checkpoint at `start`."""

    kind: ClassVar[str] = "admit"
    shard: int
    incarnation: int
    start: int


@dataclass(frozen=True)
class Got(Body):
    """The shard holds a lease's slab: it need not be computed again while the shard lives."""

    kind: ClassVar[str] = "got"
    shard: int
    incarnation: int
    lease: int
    attempt: int
    digest: str
    checksum: str
    exclude: list[int]
    dropped: list[int]


@dataclass(frozen=True)
class Folded(Body):
    """Leases [0, prefix) are folded."""

    kind: ClassVar[str] = "folded"
    shard: int
    incarnation: int
    prefix: int


@dataclass(frozen=True)
class Durable(Body):
    """The checkpoint at `prefix` is renamed and fsynced; folding paused `pause_s` for it."""

    kind: ClassVar[str] = "durable"
    shard: int
    incarnation: int
    prefix: int
    pause_s: float


@dataclass(frozen=True)
class Summary(Body):
    """Live figures for the progress view."""

    kind: ClassVar[str] = "summary"
    shard: int
    incarnation: int
    values: dict[str, Any]


@dataclass(frozen=True)
class ShardBeat(Body):
    """The reducer is alive."""

    kind: ClassVar[str] = "shard-beat"
    shard: int
    incarnation: int


@dataclass(frozen=True)
class Cut(Body):
    """Write a checkpoint when exactly `prefix` leases are folded; with `last`, then leave."""

    kind: ClassVar[str] = "cut"
    shard: int
    incarnation: int
    prefix: int
    last: bool


KINDS: dict[str, type[Body]] = {
    body.kind: body
    for body in (
        Hello, ClientBeat, Dropping, Failed, Bye, Welcome, Refused, Grant, Committed, Abandon, Stop, Beat,
        Ready, Go, Chunk, Received, Register, Admit, Got, Folded, Durable, Summary, ShardBeat, Cut,
    )
}  # fmt: skip

_CHECKS: dict[str, type | tuple[type, ...]] = {"str": str, "int": int, "bool": bool}

B = TypeVar("B", bound=Body)


def to_header(fence: Fence, body: Body) -> dict[str, Any]:
    """Return the JSON header of a message.

    Examples
    --------
    >>> to_header(Fence("s", 1), Stop("done"))
    {'study': 's', 'epoch': 1, 'kind': 'stop', 'reason': 'done'}
    """
    plain = {f.name: getattr(body, f.name) for f in fields(body)}
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
    if not isinstance(study, str) or not _is_int(epoch):
        raise MalformedMessageError("a header without a fence")
    body = KINDS.get(kind) if isinstance(kind, str) else None
    if body is None:
        raise MalformedMessageError(f"unknown kind {kind!r}")
    wanted = {f.name: str(f.type) for f in fields(body) if f.default is MISSING}
    if set(values) != set(wanted):
        raise MalformedMessageError(f"{kind}: fields {sorted(values)} instead of {sorted(wanted)}")
    for name, annotation in wanted.items():
        if not _fits(annotation, values[name]):
            raise MalformedMessageError(f"{kind}.{name}: {annotation} expected")
    return Fence(study, epoch), body(**values)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fits(annotation: str, value: object) -> bool:
    """Tell whether a JSON value fits an annotation of this module."""
    if annotation == "int":
        return _is_int(value) and value >= 0  # type: ignore[operator]  # narrowed by _is_int
    if annotation == "float":
        return isinstance(value, float) or _is_int(value)
    if annotation in _CHECKS:
        return isinstance(value, _CHECKS[annotation])
    if annotation == "list[int]":
        return isinstance(value, list) and all(_is_int(item) for item in value)
    if annotation == "list[list[int]]":
        return isinstance(value, list) and all(_fits("list[int]", item) for item in value)
    if annotation == "list[dict[str, Any]]":
        return isinstance(value, list) and all(isinstance(item, dict) for item in value)
    if annotation == "dict[str, str]":
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return isinstance(value, dict)
