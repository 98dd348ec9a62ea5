"""The messages of the protocol: frozen records. `wire` turns them into JSON headers and back.

Every message carries the fence (study, epoch) and, between a shard and anybody, the shard's number and
incarnation. Any message may be lost when a connection breaks, and none may come twice to harm: whoever
waits for an answer asks again, and the signs of life carry what the other side must know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypedDict


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


class Route(TypedDict):
    """Where a shard's present reducer listens."""

    shard: int
    incarnation: int
    address: str


@dataclass(frozen=True)
class Welcome(Body):
    """The client takes part, and these are the shards that are up; also the coordinator's sign of life."""

    kind: ClassVar[str] = "welcome"
    routes: list[Route]


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
