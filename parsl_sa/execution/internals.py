"""Everything that reaches into Parsl beyond its documented interface, in one place.

`tests/execution/test_internals.py` says what each function relies on, and fails with that explanation
when a new Parsl no longer has it.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import zmq

if TYPE_CHECKING:
    from parsl.dataflow.dflow import DataFlowKernel
    from parsl.executors import HighThroughputExecutor


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
    return done.wait(timeout_s)


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
