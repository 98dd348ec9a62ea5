"""Everything that reaches into Parsl beyond its documented interface, in one place.

`tests/execution/test_internals.py` says what each function relies on, and fails with that explanation
when a new Parsl no longer has it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import zmq
from parsl.providers import LocalProvider

if TYPE_CHECKING:
    from parsl.dataflow.dflow import DataFlowKernel
    from parsl.executors import HighThroughputExecutor
    from parsl.jobs.states import JobStatus

_LOOK_S = 0.2


def interchange_is_alive(executor: HighThroughputExecutor) -> bool:
    """Tell whether the interchange process exists.

    Notes
    -----
    Relies on ``executor.interchange_proc`` being a `subprocess.Popen`. Parsl does not watch it: after its
    death futures stay pending for ever (Parsl issue 3374).
    """
    process = executor.interchange_proc
    return process is not None and process.poll() is None


def interchange_answers(executor: HighThroughputExecutor, timeout_s: float) -> bool:
    """Tell whether the interchange answers a command; a stopped one has a process and does not.

    Parameters
    ----------
    executor : HighThroughputExecutor
        Started.
    timeout_s : float
        For the answer; a death meanwhile is told at once.

    Notes
    -----
    Relies on ``executor.connected_managers()`` asking the interchange, and blocking for ever when it does
    not answer: hence the helper thread.
    """
    done = threading.Event()

    def ask() -> None:
        with contextlib.suppress(zmq.ZMQError):  # Parsl has shut down meanwhile
            executor.connected_managers()
            done.set()

    threading.Thread(target=ask, name="ping", daemon=True).start()
    deadline = time.monotonic() + timeout_s
    while not done.wait(_LOOK_S):
        if time.monotonic() > deadline or not interchange_is_alive(executor):
            return False
    return True


def job_ids(executor: HighThroughputExecutor) -> list[str]:
    """Return the provider's ids of all blocks asked for so far.

    Notes
    -----
    Relies on ``executor.blocks_to_job_id``.
    """
    return [str(job) for job in executor.blocks_to_job_id.values()]


def block_states(executor: HighThroughputExecutor) -> dict[str, int]:
    """Count the blocks by state (``RUNNING``, ``PENDING``, ...), as last polled.

    Notes
    -----
    Relies on ``executor.status_facade`` being the cached result of the last poll.
    """
    counts: dict[str, int] = {}
    for status in executor.status_facade.values():
        name = status.state.name
        counts[name] = counts.get(name, 0) + 1
    return counts


def blocks(executor: HighThroughputExecutor) -> frozenset[str]:
    """Return the names of all blocks asked for so far.

    Notes
    -----
    Relies on ``executor.blocks_to_job_id``.
    """
    return frozenset(executor.blocks_to_job_id)


def end_blocks(executor: HighThroughputExecutor, among: frozenset[str]) -> None:
    """End those of some blocks that are not over, whatever state they are in.

    Parameters
    ----------
    executor : HighThroughputExecutor
        Started.
    among : frozenset of str
        Names of blocks.

    Notes
    -----
    A frozen pool stays ``RUNNING`` as a block, so that what is submitted next waits behind it. Relies on
    ``blocks_to_job_id``, ``status_facade``, ``provider.cancel``, and for a local provider, whose ``cancel``
    sends a signal that a frozen process never takes, on ``provider.resources``.
    """
    status = executor.status_facade
    known = executor.blocks_to_job_id.items()
    jobs = [job for block, job in known if block in among and not _is_over(status.get(block))]
    for job in jobs:
        resources = getattr(executor.provider, "resources", {}).get(job, {})
        if "remote_pid" in resources and isinstance(executor.provider, LocalProvider):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(os.getpgid(int(resources["remote_pid"])), signal.SIGKILL)
    if jobs:
        executor.provider.cancel(jobs)


def _is_over(status: JobStatus | None) -> bool:
    return status is not None and bool(status.terminal)


def clean_up(kernel: DataFlowKernel, timeout_s: float) -> bool:
    """Shut Parsl down; tell whether it managed within the time.

    Notes
    -----
    ``cleanup()`` hangs when an interchange is dead, and raises when called twice.
    """
    done = threading.Event()

    def clean() -> None:
        kernel.cleanup()
        done.set()

    threading.Thread(target=clean, name="parsl-cleanup", daemon=True).start()
    return done.wait(timeout_s)
