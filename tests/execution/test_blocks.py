"""Blocks are given up for failures in a row, by Parsl's own statuses and an executor of Parsl's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from parsl.executors import HighThroughputExecutor
from parsl.jobs.states import JobState, JobStatus
from parsl.providers import LocalProvider

from parsl_sa.execution.blocks import BlockGuard, Rest, is_busy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REFUSED = (
    "Failed to start block 0: Cannot launch job parsl.clients.block-0.1: Could not read job ID from submit "
    "command standard output; recode=1, stdout=, stderr=sbatch: error: {}\n"
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> BlockGuard:
    return BlockGuard(max_failures=3, max_refusals=1, window_s=100, clock=clock)


@pytest.fixture
def executor(guard: BlockGuard) -> HighThroughputExecutor:
    provider = LocalProvider(init_blocks=0)
    return HighThroughputExecutor(
        label="clients", provider=provider, block_error_handler=guard, address="127.0.0.1"
    )


def statuses(states: Iterable[JobState], message: str | None = None) -> dict[str, JobStatus]:
    return {str(block): JobStatus(state, message) for block, state in enumerate(states)}


def test_it_gives_up_at_the_failure_after_the_last_allowed_one(executor: HighThroughputExecutor) -> None:
    executor.handle_errors(statuses([JobState.FAILED, JobState.MISSING, JobState.FAILED]))
    assert not executor.bad_state_is_set
    executor.handle_errors(statuses([JobState.MISSING] + [JobState.FAILED] * 3, "no python here"))
    assert executor.bad_state_is_set
    assert "4 blocks of 'clients' failed within 100 s: no python here" in str(executor.executor_exception)


def test_a_block_that_ended_before_its_worker_reported_speaks_for_itself(
    executor: HighThroughputExecutor, tmp_path: Path
) -> None:
    errors = tmp_path / "block.stderr"
    errors.write_text("line 1\n\nline 2\nslurm_script: line 13:\nmodule: command not found\n")
    status = {str(i): JobStatus(JobState.MISSING, "MISSING", stderr_path=str(errors)) for i in range(4)}
    executor.handle_errors(status)
    text = str(executor.executor_exception)
    assert text.endswith(
        "ended before a worker reported: line 2 / slurm_script: line 13: / module: command not found"
    )


def test_a_block_that_wrote_nothing_points_to_the_address(executor: HighThroughputExecutor) -> None:
    executor.handle_errors(statuses([JobState.MISSING] * 4))
    assert "can its node reach the address of this host?" in str(executor.executor_exception)


def test_a_block_counts_once_however_often_it_is_reported(executor: HighThroughputExecutor) -> None:
    for _ in range(10):
        executor.handle_errors(statuses([JobState.FAILED] * 3))
    assert not executor.bad_state_is_set


@pytest.mark.parametrize(
    "state",
    [JobState.TIMEOUT, JobState.CANCELLED, JobState.COMPLETED, JobState.SCALED_IN, JobState.HELD,
     JobState.PENDING, JobState.RUNNING, JobState.UNKNOWN],
)  # fmt: skip
def test_what_is_no_failure_of_a_block_does_not_count(
    executor: HighThroughputExecutor, state: JobState
) -> None:
    executor.handle_errors(statuses([state] * 20))
    assert not executor.bad_state_is_set


def test_failures_are_forgotten_after_the_window(executor: HighThroughputExecutor, clock: Clock) -> None:
    executor.handle_errors(statuses([JobState.FAILED] * 3))
    clock.now = 101
    executor.handle_errors(statuses([JobState.FAILED] * 6))
    assert not executor.bad_state_is_set
    executor.handle_errors(statuses([JobState.FAILED] * 7))
    assert executor.bad_state_is_set


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.MISSING])
def test_what_slurm_will_never_take_is_given_up_soon_with_its_words(
    executor: HighThroughputExecutor, state: JobState
) -> None:
    """Parsl reports a refused block as FAILED, and as MISSING from the next poll on."""
    message = REFUSED.format("Invalid partition name specified")
    executor.handle_errors(statuses([state], message))
    assert not executor.bad_state_is_set
    executor.handle_errors(statuses([state] * 2, message))
    expected = "the blocks of 'clients' are refused: sbatch: error: Invalid partition name specified"
    assert str(executor.executor_exception) == expected


@pytest.mark.parametrize(
    "words",
    [
        "Batch job submission failed: Socket timed out on send/recv operation",
        "Unable to contact slurm controller (connect failure)",
        "QOSMaxSubmitJobPerUserLimit",
        "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size)",
        "Slurm temporarily unable to accept job, sleeping and retrying",
    ],
)
def test_a_busy_slurm_is_waited_for(executor: HighThroughputExecutor, words: str) -> None:
    assert is_busy(words)
    executor.handle_errors(statuses([JobState.FAILED] * 50, REFUSED.format(words)))
    assert not executor.bad_state_is_set


@pytest.mark.parametrize(
    "words", ["Invalid account or account/partition combination specified", "Invalid qos specification"]
)
def test_a_wrong_spec_is_not_a_busy_slurm(words: str) -> None:
    assert not is_busy(REFUSED.format(words))


def test_a_rest_grows_and_is_bounded_and_ends_with_a_success(clock: Clock) -> None:
    rest = Rest(first_s=5, longest_s=30, clock=clock)
    assert rest.is_over
    for expected_s in (5, 10, 20, 30, 30):
        rest.failed()
        clock.now += expected_s - 0.1
        assert not rest.is_over
        clock.now += 0.2
        assert rest.is_over
    rest.failed()
    rest.succeeded()
    assert rest.is_over
    rest.failed()
    clock.now += 5.1
    assert rest.is_over
