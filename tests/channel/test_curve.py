from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zmq
from parsl.curvezmq import ClientContext

from parsl_sa.arrays import WIRE, pack
from parsl_sa.channel.curve import CurveChannel, CurveDialer, CurveServer
from parsl_sa.channel.keys import make_keys
from parsl_sa.channel.protocol import Message
from parsl_sa.channel.sockets import Tuning
from parsl_sa.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 20.0


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return make_keys(tmp_path / "keys")


@pytest.fixture
def channel(keys: Path) -> Iterator[CurveChannel]:
    with CurveChannel(keys) as channel:
        yield channel


@pytest.fixture
def raw(keys: Path) -> Iterator[Any]:
    """Make sockets that hold the client's key but know nothing of our frames."""
    context = ClientContext(keys)

    def make(address: str, identity: bytes | None = b"raw") -> zmq.Socket[bytes]:
        sock = context.socket(zmq.DEALER)
        sock.setsockopt(zmq.LINGER, 1000)
        if identity is not None:
            sock.setsockopt(zmq.ROUTING_ID, identity)
        sock.connect(address)
        return sock

    yield make
    context.destroy(linger=0)


def collect(channel: CurveChannel, endpoint: Any, count: int, patience_s: float = PATIENCE_S) -> list[Any]:
    got: list[Any] = []
    end = time.monotonic() + patience_s
    while len(got) < count and time.monotonic() < end:
        channel.wait([endpoint], 0.1)
        got += endpoint.receive()
    return got


def send(channel: CurveChannel, dialer: CurveDialer, message: Message) -> None:
    end = time.monotonic() + PATIENCE_S
    while not dialer.send(message):
        assert time.monotonic() < end
        channel.wait([], 0.05, sending=[dialer])


def assert_alive(channel: CurveChannel, server: CurveServer) -> None:
    """A rightful client still gets through, and gets an answer."""
    dialer = channel.dial(server.address, "rightful")
    send(channel, dialer, Message({"n": 1}))
    assert [(peer, m.header) for peer, m in collect(channel, server, 1)] == [("rightful", {"n": 1})]
    assert server.send("rightful", Message({"n": 2}))
    assert [m.header for m in collect(channel, dialer, 1)] == [{"n": 2}]
    dialer.close()


def assert_gets_nothing(
    channel: CurveChannel, server: CurveServer, sock: zmq.Socket[bytes], name: str
) -> None:
    for _ in range(5):
        with pytest.raises(zmq.Again):
            sock.recv(zmq.DONTWAIT)
        assert server.send(name, Message({"secret": True})) is False
        channel.wait([server], 0.1)
        assert server.receive() == []
    assert server.malformed == 0


# --- keys


