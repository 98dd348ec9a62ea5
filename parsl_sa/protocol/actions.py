"""What the state machines ask of their shells: frozen values, carried out in the order returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from parsl_sa.protocol.messages import Body


@dataclass(frozen=True)
class Send:
    """Send a message to a peer (coordinator and shard machines)."""

    peer: str
    body: Body


@dataclass(frozen=True)
class SendShard:
    """Send a message to a shard (client session)."""

    shard: int
    body: Body


@dataclass(frozen=True)
class SendCoordinator:
    """Send a message to the coordinator (client session and shard)."""

    body: Body


@dataclass(frozen=True)
class Journal:
    """Append a record to the journal; with `durable`, fsync before the next action."""

    record: dict[str, Any]
    durable: bool = False


@dataclass(frozen=True)
class Log:
    """Append a dated record to events.jsonl."""

    event: str
    details: dict[str, Any]


@dataclass(frozen=True)
class StartClient:
    """Submit a client app."""

    client: str


@dataclass(frozen=True)
class KillClient:
    """End a client's processes: it is silent, fenced, or does not leave."""

    client: str


@dataclass(frozen=True)
class StartShard:
    """Submit a reducer app; `life` numbers the submissions of this epoch."""

    shard: int
    life: int


@dataclass(frozen=True)
class KillShard:
    """End the processes of a reducer app before it is started again."""

    shard: int
    life: int


@dataclass(frozen=True)
class End:
    """The study ends: ``"complete"``, ``"budget"``, ``"interrupted"`` or ``"failed"``."""

    outcome: str
    reason: str
    prefix: int


@dataclass(frozen=True)
class Compute:
    """Evaluate a lease (client session)."""

    lease: int
    attempt: int
    exclude: tuple[int, ...]


@dataclass(frozen=True)
class Transmit:
    """Send the bytes of a contribution to a shard (client session)."""

    shard: int
    incarnation: int
    lease: int
    attempt: int


@dataclass(frozen=True)
class Free:
    """Release the memory of a contribution (client session)."""

    lease: int
    attempt: int


@dataclass(frozen=True)
class Connect:
    """Dial a shard (client session); an earlier connection to it is closed."""

    shard: int
    address: str


@dataclass(frozen=True)
class Leave:
    """Exit the client or reducer; `code` is the process's exit status."""

    code: int
    reason: str


@dataclass(frozen=True)
class Assemble:
    """Make room for a contribution (shard)."""

    lease: int
    attempt: int
    size_bytes: int


@dataclass(frozen=True)
class Discard:
    """Free a contribution that is not wanted (shard)."""

    lease: int
    attempt: int


@dataclass(frozen=True)
class Fold:
    """Fold a complete contribution of `n_bundles` bundles; with `closes`, it ends a replicate (shard).

    `absent` are the bundles of the lease that are not in it.
    """

    lease: int
    attempt: int
    n_bundles: int
    closes: bool
    absent: tuple[int, ...] = ()


@dataclass(frozen=True)
class Load:
    """Load the checkpoint at `prefix`; 0 is the empty state (shard)."""

    prefix: int


@dataclass(frozen=True)
class Write:
    """Write a checkpoint of the state as it is now, aside, and report `on_written` (shard)."""

    prefix: int
    incarnation: int


Action: TypeAlias = (
    Send | SendShard | SendCoordinator | Journal | Log
    | StartClient | KillClient | StartShard | KillShard | End
    | Compute | Transmit | Free | Connect | Leave
    | Assemble | Discard | Fold | Load | Write
)  # fmt: skip
