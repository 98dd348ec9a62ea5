"""What a client has made of a lease, until every shard has it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Slab:
    """Size and checksum of what one shard gets of a contribution."""

    size_bytes: int
    checksum: str


@dataclass
class Held:
    """A lease in a client's hands.

    Parameters
    ----------
    exclude, dropped : tuple of int
        Bundles that the coordinator gave up; bundles found non-finite.
    slabs : mapping of int to Slab
        What is offered to each shard; empty until the lease is computed.
    committed : bool
        Whether it may be offered: its drops are in the journal.
    pending : set of int
        Shards that have not acknowledged theirs.
    asked_at : float
        When anybody was last asked for an answer, or was being sent bytes.
    """

    exclude: tuple[int, ...]
    dropped: tuple[int, ...] = ()
    slabs: Mapping[int, Slab] = field(default_factory=dict)
    committed: bool = False
    pending: set[int] = field(default_factory=set)
    asked_at: float = 0.0
