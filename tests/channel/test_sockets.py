from __future__ import annotations

import pytest
import zmq

from parsl_sa.channel.sockets import milliseconds, send_frames


class Dying:
    """A socket whose connection dies before a given frame of a message."""

    def __init__(self, dies_at: int) -> None:
        self.dies_at = dies_at
        self.given: list[tuple[bytes, bool]] = []

    def send(self, frame: bytes, flags: int, copy: bool) -> None:
        self.given.append((frame, bool(flags & zmq.SNDMORE)))
        assert flags & zmq.DONTWAIT
        if len(self.given) - 1 == self.dies_at:
            raise zmq.Again


def test_a_message_refused_at_once_is_not_begun() -> None:
    sock = Dying(0)
    assert send_frames(sock, [b"a", b"b", b"c"]) is False  # type: ignore[arg-type]
    assert sock.given == [(b"a", True)]


@pytest.mark.parametrize("dies_at", [1, 2])
def test_a_message_cut_short_is_ended_so_that_the_next_one_is_whole(dies_at: int) -> None:
    sock = Dying(dies_at)
    assert send_frames(sock, [b"a", b"b", b"c"]) is False  # type: ignore[arg-type]
    assert sock.given == [(b"a", True), (b"b", True), (b"c", False)]


def test_a_short_wait_does_not_become_a_spin() -> None:
    assert [milliseconds(t) for t in (-1.0, 0.0, 1e-5, 0.25)] == [0, 0, 1, 250]
