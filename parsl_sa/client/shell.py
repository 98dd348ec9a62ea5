"""The client's shell: connects the session to sockets, clock and the computing thread."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from parsl_sa.arrays import checksum
from parsl_sa.channel.protocol import Message
from parsl_sa.protocol.actions import (
    Action,
    Compute,
    Connect,
    Free,
    Leave,
    SendCoordinator,
    SendShard,
    Transmit,
)
from parsl_sa.protocol.contribution import Slab
from parsl_sa.protocol.messages import Chunk
from parsl_sa.protocol.wire import to_header

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from parsl_sa.channel.protocol import Channel, Dialer
    from parsl_sa.protocol.messages import Body, Hello
    from parsl_sa.protocol.session import ClientSession
    from parsl_sa.records import Plan

CHUNK_BYTES = 8 << 20
_WAIT_S = 0.1
_LEAVE_GRACE_S = 5.0
_PATIENCE = 20.0
_LEAST_PATIENCE_S = 60.0
_HUNG = 9

Bytes: TypeAlias = "npt.NDArray[np.uint8]"


@dataclass
class Outcome:
    """What the computing thread reports of a lease.

    Parameters
    ----------
    order : Compute
        What it was asked.
    contribution : ndarray of uint8, or None
        What is sent; None where the model raised.
    dropped, poisoned : list of int
        Bundles with non-finite outputs; bundles that raise alone.
    error : str
        What the model raised.
    """

    order: Compute
    contribution: npt.NDArray[np.uint8] | None
    dropped: list[int]
    poisoned: list[int]
    error: str


def patience_of(plan: Plan, ranks: int) -> float:
    """Return how long a lease may take, in s, before there is any experience with leases.

    The probe has timed a forward; design, fold, a busy machine and slow inputs are given much room.
    """
    n_batches = plan.lease_bundles * plan.bundle_forwards / (plan.batch * ranks)
    return max(_LEAST_PATIENCE_S, _PATIENCE * n_batches * plan.forward_s)


class Shell:
    """Runs a client session in its own thread beside the computing one.

    Parameters
    ----------
    session : ClientSession
        The state machine.
    channel : Channel
        Makes the sockets; owned by the shell's thread from `start` on.
    address : tuple of str
        Address of the coordinator, and the name of this client there.
    leave_at : float or None
        Wall-clock time at which to say goodbye, because walltime nears.
    abort : callable
        Ends every rank at once with an exit status.
    patience_s : float
        A lease that is computed for longer than this, and than many earlier ones, counts as hung: one rank
        that is frozen or stuck holds up all others, and only its own client can tell.
    """

    def __init__(
        self,
        session: ClientSession,
        channel: Channel,
        address: tuple[str, str],
        *,
        leave_at: float | None,
        abort: Callable[[int], object],
        patience_s: float = float("inf"),
    ) -> None:
        self.orders: SimpleQueue[Compute | Leave] = SimpleQueue()
        self._session = session
        self._channel = channel
        self._coordinator_address, self._identity = address
        self._leave_at = leave_at
        self._abort = abort
        self._patience_s = patience_s
        self._began_at: float | None = None
        self._outcomes: deque[Outcome] = deque()
        self._buffers: dict[tuple[int, int], dict[int, Bytes]] = {}
        self._shards: dict[int, Dialer] = {}
        self._outbox: dict[int, deque[tuple[Body, int, int]]] = {}
        self._letters: deque[Body] = deque()
        self._left: Leave | None = None
        self._obeyed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shell", daemon=True)

    def start(self, hello: Hello) -> None:
        """Begin to talk to the coordinator."""
        self._hello = hello
        self._thread.start()

    def report(self, outcome: Outcome) -> None:
        """Hand over what became of a lease (computing thread)."""
        self._outcomes.append(outcome)
        self._channel.wake()

    def join(self) -> None:
        """Obey a `Leave` order: wait until the last messages are out (computing thread)."""
        self._obeyed.set()
        self._thread.join(timeout=_LEAVE_GRACE_S)

    # The shell's thread

    def _run(self) -> None:
        try:
            self._coordinator = self._channel.dial(self._coordinator_address, self._identity)
            self._do(self._session.start(self._hello, time.monotonic()))
            while self._left is None:
                self._step()
            self._flush()
            self._channel.close()
        except BaseException:  # without its shell a client would compute for nobody
            self._abort(6)
            raise

    def _step(self) -> None:
        busy = [dialer for shard, dialer in self._shards.items() if self._outbox[shard]]
        busy += [self._coordinator] if self._letters else []
        self._channel.wait([self._coordinator, *self._shards.values()], _WAIT_S, sending=busy)
        now = time.monotonic()
        for message in self._coordinator.receive():
            self._do(self._session.on_coordinator(message.header, now))
        for shard, dialer in list(self._shards.items()):
            for message in dialer.receive():
                self._do(self._session.on_shard(shard, message.header))
        while self._outcomes:
            self._time_lease(now)
            self._do(self._take(self._outcomes.popleft(), now))
        self._do(self._session.on_tick(now))
        self._watch_lease(now)
        if self._leave_at is not None and time.time() > self._leave_at:
            self._do(self._session.leave("walltime nears"))
        self._pump()

    def _time_lease(self, now: float) -> None:
        """Learn from a lease that came to its end how long one may take."""
        if self._began_at is not None:
            self._patience_s = max(self._patience_s, _PATIENCE * (now - self._began_at))
            self._began_at = None

    def _watch_lease(self, now: float) -> None:
        if self._left is None and self._began_at is not None and now - self._began_at > self._patience_s:
            text = f"a lease is computed for {now - self._began_at:.0f} s: a rank hangs"
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - the client's log
            self._abort(_HUNG)

    def _take(self, outcome: Outcome, now: float) -> list[Action]:
        key = (outcome.order.lease, outcome.order.attempt)
        whole = outcome.contribution
        if whole is None:
            return self._session.on_failed(*key, outcome.poisoned, outcome.error)
        self._buffers[key] = {0: whole}
        slabs = {0: Slab(whole.nbytes, checksum(whole))}
        return self._session.on_computed(*key, outcome.dropped, slabs, now)

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, SendCoordinator):
                self._letters.append(action.body)
            elif isinstance(action, SendShard):
                self._post(action.shard, action.body, 0, 0)
            elif isinstance(action, Compute):
                self._began_at = time.monotonic()
                self.orders.put(action)
            elif isinstance(action, Transmit):
                self._transmit(action)
            elif isinstance(action, Free):
                self._buffers.pop((action.lease, action.attempt), None)
            elif isinstance(action, Connect):
                self._connect(action)
            elif isinstance(action, Leave) and self._left is None:
                self._left = action
                self.orders.put(action)
                threading.Thread(target=self._insist, args=(action.code,), daemon=True).start()

    def _insist(self, code: int) -> None:
        """End every rank if the computing thread does not come back to leave: a forward may take long."""
        if not self._obeyed.wait(_LEAVE_GRACE_S):
            self._abort(code or 8)

    def _connect(self, action: Connect) -> None:
        old = self._shards.pop(action.shard, None)
        if old is not None:
            old.close()
        self._outbox[action.shard] = deque()
        self._shards[action.shard] = self._channel.dial(action.address, self._identity)

    def _transmit(self, action: Transmit) -> None:
        size = self._buffers[action.lease, action.attempt][action.shard].nbytes
        for offset in range(0, size, CHUNK_BYTES):
            chunk = Chunk(action.shard, action.incarnation, action.lease, action.attempt, offset)
            self._post(action.shard, chunk, offset, min(size, offset + CHUNK_BYTES))

    def _post(self, shard: int, body: Body, begin: int, end: int) -> None:
        self._outbox[shard].append((body, begin, end))

    def _pump(self) -> None:
        """Send what the sockets take now."""
        while self._letters and self._coordinator.send(self._message(self._letters[0], ())):
            self._letters.popleft()
        for shard, outbox in self._outbox.items():
            while outbox:
                body, begin, end = outbox[0]
                arrays: tuple[Bytes, ...] = ()
                if isinstance(body, Chunk):
                    buffers = self._buffers.get((body.lease, body.attempt))
                    if buffers is None:  # freed meanwhile: somebody else's answer won
                        outbox.popleft()
                        continue
                    arrays = (buffers[shard][begin:end],)
                if not self._shards[shard].send(self._message(body, arrays)):
                    break
                outbox.popleft()
                if isinstance(body, Chunk):
                    self._session.on_transmitted(body.lease, body.attempt, time.monotonic())

    def _message(self, body: Body, arrays: tuple[Any, ...]) -> Message:
        return Message(to_header(self._session.fence, body), arrays)

    def _flush(self) -> None:
        deadline = time.monotonic() + 1.0
        while self._letters and time.monotonic() < deadline:
            self._pump()
            time.sleep(0.01)
