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

    kind: ClassVar[str]

    def __init_subclass__(cls, kind: str) -> None:
        cls.kind = kind


# Client -> coordinator


@dataclass(frozen=True)
class Hello(Body, kind="hello"):
    """A client is up, has loaded its model, and can hold `capacity` leases at a time."""

    plan: str
    hardware: dict[str, str]
    ranks: int
    capacity: int
    host: str
    pid: int


@dataclass(frozen=True)
class ClientBeat(Body, kind="client-beat"):
    """A client is alive and holds these leases, each as [lease, attempt]."""

    holding: list[list[int]]


@dataclass(frozen=True)
class Dropping(Body, kind="dropping"):
    """A computed lease lost non-finite bundles; it is sent only after the coordinator has journaled them."""

    lease: int
    attempt: int
    dropped: list[int]
    digest: str


@dataclass(frozen=True)
class Failed(Body, kind="failed"):
    """The model raised on a lease; `poisoned` are the bundles that fail alone."""

    lease: int
    attempt: int
    poisoned: list[int]
    error: str


@dataclass(frozen=True)
class Bye(Body, kind="bye"):
    """A client leaves on its own account (walltime nears); its leases go to others."""

    reason: str


# Coordinator -> client


class Route(TypedDict):
    """Where a shard's present reducer listens."""

    shard: int
    incarnation: int
    address: str


@dataclass(frozen=True)
class Welcome(Body, kind="welcome"):
    """The client takes part, and these are the shards that are up; also the coordinator's sign of life."""

    routes: list[Route]


@dataclass(frozen=True)
class Refused(Body, kind="refused"):
    """The client may not take part, and why."""

    reason: str


@dataclass(frozen=True)
class Grant(Body, kind="grant"):
    """A lease to compute, leaving out the bundles in `exclude`."""

    lease: int
    attempt: int
    exclude: list[int]


@dataclass(frozen=True)
class Committed(Body, kind="committed"):
    """The drops of a lease are in the journal: it may be sent."""

    lease: int
    attempt: int


@dataclass(frozen=True)
class Abandon(Body, kind="abandon"):
    """Forget a lease: another client's answer won, or the head of the line needs this client."""

    lease: int
    attempt: int


@dataclass(frozen=True)
class Stop(Body, kind="stop"):
    """Leave now: nothing is left to do, or the study ends."""

    reason: str


# Client <-> shard


@dataclass(frozen=True)
class Ready(Body, kind="ready"):
    """A contribution of `size_bytes` waits in the client's memory."""

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
class Go(Body, kind="go"):
    """There is room: send it."""

    shard: int
    incarnation: int
    lease: int
    attempt: int


@dataclass(frozen=True)
class Chunk(Body, kind="chunk"):
    """Bytes [offset, offset + length) of a contribution; the bytes are the message's one array."""

    shard: int
    incarnation: int
    lease: int
    attempt: int
    offset: int


@dataclass(frozen=True)
class Received(Body, kind="received"):
    """The shard has the contribution (or had it already): the client may free it."""

    shard: int
    incarnation: int
    lease: int
    attempt: int


@dataclass(frozen=True)
class Withdraw(Body, kind="withdraw"):
    """The client no longer has what it offered: its place is free."""

    shard: int
    incarnation: int
    lease: int
    attempt: int


# Shard <-> coordinator


@dataclass(frozen=True)
class Register(Body, kind="register"):
    """A reducer is up; `generations` are the lease prefixes of its valid checkpoints."""

    shard: int
    generations: list[int]
    address: str
    plan: str
    host: str
    pid: int


@dataclass(frozen=True)
class Admit(Body, kind="admit"):
    """The reducer owns the shard under `incarnation` and starts from the checkpoint at `start`."""

    shard: int
    incarnation: int
    start: int


@dataclass(frozen=True)
class Beat(Body, kind="beat"):
    """The coordinator is alive, and has journaled the digests of this shard's leases below `prefix`."""

    prefix: int


@dataclass(frozen=True)
class Got(Body, kind="got"):
    """The shard holds a lease's slab: it need not be computed again while the shard lives."""

    shard: int
    incarnation: int
    lease: int
    attempt: int
    digest: str
    checksum: str
    exclude: list[int]
    dropped: list[int]


@dataclass(frozen=True)
class Folded(Body, kind="folded"):
    """Leases [0, prefix) are folded."""

    shard: int
    incarnation: int
    prefix: int


@dataclass(frozen=True)
class Durable(Body, kind="durable"):
    """The checkpoint at `prefix` is renamed and fsynced; folding paused `pause_s` for it."""

    shard: int
    incarnation: int
    prefix: int
    pause_s: float


@dataclass(frozen=True)
class Summary(Body, kind="summary"):
    """Live figures for the progress view."""

    shard: int
    incarnation: int
    values: dict[str, Any]


@dataclass(frozen=True)
class ShardBeat(Body, kind="shard-beat"):
    """The reducer is alive, has folded leases [0, prefix), and `durable` of them are on disk."""

    shard: int
    incarnation: int
    prefix: int
    durable: int


@dataclass(frozen=True)
class Cut(Body, kind="cut"):
    """Write a checkpoint when exactly `prefix` leases are folded; with `last`, then leave."""

    shard: int
    incarnation: int
    prefix: int
    last: bool
