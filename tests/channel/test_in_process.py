from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.channel import in_process
from parsl_sa.channel.in_process import InProcessChannel
from parsl_sa.channel.protocol import Message


def test_arrays_are_copied_on_send() -> None:
    with InProcessChannel() as channel:
        server = channel.serve("here")
        dialer = channel.dial(server.address, "client-0")
        array = np.zeros(3)
        assert dialer.send(Message({}, (array,)))
        array[:] = 1
        ((_, message),) = server.receive()
        np.testing.assert_array_equal(message.arrays[0], np.zeros(3))


def test_malformed_frames_are_counted_and_dropped() -> None:
    with InProcessChannel() as channel:
        server = channel.serve("here")
        dialer = channel.dial(server.address, "client-0")
        with in_process._CHANGED:
            assert server.inbox.put("client-0", [b"noise"])
        assert dialer.send(Message({"n": 1}))
        assert [message.header for _, message in server.receive()] == [{"n": 1}]
        assert server.malformed == 1


def test_the_table_of_the_process_is_empty_after_close() -> None:
    with InProcessChannel() as channel:
        server = channel.serve("here")
        channel.dial(server.address, "client-0")
    assert in_process._SERVERS == {}
    assert in_process._DIALERS == {}


def test_endpoints_of_another_kind_are_refused() -> None:
    with InProcessChannel() as channel, pytest.raises(TypeError, match="of this channel"):
        channel.wait([object()], 0.0)  # type: ignore[list-item]
