"""What a channel owes: messages between one server and many dialers, at most once, in order.

Promises of every implementation
    * A message arrives whole or not at all, unchanged, and at most once; those of one connection
      arrive in the order in which `send` returned True. A lost connection may lose what was under
      way: whoever needs an answer asks again.
    * `send` never blocks. False means *not now*: the queue to that peer is at its high-water mark, or
      the peer is not (or no longer, or not yet) there. The caller keeps the message and tries again
      later or gives the peer up; `send` itself never raises for a peer.
    * Memory is bounded: a reader that does not read makes `send` return False. (One that does not read
      for minutes may lose its connection and what was queued on it.)
    * What arrives malformed is counted in `malformed` and dropped, and changes nothing else.

Duties of every caller
    * One thread owns an endpoint: the first one that sends, receives or waits. Another thread gets a
      RuntimeError. Only `Channel.wake` may be called from anywhere.
    * An array that was handed to `send` is not written to afterwards: it may be sent from its memory.
    * A dialer's identity is unique among the lives of all processes of a study, not only among
      those alive: when two connections claim one identity, the newest one gets the messages.
    * Channels are made, used and closed inside one process; across a fork they refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}", re.ASCII)


@dataclass(frozen=True, eq=False)
class Message:
    """A header of plain JSON values and arrays.

    Parameters
    ----------
    header : dict
        Plain finite JSON values under string keys.
    arrays : tuple of ndarray
        dtypes of `parsl_sa.arrays.DTYPES`; received ones are read-only.
    """

    header: dict[str, Any]
    arrays: tuple[npt.NDArray[np.generic], ...] = ()


class Server(Protocol):
    """The end that many dialers find under one address."""

    @property
    def address(self) -> str:
        """What `Channel.dial` takes."""

    @property
    def malformed(self) -> int:
        """Messages that were dropped because they were not what they claimed."""

    def send(self, peer: str, message: Message) -> bool:
        """Hand a message over to a peer; False where it cannot be taken now.

        Raises
        ------
        FrameError
            If the message cannot be packed: a fault of the caller.
        ChannelClosedError
            If this end is closed.
        """

    def receive(self) -> list[tuple[str, Message]]:
        """Return what has arrived, each with the identity of its sender; empty if nothing has.

        One call returns a bounded amount, and `Channel.wait` returns at once while there is more.
        """

    def close(self) -> None:
        """Close this end after a short time for what was sent last; again does nothing."""


class Dialer(Protocol):
    """The end that finds a server; it reconnects by itself."""

    @property
    def identity(self) -> str:
        """The name the server knows it by."""

    @property
    def malformed(self) -> int:
        """Messages that were dropped because they were not what they claimed."""

    def send(self, message: Message) -> bool:
        """Hand a message over to the server; False where it cannot be taken now."""

    def receive(self) -> list[Message]:
        """Return what has arrived; empty if nothing has."""

    def close(self) -> None:
        """Close this end after a short time for what was sent last; again does nothing."""


class Channel(Protocol):
    """Makes the ends, and waits for several of them at once."""

    def serve(self, host: str, port: int = 0) -> Server:
        """Open a server on one of this machine's addresses; port 0 takes a free one.

        Raises
        ------
        OSError
            If the address is taken or not this machine's.
        """

    def dial(self, address: str, identity: str) -> Dialer:
        """Open a dialer. It may be opened before there is a server: `send` is False until there is.

        Raises
        ------
        ValueError
            If the address or the identity is not one.
        """

    def wait(
        self, endpoints: Sequence[Server | Dialer], timeout_s: float, sending: Sequence[Dialer] = ()
    ) -> None:
        """Return when an endpoint has something to receive, on `wake`, or after `timeout_s`.

        Parameters
        ----------
        endpoints : sequence of Server or Dialer
            Of this channel.
        timeout_s : float
            Seconds; passing without anything is not an error.
        sending : sequence of Dialer
            Return also when one of these can send: for a caller whose last `send` was False.
        """

    def wake(self) -> None:
        """Make the present or else the next `wait` return. May be called by any thread, at any time."""

    def close(self) -> None:
        """Close every end and what they share; again does nothing."""


def check_identity(identity: str) -> str:
    """Return an identity that is fit to be a peer's name.

    Raises
    ------
    ValueError
        If it is empty, longer than 64 characters, or has others than ASCII letters, digits and ``._:@-``.

    Examples
    --------
    >>> check_identity("client-3.1")
    'client-3.1'
    >>> check_identity("")
    Traceback (most recent call last):
        ...
    ValueError: identity: expected 1 to 64 ASCII letters, digits and ._:@- ; got ''
    """
    if not _IDENTITY.fullmatch(identity):
        raise ValueError(f"identity: expected 1 to 64 ASCII letters, digits and ._:@- ; got {identity!r}")
    return identity


def parse_identity(raw: bytes) -> str | None:
    """Return the identity that a peer claims, or None where it is not fit to be one."""
    text = raw.decode("ascii", errors="replace")
    return text if _IDENTITY.fullmatch(text) else None
