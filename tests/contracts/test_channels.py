"""What every channel of the plug-in table owes; see `parsl_sa.channel.protocol`."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa import registry
from parsl_sa.arrays import WIRE
from parsl_sa.channel.keys import make_keys
from parsl_sa.channel.protocol import Channel, Dialer, Message, Server
from parsl_sa.errors import ChannelClosedError, FrameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 20.0
# Pieces of 8 MB that a sender may get rid of while nobody reads: two queues of 8, and what the kernel's
# buffers and the codecs hold.
MOST_UNREAD = 24
HOST = "127.0.0.1"

# How a test makes one: a new channel needs one line here, and nothing else in this file.
MAKERS: dict[str, Callable[[Any, Any], Channel]] = {
    "curve": lambda kind, tmp_path: kind(make_keys(tmp_path / "keys")),
    "in-process": lambda kind, _: kind(),
}


@pytest.fixture(params=registry.names("channel"))
def make(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Callable[[], Channel]]:
    made: list[Channel] = []

    def make_one() -> Channel:
        made.append(MAKERS[request.param](registry.resolve("channel", request.param), tmp_path))
        return made[-1]

    yield make_one
    for channel in made:
        channel.close()


@pytest.fixture
def channel(make: Callable[[], Channel]) -> Channel:
    return make()


def send(channel: Channel, dialer: Dialer, message: Message) -> None:
    end = time.monotonic() + PATIENCE_S
    while not dialer.send(message):
        assert time.monotonic() < end, "send stayed False"
        channel.wait([], 0.05, sending=[dialer])


def answer(server: Server, peer: str, message: Message) -> None:
    end = time.monotonic() + PATIENCE_S
    while not server.send(peer, message):
        assert time.monotonic() < end, "send stayed False"
        time.sleep(0.002)


def collect(channel: Channel, endpoint: Any, count: int, patience_s: float = PATIENCE_S) -> list[Any]:
    got: list[Any] = []
    end = time.monotonic() + patience_s
    while len(got) < count and time.monotonic() < end:
        channel.wait([endpoint], 0.2)
        got += endpoint.receive()
    return got


def connect(channel: Channel, identity: str = "client-0") -> tuple[Server, Dialer]:
    server = channel.serve(HOST)
    dialer = channel.dial(server.address, identity)
    send(channel, dialer, Message({"hello": True}))
    assert [peer for peer, _ in collect(channel, server, 1)] == [identity]
    return server, dialer


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_messages_arrive_unchanged_both_ways(channel: Channel) -> None:
    server, dialer = connect(channel)
    message = Message(
        {"kind": "slab", "lease": 3}, (np.arange(6.0).reshape(2, 3), np.array([True]), np.float32([]))
    )
    send(channel, dialer, message)
    ((peer, up),) = collect(channel, server, 1)
    answer(server, peer, up)
    (down,) = collect(channel, dialer, 1)
    for got in (up, down):
        assert got.header == message.header
        for a, b in zip(got.arrays, message.arrays, strict=True):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
            assert a.flags.aligned
            with pytest.raises(ValueError, match="read-only"):
                a[...] = 0
    assert (server.malformed, dialer.malformed) == (0, 0)


def test_ends_of_different_channel_objects_meet(make: Callable[[], Channel]) -> None:
    here, there = make(), make()
    server = here.serve(HOST)
    dialer = there.dial(server.address, "client-0")
    send(there, dialer, Message({"n": 1}))
    ((peer, message),) = collect(here, server, 1)
    assert (peer, message.header) == ("client-0", {"n": 1})


def test_nothing_is_lost_doubled_or_reordered(channel: Channel) -> None:
    server = channel.serve(HOST)
    dialers = [channel.dial(server.address, f"client-{i}") for i in range(3)]
    got: list[tuple[str, Message]] = []
    for n in range(200):
        for dialer in dialers:
            while not dialer.send(Message({"n": n}, (np.full(1 + n, n),))):
                channel.wait([server], 0.05)
                got += server.receive()
    got += collect(channel, server, 600 - len(got))
    time.sleep(0.05)
    got += server.receive()
    for dialer in dialers:
        mine = [message for peer, message in got if peer == dialer.identity]
        assert [message.header["n"] for message in mine] == list(range(200))
        assert all((message.arrays[0] == n).all() for n, message in enumerate(mine))
    assert len(got) == 600


def test_a_server_answers_the_peer_it_names(channel: Channel) -> None:
    server = channel.serve(HOST)
    dialers = [channel.dial(server.address, f"client-{i}") for i in range(3)]
    for dialer in dialers:
        send(channel, dialer, Message({}))
    collect(channel, server, 3)
    for dialer in dialers:
        answer(server, dialer.identity, Message({"to": dialer.identity}))
    for dialer in dialers:
        assert [m.header["to"] for m in collect(channel, dialer, 1)] == [dialer.identity]
        assert dialer.receive() == []


def test_the_largest_message_arrives_and_a_larger_one_is_refused_at_once(channel: Channel) -> None:
    server, dialer = connect(channel)
    field = np.arange((WIRE.size_bytes - 4096) // 8, dtype=np.float64)
    send(channel, dialer, Message({}, (field,)))
    ((_, message),) = collect(channel, server, 1)
    np.testing.assert_array_equal(message.arrays[0], field)
    too_large = Message({}, (np.zeros(WIRE.size_bytes // 8),))
    with pytest.raises(FrameError, match="at most"):
        dialer.send(too_large)
    with pytest.raises(FrameError, match="at most"):
        server.send("client-0", too_large)
    send(channel, dialer, Message({"still": "here"}))
    assert collect(channel, server, 1)[0][1].header == {"still": "here"}


def test_what_is_not_plain_json_is_refused_at_once(channel: Channel) -> None:
    _, dialer = connect(channel)
    with pytest.raises(FrameError, match="finite"):
        dialer.send(Message({"rate": float("nan")}))


def test_a_slow_reader_holds_the_sender_and_loses_nothing(channel: Channel) -> None:
    """240 MB in pieces of 8 MB: the reader starts only when the sender has been told to wait."""
    server, dialer = connect(channel)
    n_messages, n_cells = 30, 1_000_000
    sent = 0
    refused_since = time.monotonic()
    while time.monotonic() - refused_since < 0.5:
        assert sent < n_messages, "the high-water mark never showed"
        if dialer.send(Message({"n": sent}, (np.full(n_cells, float(sent)),))):
            sent += 1
            refused_since = time.monotonic()
        else:
            time.sleep(0.01)
    accepted = sent
    got: list[Message] = []
    end = time.monotonic() + 60
    while len(got) < n_messages and time.monotonic() < end:
        channel.wait([server], 0.05)
        time.sleep(0.02)
        got += [message for _, message in server.receive()]
        while sent < n_messages and dialer.send(Message({"n": sent}, (np.full(n_cells, float(sent)),))):
            sent += 1
    assert accepted <= MOST_UNREAD
    assert [message.header["n"] for message in got] == list(range(n_messages))
    assert all((message.arrays[0] == n).all() for n, message in enumerate(got))
    assert server.receive() == []


def test_a_server_sees_false_for_a_peer_that_does_not_read(channel: Channel) -> None:
    server, dialer = connect(channel)
    message = Message({}, (np.zeros(1_000_000),))
    sent = 0
    refused_since = time.monotonic()
    while time.monotonic() - refused_since < 0.3:
        assert sent < 40
        if server.send("client-0", message):
            sent += 1
            refused_since = time.monotonic()
        else:
            time.sleep(0.01)
    assert sent <= MOST_UNREAD
    assert len(collect(channel, dialer, sent)) == sent
    answer(server, "client-0", Message({"again": True}))
    assert collect(channel, dialer, 1)[0].header == {"again": True}


def test_an_unknown_peer_is_false_and_no_error(channel: Channel) -> None:
    server, dialer = connect(channel)
    assert server.send("nobody", Message({})) is False
    answer(server, "client-0", Message({}))
    assert len(collect(channel, dialer, 1)) == 1


def test_a_gone_peer_becomes_false_and_no_error(channel: Channel) -> None:
    server, dialer = connect(channel)
    dialer.close()
    end = time.monotonic() + PATIENCE_S
    while server.send("client-0", Message({})):
        assert time.monotonic() < end, "a closed peer still takes messages"
        time.sleep(0.01)


def test_a_dialer_may_be_there_before_its_server(channel: Channel) -> None:
    first = channel.serve(HOST)
    address = first.address
    first.close()
    dialer = channel.dial(address, "client-0")
    assert dialer.send(Message({})) is False
    channel.wait([dialer], 0.05, sending=[dialer])
    assert dialer.send(Message({})) is False
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            server = channel.serve(HOST, port_of(address))
            break
        except OSError:
            # The first server's socket is closed in the background.
            assert time.monotonic() < end
            time.sleep(0.05)
    assert server.address == address
    send(channel, dialer, Message({"n": 1}))
    assert collect(channel, server, 1)[0][1].header == {"n": 1}


def test_a_dialer_finds_the_next_server_at_the_same_address(make: Callable[[], Channel]) -> None:
    first_channel, second_channel, dialing = make(), make(), make()
    first = first_channel.serve(HOST)
    dialer = dialing.dial(first.address, "client-0")
    send(dialing, dialer, Message({"n": 0}))
    collect(first_channel, first, 1)
    address = first.address
    first_channel.close()
    second = second_channel.serve(HOST, port_of(address))
    got: list[tuple[str, Message]] = []
    end = time.monotonic() + PATIENCE_S
    while not got and time.monotonic() < end:
        dialer.send(Message({"n": 1}))
        second_channel.wait([second], 0.05)
        got += second.receive()
    assert got
    assert got[0][0] == "client-0"
    answer(second, "client-0", Message({"welcome": "back"}))
    assert collect(dialing, dialer, 1)[0].header == {"welcome": "back"}


def test_the_newest_connection_of_an_identity_is_the_peer(make: Callable[[], Channel]) -> None:
    channel, other = make(), make()
    server, old = connect(channel)
    new = other.dial(server.address, "client-0")
    got: list[Message] = []
    end = time.monotonic() + PATIENCE_S
    while not got and time.monotonic() < end:
        new.send(Message({"new": True}))
        channel.wait([server], 0.05)
        if server.receive():
            server.send("client-0", Message({"for": "new"}))
        got = new.receive()
    # one or, where the first answer was slow, more; and none of them went to the older connection
    assert {message.header["for"] for message in got} == {"new"}
    old.close()


def test_receive_does_not_block(channel: Channel) -> None:
    server, dialer = connect(channel)
    start = time.monotonic()
    assert server.receive() == []
    assert dialer.receive() == []
    assert time.monotonic() - start < 0.1


def test_wait_lasts_its_timeout_when_nothing_comes(channel: Channel) -> None:
    server, dialer = connect(channel)
    start = time.monotonic()
    channel.wait([server, dialer], 0.2)
    assert 0.19 <= time.monotonic() - start < 2.0
    start = time.monotonic()
    channel.wait([], 0.0)
    assert time.monotonic() - start < 0.1


def test_wait_returns_when_a_message_comes_and_while_one_is_there(make: Callable[[], Channel]) -> None:
    channel, there = make(), make()
    server, _ = connect(channel)
    other = channel.serve(HOST)
    address = server.address

    def send_later() -> None:
        dialer = there.dial(address, "client-1")
        time.sleep(0.2)
        send(there, dialer, Message({}))

    thread = threading.Thread(target=send_later)
    thread.start()
    start = time.monotonic()
    channel.wait([other, server], PATIENCE_S)
    first = time.monotonic() - start
    channel.wait([other, server], PATIENCE_S)
    thread.join()
    assert 0.1 < first < PATIENCE_S / 2
    assert time.monotonic() - start < PATIENCE_S / 2
    assert [peer for peer, _ in server.receive()] == ["client-1"]


def test_wait_returns_when_a_sender_may_send_again(channel: Channel) -> None:
    server, dialer = connect(channel)
    message = Message({}, (np.zeros(1_000_000),))
    refused_since = time.monotonic()
    while time.monotonic() - refused_since < 0.3:
        if dialer.send(message):
            refused_since = time.monotonic()
        else:
            time.sleep(0.01)
    start = time.monotonic()
    channel.wait([dialer], 0.2, sending=[dialer])
    assert time.monotonic() - start >= 0.19
    start = time.monotonic()
    while not dialer.send(message):
        server.receive()
        channel.wait([dialer], PATIENCE_S, sending=[dialer])
    assert time.monotonic() - start < PATIENCE_S / 2


def test_wake_ends_a_wait_from_another_thread(channel: Channel) -> None:
    server, _ = connect(channel)
    timer = threading.Timer(0.2, channel.wake)
    timer.start()
    start = time.monotonic()
    channel.wait([server], PATIENCE_S)
    timer.join()
    assert 0.1 < time.monotonic() - start < PATIENCE_S / 2


def test_a_wake_before_the_wait_counts_once(channel: Channel) -> None:
    server, _ = connect(channel)
    for _ in range(100_000):
        channel.wake()
    start = time.monotonic()
    channel.wait([server], PATIENCE_S)
    assert time.monotonic() - start < PATIENCE_S / 2
    # However often it was called: the pipe of an implementation may need a few reads.
    for _ in range(3):
        channel.wait([server], 0.0)
    start = time.monotonic()
    channel.wait([server], 0.2)
    assert time.monotonic() - start >= 0.19


def test_wake_is_harmless_before_the_first_use_and_after_close(channel: Channel) -> None:
    channel.wake()
    channel.close()
    channel.wake()


def test_the_last_words_before_a_close_get_out(make: Callable[[], Channel]) -> None:
    here, there = make(), make()
    server = here.serve(HOST)
    dialer = there.dial(server.address, "client-0")
    send(there, dialer, Message({"n": 0}))
    assert dialer.send(Message({"n": 1}, (np.ones(1_000_000),)))
    assert dialer.send(Message({"n": 2}))
    dialer.close()
    there.close()
    assert [m.header["n"] for _, m in collect(here, server, 3)] == [0, 1, 2]


def test_close_is_idempotent_and_final(channel: Channel) -> None:
    server, dialer = connect(channel)
    dialer.close()
    dialer.close()
    with pytest.raises(ChannelClosedError, match="dialer client-0 is closed"):
        dialer.send(Message({}))
    with pytest.raises(ChannelClosedError, match="closed"):
        dialer.receive()
    with pytest.raises(ChannelClosedError, match="closed"):
        channel.wait([dialer], 0.0)
    channel.close()
    channel.close()
    with pytest.raises(ChannelClosedError, match="closed"):
        server.receive()
    with pytest.raises(ChannelClosedError, match="closed"):
        server.send("client-0", Message({}))
    for use in (lambda: channel.serve(HOST), lambda: channel.dial("x", "y"), lambda: channel.wait([], 0.0)):
        with pytest.raises(ChannelClosedError, match="channel is closed"):
            use()


def test_a_channel_that_was_never_used_closes(channel: Channel) -> None:
    channel.close()


def test_another_thread_is_refused(channel: Channel) -> None:
    server, dialer = connect(channel)
    seen: list[str] = []

    def use() -> None:
        for call in (server.receive, dialer.receive, lambda: dialer.send(Message({}))):
            try:
                call()
            except RuntimeError as error:
                seen.append(str(error))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(seen) == 3
    assert all("another thread" in text for text in seen)


def test_an_end_may_be_opened_here_and_used_there(channel: Channel) -> None:
    server = channel.serve(HOST)
    dialer = channel.dial(server.address, "client-0")
    thread = threading.Thread(target=send, args=(channel, dialer, Message({"n": 1})))
    thread.start()
    got = collect(channel, server, 1)
    thread.join()
    assert got[0][1].header == {"n": 1}


@pytest.mark.parametrize("identity", ["", "a" * 65, "ü", "a b", "a\n", "-a", "\0a"])
def test_identities_are_validated(channel: Channel, identity: str) -> None:
    server, _ = connect(channel)
    with pytest.raises(ValueError, match="identity: expected"):
        channel.dial(server.address, identity)
    with pytest.raises(ValueError, match="identity: expected"):
        server.send(identity, Message({}))


def test_a_taken_address_is_an_error_of_the_system(channel: Channel) -> None:
    server = channel.serve(HOST)
    with pytest.raises(OSError, match="in use"):
        channel.serve(HOST, port_of(server.address))
