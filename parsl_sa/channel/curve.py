"""The channel of a farm: ZeroMQ ROUTER and DEALER over TCP, encrypted and authenticated with CURVE.

Contexts come from `parsl.curvezmq`, which applies the keys; what it leaves open (high-water marks,
linger, heartbeats, message size) is set here. A socket without a key of the study gets nothing and is
not noticed.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

import zmq
from parsl.curvezmq import ClientContext, ServerContext

from parsl_sa.arrays import pack
from parsl_sa.channel.keys import check_keys
from parsl_sa.channel.ownership import Ownership
from parsl_sa.channel.protocol import check_identity, parse_identity
from parsl_sa.channel.sockets import Tuning, bind, drain, milliseconds, parse, send_frames, tune
from parsl_sa.errors import ChannelClosedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from parsl_sa.channel.protocol import Dialer, Message, Server


class CurveServer:
    """A ROUTER socket; made by `CurveChannel.serve`."""

    def __init__(self, context: ServerContext, host: str, port: int, tuning: Tuning) -> None:
        self.ownership = Ownership("server")
        self.malformed = 0
        self._linger_s = tuning.linger_s
        self.socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        tune(self.socket, tuning)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        # Off, the server ignores for ever a dialer that reconnected before its old connection was seen to
        # be dead (a half-open one: a firewall, a pulled cable). On, the newest connection is the peer.
        self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self.socket.setsockopt(zmq.BACKLOG, 1024)
        try:
            self.address = bind(self.socket, host, port)
        except BaseException:
            self.socket.close(0)
            raise

    def send(self, peer: str, message: Message) -> bool:
        """Hand a message over to a peer; False at its high-water mark, and if it is not there."""
        self.ownership.check()
        frames = pack(message.header, message.arrays)
        try:
            self.socket.send(check_identity(peer).encode("ascii"), zmq.SNDMORE | zmq.DONTWAIT)
        except zmq.ZMQError as error:
            if error.errno in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                return False
            raise
        return send_frames(self.socket, frames)

    def receive(self) -> list[tuple[str, Message]]:
        """Return what has arrived, each with the identity of its sender."""
        self.ownership.check()
        messages = []
        for raw, *frames in drain(self.socket):
            identity = parse_identity(raw.bytes)
            message = parse(frames)
            if identity is None or message is None:
                self.malformed += 1
            else:
                messages.append((identity, message))
        return messages

    def close(self, linger_s: float | None = None) -> None:
        """Close the socket; what is queued has `linger_s` to get out."""
        _close(self, self._linger_s if linger_s is None else linger_s)


class CurveDialer:
    """A DEALER socket; made by `CurveChannel.dial`."""

    def __init__(self, context: ClientContext, address: str, identity: str, tuning: Tuning) -> None:
        self.identity = check_identity(identity)
        self.ownership = Ownership(f"dialer {identity}")
        self.malformed = 0
        self._linger_s = tuning.linger_s
        self.socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        tune(self.socket, tuning)
        self.socket.setsockopt(zmq.ROUTING_ID, identity.encode("ascii"))
        # Queue for connections that are made only: `send` is False while there is none.
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.setsockopt(zmq.RECONNECT_IVL, milliseconds(tuning.reconnect_s))
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, milliseconds(tuning.reconnect_max_s))
        try:
            self.socket.connect(address)
        except zmq.ZMQError as error:
            self.socket.close(0)
            raise ValueError(f"address: expected tcp://host:port; got {address!r}") from error

    def send(self, message: Message) -> bool:
        """Hand a message over to the server; False at the high-water mark, and while not connected."""
        self.ownership.check()
        return send_frames(self.socket, pack(message.header, message.arrays))

    def receive(self) -> list[Message]:
        """Return what has arrived."""
        self.ownership.check()
        messages = []
        for frames in drain(self.socket):
            message = parse(frames)
            if message is None:
                self.malformed += 1
            else:
                messages.append(message)
        return messages

    def close(self, linger_s: float | None = None) -> None:
        """Close the socket; what is queued has `linger_s` to get out."""
        _close(self, self._linger_s if linger_s is None else linger_s)


class CurveChannel:
    """Servers and dialers under the keys of one study.

    Parameters
    ----------
    keys_dir : Path
        What `make_keys` returned.
    tuning : Tuning
        Numbers of the sockets.

    Raises
    ------
    StudyError
        If the directory lacks a key.

    Notes
    -----
    Contexts are made on the first `serve` or `dial`, in the process that calls it: a channel that was only
    constructed survives a fork, an opened one refuses. One I/O thread a context bounds
    encrypted throughput to about 1 GB/s.
    """

    def __init__(self, keys_dir: Path, tuning: Tuning | None = None) -> None:
        check_keys(keys_dir)
        self._keys_dir = keys_dir
        self._tuning = tuning or Tuning()
        self._closed = False
        self._opened: Ownership | None = None
        self._server_context: ServerContext | None = None
        self._client_context: ClientContext | None = None
        self._endpoints: list[CurveServer | CurveDialer] = []
        self._lock = threading.Lock()
        self._wake_pipe: tuple[int, int] | None = None

    def __enter__(self) -> CurveChannel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def serve(self, host: str, port: int = 0) -> CurveServer:
        """Open a server on an address of this machine; port 0 takes a free one."""
        self._pipe()
        if self._server_context is None:
            self._server_context = ServerContext(self._keys_dir)
        server = CurveServer(self._server_context, host, port, self._tuning)
        self._endpoints.append(server)
        return server

    def dial(self, address: str, identity: str) -> CurveDialer:
        """Open a dialer; there need not be a server yet."""
        self._pipe()
        if self._client_context is None:
            self._client_context = ClientContext(self._keys_dir)
        dialer = CurveDialer(self._client_context, address, identity, self._tuning)
        self._endpoints.append(dialer)
        return dialer

    def wait(
        self, endpoints: Sequence[Server | Dialer], timeout_s: float, sending: Sequence[Dialer] = ()
    ) -> None:
        """Return when an endpoint has something, one of `sending` can send, on `wake`, or in time."""
        reader, _ = self._pipe()
        flags: dict[zmq.Socket[bytes], int] = {_own(end).socket: int(zmq.POLLIN) for end in endpoints}
        for end in sending:
            sock = _own(end).socket
            flags[sock] = flags.get(sock, 0) | zmq.POLLOUT
        poller = zmq.Poller()
        poller.register(reader, zmq.POLLIN)
        for sock, flag in flags.items():
            poller.register(sock, flag)
        if reader in dict(poller.poll(milliseconds(timeout_s))):
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 65536)

    def wake(self) -> None:
        """Make the present or else the next `wait` return; from any thread."""
        with self._lock:
            if self._closed or (self._opened is not None and self._opened.foreign):
                return
            _, writer = self._open()
            # A full pipe wakes as well.
            with contextlib.suppress(BlockingIOError):
                os.write(writer, b"\0")

    def close(self) -> None:
        """Close every endpoint, the authenticator's thread and the contexts; waits for the lingering."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for descriptor in self._wake_pipe or ():
                os.close(descriptor)
        if self._opened is not None and self._opened.foreign:
            return
        for endpoint in self._endpoints:
            endpoint.close()
        for context in (self._client_context, self._server_context):
            if context is not None:
                context.term()

    def _pipe(self) -> tuple[int, int]:
        """Return the ends of the wake pipe, if this process may use the channel."""
        with self._lock:
            pipe = self._open()
        self._endpoints = [endpoint for endpoint in self._endpoints if not endpoint.ownership.closed]
        return pipe

    def _open(self) -> tuple[int, int]:
        if self._closed:
            raise ChannelClosedError("channel is closed")
        if self._opened is None or self._wake_pipe is None:
            self._opened = Ownership("channel")
            # A pipe, since a byte may be written from any thread and wakes a poll.
            self._wake_pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._opened.foreign:
            raise RuntimeError("channel was opened by another process: open it after the fork")
        return self._wake_pipe


def _own(endpoint: Server | Dialer) -> CurveServer | CurveDialer:
    if not isinstance(endpoint, CurveServer | CurveDialer):
        raise TypeError(f"wait: expected an endpoint of this channel; got {endpoint!r}")
    endpoint.ownership.check()
    return endpoint


def _close(endpoint: CurveServer | CurveDialer, linger_s: float) -> None:
    if endpoint.ownership.closed:
        return
    endpoint.ownership.closed = True
    # A fork has no I/O thread: the socket is the parent's to close.
    if not endpoint.ownership.foreign:
        endpoint.socket.close(milliseconds(linger_s))
