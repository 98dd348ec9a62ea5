"""The reducer's shell: connects the shard's state machine to sockets, memory, clock and disk."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.arrays import checksum
from parsl_sa.channel.protocol import Message
from parsl_sa.errors import FrameError
from parsl_sa.protocol.actions import (
    Action,
    Assemble,
    Discard,
    Fold,
    Leave,
    Load,
    Send,
    SendCoordinator,
    Write,
)
from parsl_sa.protocol.messages import Summary
from parsl_sa.protocol.wire import to_header
from parsl_sa.reducer import checkpoints
from parsl_sa.stats import Form

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from parsl_sa.channel.protocol import Channel, Dialer, Server
    from parsl_sa.protocol.messages import Body, Register
    from parsl_sa.protocol.shard import Shard
    from parsl_sa.stats import Accumulator

_WAIT_S = 0.1
_SUMMARY_S = 1.0
_SUMMARY_CELLS = 100_000
_DISK_RETRY_S = 5.0


class Shell:
    """Runs one shard until it is sent home.

    Parameters
    ----------
    shard : Shard
        The state machine.
    accumulator : Accumulator
        The statistics it folds into.
    ends : tuple of Channel, Server, Dialer
        The channel, the end where clients dial, and the one that leads to the coordinator.
    directory : Path
        Of the shard's checkpoints.
    """

    def __init__(
        self,
        shard: Shard,
        accumulator: Accumulator,
        ends: tuple[Channel, Server, Dialer],
        directory: Path,
    ) -> None:
        self._shard = shard
        self._accumulator = accumulator
        self._channel, self._server, self._coordinator = ends
        self._directory = directory
        self._form = Form.of(shard.plan, accumulator)
        self._buffers: dict[tuple[int, int], npt.NDArray[np.uint8]] = {}
        self._letters: deque[Body] = deque()
        self._replies: deque[tuple[str, Body]] = deque()
        self._written: deque[int] = deque()
        self._leave: Leave | None = None
        self._summary_at = 0.0
        self._summarised = (-1, "")
        self._widest: dict[str, float] = {}
        self._trouble = ""

    def run(self, register: Register) -> int:
        """Introduce the reducer, serve until told to leave, and return the exit status."""
        self._do(self._shard.start(register, time.monotonic()))
        while self._leave is None:
            self._step()
        deadline = time.monotonic() + 1.0
        while (self._letters or self._replies) and time.monotonic() < deadline:
            self._pump()
            time.sleep(0.01)
        print(f"leaving: {self._leave.reason}", flush=True)  # noqa: T201 - the reducer's log
        return self._leave.code

    def _step(self) -> None:
        self._channel.wait([self._server, self._coordinator], _WAIT_S)
        for message in self._coordinator.receive():
            self._do(self._shard.on_coordinator(message.header, time.monotonic()))
        for peer, message in self._server.receive():
            if message.arrays:
                self._take_chunk(peer, message)
            else:
                self._do(self._shard.on_client(peer, message.header, time.monotonic()))
        while self._written:
            self._do(self._shard.on_written(self._written.popleft(), time.monotonic()))
        self._do(self._shard.on_tick(time.monotonic()))
        self._summarise()
        self._pump()

    def _take_chunk(self, peer: str, message: Message) -> None:
        data = message.arrays[0]
        if data.dtype != np.uint8 or data.ndim != 1:
            return
        chunk = self._shard.on_chunk(peer, message.header, data.nbytes, time.monotonic())
        if chunk is None:
            return
        buffer = self._buffers[chunk.lease, chunk.attempt]
        buffer[chunk.offset : chunk.offset + data.nbytes] = data
        if self._shard.is_complete(chunk.lease):
            self._do(self._shard.on_assembled(chunk.lease, checksum(buffer), time.monotonic()))

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._replies.append((action.peer, action.body))
            elif isinstance(action, SendCoordinator):
                self._letters.append(action.body)
            elif isinstance(action, Assemble):
                self._buffers[action.lease, action.attempt] = np.empty(action.size_bytes, dtype=np.uint8)
            elif isinstance(action, Discard):
                self._buffers.pop((action.lease, action.attempt), None)
            elif isinstance(action, Fold):
                self._fold(action)
            elif isinstance(action, Load):
                self._load(action.prefix)
            elif isinstance(action, Write):
                threading.Thread(target=self._write, args=(action,), name="checkpoint", daemon=True).start()
            elif isinstance(action, Leave):
                self._leave = action

    def _fold(self, fold: Fold) -> None:
        first, last = self._shard.plan.bundles(fold.lease)
        keep = ~np.isin(np.arange(first, last), fold.absent)
        self._form.fold(self._accumulator, self._buffers.pop((fold.lease, fold.attempt)), keep)
        if fold.closes:
            self._accumulator.close_replicate()

    def _load(self, prefix: int) -> None:
        if prefix:
            state = checkpoints.load(self._directory, prefix, self._shard.plan.digest)
            self._accumulator.load_state(state)

    def _write(self, action: Write) -> None:
        """Write the state, which nobody changes meanwhile; wait for space where there is none."""
        shard = self._shard
        while True:
            try:
                checkpoints.save(
                    self._directory,
                    self._accumulator.state(),
                    plan=shard.plan.digest,
                    prefix=action.prefix,
                    epoch=shard.fence.epoch,
                    incarnation=action.incarnation,
                )
            except (OSError, FrameError) as error:
                self._trouble = f"the checkpoint cannot be written, waiting: {error}"
                print(self._trouble, file=sys.stderr, flush=True)  # noqa: T201 - the reducer's log
                time.sleep(_DISK_RETRY_S)
            else:
                break
        self._trouble = ""
        self._written.append(action.prefix)
        self._channel.wake()

    def _summarise(self) -> None:
        """Tell the coordinator how far and how sure the statistics are."""
        now, shard = time.monotonic(), self._shard
        if not shard.incarnation or now - self._summary_at < _SUMMARY_S:
            return
        accumulator = self._accumulator
        told = (accumulator.n_replicates, self._trouble)
        # While a checkpoint is written nobody touches the state: a summary can wait, news of trouble cannot.
        if told == self._summarised or (shard.writing is not None and told[1] == self._summarised[1]):
            return
        self._summary_at = now
        values: dict[str, Any] = {
            "n_replicates": accumulator.n_replicates,
            "n_bundles": accumulator.n_bundles,
        }
        if told[1]:
            values["trouble"] = told[1]
        if shard.writing is None:
            few = accumulator.n_cells <= _SUMMARY_CELLS
            results = accumulator.result() if few else accumulator.aggregates.result()
            self._widest = {
                name.removesuffix("_conf"): float(np.nanmax(array))
                for name, array in results.items()
                if name in {"S1_conf", "ST_conf", "S1_full_conf", "ST_independent_conf"}
                and np.isfinite(array).any()
            }
        self._summarised = (told[0] if shard.writing is None else -1, told[1])
        values["widest"] = self._widest
        self._letters.append(Summary(shard.shard, shard.incarnation, values))

    def _pump(self) -> None:
        while self._letters and self._coordinator.send(self._message(self._letters[0])):
            self._letters.popleft()
        for _ in range(len(self._replies)):
            peer, body = self._replies.popleft()
            self._server.send(peer, self._message(body))  # a peer that is gone, or mute, asks again

    def _message(self, body: Body) -> Message:
        return Message(to_header(self._shard.fence, body))
