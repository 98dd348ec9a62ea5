"""The channel inside one process: same contract, no sockets.

Addresses are names in a table of the process, so that ends opened by different channel objects meet as
they would over a network. Messages go through the same frames, so what one channel refuses the other does.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter, deque
from typing import TYPE_CHECKING

from parsl_sa.arrays import pack, unpack
from parsl_sa.channel.ownership import Ownership
from parsl_sa.channel.protocol import Message, check_identity
from parsl_sa.errors import ChannelClosedError, FrameError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from parsl_sa.channel.protocol import Dialer, Server

# One condition for the process: traffic here is a handful of ends in tests and in small studies.
_CHANGED = threading.Condition()
_SERVERS: dict[str, InProcessServer] = {}
_DIALERS: dict[tuple[str, str], InProcessDialer] = {}
_PORTS = itertools.count(1)

# Messages queued a peer and direction, as at both ends of a socket of the `curve` channel together.
_HIGH_WATER = 16


class _Inbox:
    """What has been sent to one end, at most `_HIGH_WATER` a sender; guarded by `_CHANGED`."""

    def __init__(self) -> None:
        self._queue: deque[tuple[str, list[bytes]]] = deque()
        self._counts: Counter[str] = Counter()
        self.malformed = 0

    def __bool__(self) -> bool:
        return bool(self._queue)

    def has_room(self, sender: str) -> bool:
        return self._counts[sender] < _HIGH_WATER

    def put(self, sender: str, frames: list[bytes]) -> bool:
        if not self.has_room(sender):
            return False
        self._counts[sender] += 1
        self._queue.append((sender, frames))
        _CHANGED.notify_all()
        return True

    def drain(self) -> list[tuple[str, Message]]:
        with _CHANGED:
            taken = list(self._queue)
            self._queue.clear()
            self._counts.clear()
            _CHANGED.notify_all()
        messages = []
        for sender, frames in taken:
            try:
                messages.append((sender, Message(*unpack(frames))))
            except FrameError:
                self.malformed += 1
        return messages


class InProcessServer:
    """One end of many; made by `InProcessChannel.serve`."""

    def __init__(self, address: str) -> None:
        self.ownership = Ownership("server")
        self.address = address
        self.inbox = _Inbox()
        with _CHANGED:
            if address in _SERVERS:
                raise OSError(f"{address}: address already in use")
            _SERVERS[address] = self
            _CHANGED.notify_all()

    @property
    def malformed(self) -> int:
        """Messages that were dropped because they were not what they claimed."""
        return self.inbox.malformed

    def send(self, peer: str, message: Message) -> bool:
        """Hand a message over to a peer; False at its high-water mark, and if it is not there."""
        self.ownership.check()
        frames = _copy(message)
        with _CHANGED:
            dialer = _DIALERS.get((self.address, check_identity(peer)))
            return dialer is not None and dialer.inbox.put("", frames)

    def receive(self) -> list[tuple[str, Message]]:
        """Return what has arrived, each with the identity of its sender."""
        self.ownership.check()
        return self.inbox.drain()

    def close(self) -> None:
        """Close this end; dialers may find another server under its address later."""
        with _CHANGED:
            self.ownership.closed = True
            if _SERVERS.get(self.address) is self:
                del _SERVERS[self.address]


class InProcessDialer:
    """One end; made by `InProcessChannel.dial`."""

    def __init__(self, address: str, identity: str) -> None:
        self.ownership = Ownership(f"dialer {identity}")
        self.address = address
        self.identity = check_identity(identity)
        self.inbox = _Inbox()
        with _CHANGED:
            _DIALERS[address, identity] = self

    @property
    def malformed(self) -> int:
        """Messages that were dropped because they were not what they claimed."""
        return self.inbox.malformed

    def send(self, message: Message) -> bool:
        """Hand a message over to the server; False at the high-water mark, and while there is none."""
        self.ownership.check()
        frames = _copy(message)
        with _CHANGED:
            server = _SERVERS.get(self.address)
            return server is not None and server.inbox.put(self.identity, frames)

    def receive(self) -> list[Message]:
        """Return what has arrived."""
        self.ownership.check()
        return [message for _, message in self.inbox.drain()]

    def can_send(self) -> bool:
        """Whether `send` would be True; called under `_CHANGED`."""
        server = _SERVERS.get(self.address)
        return server is not None and server.inbox.has_room(self.identity)

    def close(self) -> None:
        """Close this end; what it sent before is still delivered."""
        with _CHANGED:
            self.ownership.closed = True
            if _DIALERS.get((self.address, self.identity)) is self:
                del _DIALERS[self.address, self.identity]


class InProcessChannel:
    """Servers and dialers that live in one process.

    Examples
    --------
    >>> from parsl_sa.channel.protocol import Message
    >>> with InProcessChannel() as channel:
    ...     server = channel.serve("here")
    ...     dialer = channel.dial(server.address, "client-0")
    ...     dialer.send(Message({"kind": "hello"}))
    ...     [(peer, message.header) for peer, message in server.receive()]
    True
    [('client-0', {'kind': 'hello'})]
    """

    def __init__(self) -> None:
        self._closed = False
        self._woken = False
        self._endpoints: list[InProcessServer | InProcessDialer] = []

    def __enter__(self) -> InProcessChannel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def serve(self, host: str, port: int = 0) -> InProcessServer:
        """Open a server under a name; port 0 takes a free one."""
        self._check()
        server = InProcessServer(f"in-process://{host}:{port or next(_PORTS)}")
        self._endpoints.append(server)
        return server

    def dial(self, address: str, identity: str) -> InProcessDialer:
        """Open a dialer; there need not be a server yet."""
        self._check()
        dialer = InProcessDialer(address, identity)
        self._endpoints.append(dialer)
        return dialer

    def wait(
        self, endpoints: Sequence[Server | Dialer], timeout_s: float, sending: Sequence[Dialer] = ()
    ) -> None:
        """Return when an endpoint has something, one of `sending` can send, on `wake`, or in time."""
        self._check()
        receivers = [_own(endpoint) for endpoint in endpoints]
        senders = [end for end in map(_own, sending) if isinstance(end, InProcessDialer)]

        def has_news() -> bool:
            return (
                self._woken
                or self._closed
                or any(end.inbox for end in receivers)
                or any(end.can_send() for end in senders)
            )

        with _CHANGED:
            _CHANGED.wait_for(has_news, max(0.0, timeout_s))
            self._woken = False

    def wake(self) -> None:
        """Make the present or else the next `wait` return; from any thread."""
        with _CHANGED:
            self._woken = True
            _CHANGED.notify_all()

    def close(self) -> None:
        """Close every endpoint."""
        for endpoint in self._endpoints:
            endpoint.close()
        with _CHANGED:
            self._closed = True
            _CHANGED.notify_all()

    def _check(self) -> None:
        if self._closed:
            raise ChannelClosedError("channel is closed")
        self._endpoints = [endpoint for endpoint in self._endpoints if not endpoint.ownership.closed]


def _copy(message: Message) -> list[bytes]:
    return [bytes(frame) for frame in pack(message.header, message.arrays)]


def _own(endpoint: Server | Dialer) -> InProcessServer | InProcessDialer:
    if not isinstance(endpoint, InProcessServer | InProcessDialer):
        raise TypeError(f"wait: expected an endpoint of this channel; got {endpoint!r}")
    endpoint.ownership.check()
    return endpoint
