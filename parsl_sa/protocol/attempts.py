"""What is known of a lease, and of the attempts at it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Holder:
    """A client's attempt at a lease.

    Parameters
    ----------
    attempt : int
        Its number, which no other attempt of this epoch has.
    since : float
        When it was handed out.
    missing_since : float or None
        Since when the client does not list it among what it holds.
    """

    attempt: int
    since: float
    missing_since: float | None = None


@dataclass
class Entry:
    """What is known of a lease that is not yet durable.

    Parameters
    ----------
    holders : dict
        Client -> its attempt.
    got : set of int
        Shards that hold or have folded its slab.
    failed_on : dict
        Client -> bundles that failed alone there.
    errors : int
        Times the model raised on it since a bundle of it was last given up.
    """

    holders: dict[str, Holder] = field(default_factory=dict)
    got: set[int] = field(default_factory=set)
    failed_on: dict[str, frozenset[int]] = field(default_factory=dict)
    errors: int = 0


@dataclass(frozen=True)
class Handed:
    """One attempt at a lease, given to a client."""

    lease: int
    attempt: int
    exclude: tuple[int, ...]
    copy: bool