def test_keys_are_private_and_stay(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        certificates = make_keys(tmp_path / "study" / "keys")
    finally:
        os.umask(before)
    assert certificates.stat().st_mode & 0o777 == 0o700
    assert certificates.parent.stat().st_mode & 0o777 == 0o700
    files = {path.name: path.read_bytes() for path in certificates.iterdir()}
    assert set(files) == {"server.key", "server.key_secret", "client.key", "client.key_secret"}
    assert {path.stat().st_mode & 0o777 for path in certificates.iterdir()} == {0o600}
    assert make_keys(tmp_path / "study" / "keys") == certificates
    assert {path.name: path.read_bytes() for path in certificates.iterdir()} == files
    assert [path.name for path in certificates.parent.iterdir()] == ["certificates"]


def test_two_studies_have_different_keys(tmp_path: Path) -> None:
    a, b = make_keys(tmp_path / "a"), make_keys(tmp_path / "b")
    assert (a / "server.key_secret").read_bytes() != (b / "server.key_secret").read_bytes()


def test_two_that_make_keys_at_once_agree(tmp_path: Path) -> None:
    seen: list[bytes] = []
    barrier = threading.Barrier(4)

    def make() -> None:
        barrier.wait()
        seen.append((make_keys(tmp_path / "keys") / "server.key_secret").read_bytes())

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert len(set(seen)) == 1


def test_a_missing_key_is_named(keys: Path) -> None:
    (keys / "server.key_secret").unlink()
    with pytest.raises(StudyError, match=r"server\.key_secret"):
        CurveChannel(keys)
    with pytest.raises(StudyError, match="remove the directory"):
        make_keys(keys.parent)


# --- who gets nothing


def test_a_socket_without_keys_gets_nothing(channel: CurveChannel) -> None:
    server = channel.serve("127.0.0.1")
    context = zmq.Context()
    plain = context.socket(zmq.DEALER)
    plain.setsockopt(zmq.ROUTING_ID, b"intruder")
    plain.connect(server.address)
    for _ in range(3):
        plain.send_multipart([bytes(frame) for frame in pack({"n": 1})], zmq.DONTWAIT)
    assert_gets_nothing(channel, server, plain, "intruder")
    assert_alive(channel, server)
    context.destroy(linger=0)


@pytest.mark.parametrize("knows", ["nothing", "the server's public key"])
def test_a_socket_with_the_keys_of_another_study_gets_nothing(
    channel: CurveChannel, keys: Path, tmp_path: Path, knows: str
) -> None:
    other = make_keys(tmp_path / "other")
    if knows != "nothing":
        # Then encryption succeeds, and only the authenticator stands between.
        for name in ("server.key", "server.key_secret"):
            (other / name).write_bytes((keys / name).read_bytes())
    server = channel.serve("127.0.0.1")
    context = ClientContext(other)
    stranger = context.socket(zmq.DEALER)
    stranger.setsockopt(zmq.ROUTING_ID, b"intruder")
    stranger.connect(server.address)
    stranger.send_multipart([bytes(frame) for frame in pack({"n": 1})], zmq.DONTWAIT)
    assert_gets_nothing(channel, server, stranger, "intruder")
    assert_alive(channel, server)
    context.destroy(linger=0)


def test_bytes_that_are_not_zeromq_are_refused(channel: CurveChannel) -> None:
    server = channel.serve("127.0.0.1")
    host, port = server.address.removeprefix("tcp://").rsplit(":", 1)
    rng = np.random.default_rng(3)
    greeting = b"\xff" + bytes(8) + b"\x7f"
    for noise in (b"GET / HTTP/1.1\r\n\r\n", rng.bytes(4096), greeting, greeting + rng.bytes(500), b""):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            try:
                connection.sendall(noise)
                connection.settimeout(0.2)
                answer = b"".join(iter(lambda c=connection: c.recv(4096), b""))
            except OSError:
                answer = b""
            assert b"secret" not in answer
    channel.wait([server], 0.1)
    assert server.receive() == []
    assert_alive(channel, server)


# --- what a rightful client may get wrong


def test_malformed_frames_are_counted_and_dropped(channel: CurveChannel, raw: Any) -> None:
    server = channel.serve("127.0.0.1")
    sock = raw(server.address)
    good = [bytes(frame) for frame in pack({"n": 1}, [np.arange(3.0)])]
    bad = [
        [b""],
        [b"noise"],
        [good[0]],
        [good[0], good[1][:-1]],
        [good[0], good[1], b""],
        [b"", *good],
        [good[1], good[0]],
        [b"x"] * 1000,
    ]
    for frames in bad:
        sock.send_multipart(frames)
    sock.send_multipart(good)
    ((peer, message),) = collect(channel, server, 1)
    assert peer == "raw"
    assert message.header == {"n": 1}
    np.testing.assert_array_equal(message.arrays[0], np.arange(3.0))
    assert server.malformed == len(bad)
    sock.close()
    assert_alive(channel, server)


def test_a_dialer_drops_malformed_frames_too(channel: CurveChannel) -> None:
    server = channel.serve("127.0.0.1")
    dialer = channel.dial(server.address, "client-0")
    send(channel, dialer, Message({}))
    collect(channel, server, 1)
    server.socket.send_multipart([b"client-0", b"noise"])
    assert server.send("client-0", Message({"n": 1}))
    assert [m.header for m in collect(channel, dialer, 1)] == [{"n": 1}]
    assert dialer.malformed == 1


@pytest.mark.parametrize("identity", [None, b"\xff\xfe", b"a b", b"x" * 65])
def test_senders_without_a_fit_name_are_dropped(
    channel: CurveChannel, raw: Any, identity: bytes | None
) -> None:
    server = channel.serve("127.0.0.1")
    sock = raw(server.address, identity)
    sock.send_multipart([bytes(frame) for frame in pack({"n": 1})])
    end = time.monotonic() + PATIENCE_S
    while not server.malformed and time.monotonic() < end:
        channel.wait([server], 0.1)
        assert server.receive() == []
    assert server.malformed == 1
    sock.close()
    assert_alive(channel, server)


def test_a_frame_over_the_limit_ends_its_connection(channel: CurveChannel, raw: Any) -> None:
    server = channel.serve("127.0.0.1")
    sock = raw(server.address)
    sock.setsockopt(zmq.LINGER, 0)
    monitor = sock.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    sock.send(bytes(WIRE.size_bytes + (1 << 20)))
    assert monitor.poll(PATIENCE_S * 1e3), "the connection lives on"
    sock.close()
    # Not even counted: the size is read off the wire before the frame is.
    assert server.receive() == []
    assert server.malformed == 0
    assert_alive(channel, server)


# --- addresses


@pytest.mark.parametrize(
    ("host", "start"), [("127.0.0.1", "tcp://127.0.0.1:"), ("localhost", "tcp://127.0.0.1:")]
)
def test_addresses_are_what_a_dialer_takes(channel: CurveChannel, host: str, start: str) -> None:
    server = channel.serve(host)
    assert server.address.startswith(start)
    assert_alive(channel, server)


def test_an_ipv6_address(channel: CurveChannel) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    server = channel.serve("::1")
    assert server.address.startswith("tcp://[::1]:")
    assert_alive(channel, server)


def test_all_addresses_of_the_machine(channel: CurveChannel) -> None:
    server = channel.serve("0.0.0.0")
    dialer = channel.dial(server.address.replace("0.0.0.0", "127.0.0.1"), "client-0")
    send(channel, dialer, Message({}))
    assert len(collect(channel, server, 1)) == 1


def test_impossible_addresses(channel: CurveChannel) -> None:
    with pytest.raises(OSError, match=r"203\.0\.113\.7"):
        channel.serve("203.0.113.7")
    with pytest.raises(OSError, match="no-such-host"):
        channel.serve("no-such-host.invalid")
    with pytest.raises(ValueError, match="expected tcp://host:port; got 'nonsense'"):
        channel.dial("nonsense", "client-0")


# --- connections that break


class Proxy:
    """A TCP relay whose two halves can be broken apart."""

    def __init__(self, address: str) -> None:
        self.target = int(address.rpartition(":")[2])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                self.threads.append(threading.Thread(target=self.pump, args=(source, sink)))
                self.threads[-1].start()

    @staticmethod
    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass

    def break_near_half(self) -> None:
        """The dialer sees a reset; the server sees nothing at all."""
        near, _ = self.pairs[-1]
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        near.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for pair in self.pairs:
            for half in pair:
                with contextlib.suppress(OSError):
                    half.shutdown(socket.SHUT_RDWR)
                half.close()
        for thread in self.threads:
            thread.join(5)


def test_a_half_open_connection_does_not_lock_its_dialer_out(channel: CurveChannel) -> None:
    server = channel.serve("127.0.0.1")
    proxy = Proxy(server.address)
    try:
        dialer = channel.dial(proxy.address, "client-0")
        send(channel, dialer, Message({"n": 0}))
        collect(channel, server, 1)
        proxy.break_near_half()
        got: list[Any] = []
        end = time.monotonic() + PATIENCE_S
        while len(proxy.pairs) < 2 or not got:
            assert time.monotonic() < end, "the server never heard the dialer again"
            dialer.send(Message({"n": 1}))
            channel.wait([server], 0.05)
            got += server.receive()
        assert server.send("client-0", Message({"n": 2}))
        assert [m.header for m in collect(channel, dialer, 1)] == [{"n": 2}]
    finally:
        dialer.close()
        server.close()
        proxy.close()


def test_a_peer_that_falls_silent_is_given_up(keys: Path) -> None:
    with CurveChannel(keys, Tuning(heartbeat_s=0.1, silence_s=0.5)) as channel:
        server = channel.serve("127.0.0.1")
        proxy = Proxy(server.address)
        dialer = channel.dial(proxy.address, "client-0")
        send(channel, dialer, Message({}))
        collect(channel, server, 1)
        proxy.break_near_half()
        dialer.close()
        end = time.monotonic() + PATIENCE_S
        while server.send("client-0", Message({})):
            assert time.monotonic() < end, "a silent peer is never given up"
            time.sleep(0.05)
        server.close()
        proxy.close()


def test_a_reader_may_pause_for_longer_than_the_heartbeat() -> None:
    # A receiver at its high-water mark does not read pings; giving it up loses what is queued.
    assert Tuning().silence_s >= 60


# --- nothing is left


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_fifty_channels_leave_no_thread_and_no_descriptor(keys: Path) -> None:
    def once() -> None:
        with CurveChannel(keys) as channel:
            server = channel.serve("127.0.0.1")
            dialer = channel.dial(server.address, "client-0")
            send(channel, dialer, Message({}, (np.zeros(20_000),)))
            assert len(collect(channel, server, 1)) == 1

    # What pyzmq keeps for the life of the process is there after the first use.
    once()
    threads, files = threading.active_count(), descriptors()
    native = len(list(Path("/proc/self/task").iterdir()))
    for _ in range(50):
        once()
    assert threading.active_count() <= threads
    assert descriptors() <= files
    assert len(list(Path("/proc/self/task").iterdir())) <= native


def test_closing_does_not_wait_for_a_peer_that_never_reads(keys: Path) -> None:
    with CurveChannel(keys) as there, CurveChannel(keys) as here:
        server = there.serve("127.0.0.1")
        dialer = here.dial(server.address, "client-0")
        send(here, dialer, Message({}))
        while dialer.send(Message({}, (np.zeros(1_000_000),))):
            pass
        start = time.monotonic()
        dialer.close()
        here.close()
        assert time.monotonic() - start < 5


# --- forks


def in_fork(call: Any) -> str:
    """Run a call in a forked process and return what it said."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = str(call())
        except BaseException as error:  # noqa: BLE001 - the fork reports everything and ends at once
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    os.waitpid(pid, 0)
    return said


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_an_opened_channel_refuses_a_fork_and_the_parent_goes_on(channel: CurveChannel) -> None:
    server = channel.serve("127.0.0.1")
    dialer = channel.dial(server.address, "client-0")
    for use in (
        lambda: channel.serve("127.0.0.1"),
        lambda: channel.wait([server], 0.0),
        server.receive,
        lambda: dialer.send(Message({})),
    ):
        assert in_fork(use).startswith("RuntimeError: ")
    assert in_fork(lambda: (server.close(), channel.wake(), channel.close())) == "(None, None, None)"
    send(channel, dialer, Message({"n": 1}))
    assert len(collect(channel, server, 1)) == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_an_unopened_channel_may_be_used_after_a_fork(channel: CurveChannel, keys: Path) -> None:
    with CurveChannel(keys) as there:
        server = there.serve("127.0.0.1")
        address = server.address

        def use() -> str:
            dialer = channel.dial(address, "fork")
            send(channel, dialer, Message({"n": 1}))
            channel.close()
            return "sent"

        assert in_fork(use) == "sent"
        assert [peer for peer, _ in collect(there, server, 1)] == ["fork"]
