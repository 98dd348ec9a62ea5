"""ZeroMQ sockets as the `curve` channel uses them: options, frames in and out without blocking."""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import zmq

from parsl_sa.arrays import WIRE, Frame, unpack
from parsl_sa.channel.protocol import Message
from parsl_sa.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Iterator

# One `receive` returns about this much, so that a fast peer cannot keep a reader in it for ever.
_DRAIN_BYTES = 64 << 20
_DRAIN_MESSAGES = 1024


@dataclass(frozen=True)
class Tuning:
    """Numbers of the sockets.

    Parameters
    ----------
    high_water : int
        Messages queued per peer and direction, at the sender and again at the receiver. At 8 MB a message
        the worst a stalled reader costs is 2 x 8 x 8 MB a peer.
    heartbeat_s : float
        Seconds between pings of an idle connection.
    silence_s : float
        A connection that says nothing for so long is given up. Longer than any pause of a reader:
        a receiver at its high-water mark stops reading pings too, and a connection that is given up
        then loses what was queued.
    handshake_s : float
        A connection that has not authenticated after so long is closed.
    reconnect_s, reconnect_max_s : float
        First and longest pause before a dialer tries again.
    linger_s : float
        How long `close` goes on sending what was queued.
    """

    high_water: int = 8
    heartbeat_s: float = 10.0
    silence_s: float = 120.0
    handshake_s: float = 10.0
    reconnect_s: float = 0.1
    reconnect_max_s: float = 5.0
    linger_s: float = 1.0


def milliseconds(seconds: float) -> int:
    """Return ZeroMQ's unit; what is positive never becomes 0, which would spin."""
    return max(0, math.ceil(seconds * 1e3))


def tune(sock: zmq.Socket[bytes], tuning: Tuning) -> None:
    """Set what Parsl's contexts leave open."""
    sock.setsockopt(zmq.SNDHWM, tuning.high_water)
    sock.setsockopt(zmq.RCVHWM, tuning.high_water)
    sock.setsockopt(zmq.LINGER, milliseconds(tuning.linger_s))
    sock.setsockopt(zmq.HEARTBEAT_IVL, milliseconds(tuning.heartbeat_s))
    sock.setsockopt(zmq.HEARTBEAT_TIMEOUT, milliseconds(tuning.silence_s))
    sock.setsockopt(zmq.HANDSHAKE_IVL, milliseconds(tuning.handshake_s))
    # Encryption adds a little to every frame. A larger frame is refused before memory is taken for it.
    sock.setsockopt(zmq.MAXMSGSIZE, WIRE.size_bytes + (64 << 10))
    sock.setsockopt(zmq.TCP_KEEPALIVE, 1)
    sock.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)
    sock.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 10)
    sock.setsockopt(zmq.TCP_KEEPALIVE_CNT, 6)


def bind(sock: zmq.Socket[bytes], host: str, port: int) -> str:
    """Bind and return the address in the form a dialer takes; OSError if that is not possible."""
    # Names are resolved here because ZeroMQ binds to literals and interfaces only; IPv4 is preferred.
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        literal = str(min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0])
    except socket.gaierror:
        literal = host
    bracketed = f"[{literal}]" if ":" in literal else literal
    try:
        sock.bind(f"tcp://{bracketed}:{port or '*'}")
    except zmq.ZMQError as error:
        raise OSError(error.errno, error.strerror, f"{bracketed}:{port or '*'}") from error
    # The socket itself would name an IPv4 address in IPv6 clothes.
    bound = sock.getsockopt_string(zmq.LAST_ENDPOINT)
    return f"tcp://{bracketed}:{bound.rpartition(':')[2]}"


def send_frames(sock: zmq.Socket[bytes], frames: list[Frame]) -> bool:
    """Send one message without blocking; False if it was not taken."""
    taken = True
    for index, frame in enumerate(frames):
        more = zmq.SNDMORE if index < len(frames) - 1 else 0
        try:
            sock.send(frame, more | zmq.DONTWAIT, copy=False)
        except zmq.Again:
            if index == 0:
                return False
            # The connection died within the message. ZeroMQ has withdrawn what it had and drops frames up
            # to the last one: it must be given them, or it drops the next message in their place.
            taken = False
    return taken


def drain(sock: zmq.Socket[bytes]) -> Iterator[list[zmq.Frame]]:
    """Yield the messages that have arrived, up to a bound."""
    size_bytes = n_messages = 0
    while size_bytes < _DRAIN_BYTES and n_messages < _DRAIN_MESSAGES:
        try:
            frames: list[Any] = sock.recv_multipart(zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return
        size_bytes += sum(len(frame) for frame in frames)
        n_messages += 1
        yield frames


def parse(frames: list[zmq.Frame]) -> Message | None:
    """Return the message, or None where the frames are not one."""
    try:
        return Message(*unpack([frame.buffer for frame in frames]))
    except FrameError:
        return None
