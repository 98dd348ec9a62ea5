"""The Parsl configuration of a site: two executors, what their blocks run, and patience with Slurm."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from parsl.launchers import SimpleLauncher
from parsl.providers import LocalProvider, SlurmProvider
from parsl.providers.errors import SubmitException

from parsl_sa.execution.options import with_options
from parsl_sa.execution.parsl_config import CLIENTS, REDUCER, PatientSlurmProvider, parsl_config
from parsl_sa.execution.presets import presets, read_site
from parsl_sa.execution.wrapper import BLOCK_END

if TYPE_CHECKING:
    from pathlib import Path

    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor


def made(tmp_path: Path, site: str, slots: int = 4, **options: Any) -> Config:
    fixed = {"address": "127.0.0.1"} if site == "slurm" else {}
    return parsl_config(with_options(read_site(presets()[site]), fixed | options), slots, tmp_path)


def executor(config: Config, label: str) -> HighThroughputExecutor:
    [found] = [each for each in config.executors if each.label == label]
    return found


def test_a_local_site_is_one_block_with_a_worker_a_client(tmp_path: Path) -> None:
    config = made(tmp_path, "local", slots=3)
    clients, reducer = executor(config, CLIENTS), executor(config, REDUCER)
    assert isinstance(clients.provider, LocalProvider)
    assert (clients.max_workers_per_node, clients.provider.max_blocks) == (3, 1)
    assert (reducer.max_workers_per_node, reducer.provider.min_blocks) == (1, 1)
    assert clients.drain_period is None


def test_a_slurm_site_is_a_block_a_client_and_one_for_the_reducer(tmp_path: Path) -> None:
    config = made(tmp_path, "slurm", slots=4, max_blocks=3, walltime="02:00:00", reducer_walltime="09:00:00")
    clients, reducer = executor(config, CLIENTS), executor(config, REDUCER)
    assert clients.max_workers_per_node == reducer.max_workers_per_node == 1
    blocks = clients.provider
    assert (blocks.init_blocks, blocks.min_blocks, blocks.max_blocks) == (0, 0, 3)
    assert (blocks.walltime, reducer.provider.walltime) == ("02:00:00", "09:00:00")
    kept = reducer.provider
    assert (kept.init_blocks, kept.min_blocks, kept.max_blocks) == (1, 1, 1)
    assert 0 < clients.drain_period < 7200
    assert reducer.drain_period is None, "it would end the block under a reducer that has hours to go"


def test_parsl_retries_nothing_and_keeps_queued_blocks_while_there_is_work(tmp_path: Path) -> None:
    config = made(tmp_path, "slurm")
    assert config.retries == 0
    assert config.strategy == "simple"
    assert config.max_idletime == 300
    assert config.initialize_logging is False


def test_slurm_is_asked_as_often_as_the_site_says(tmp_path: Path) -> None:
    clients = executor(made(tmp_path, "slurm", queue_poll_s=7), CLIENTS)
    assert clients.status_polling_interval == 7


def batch_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str = "Submitted batch job 4711", **options: Any
) -> str:
    """Return the script that a block of clients would be submitted with."""
    provider = executor(made(tmp_path, "slurm", **options), CLIENTS).provider
    provider.script_dir = str(tmp_path)
    monkeypatch.setattr(type(provider), "execute_wait", lambda self, cmd, timeout=None: (0, printed, ""))
    assert provider.submit("process_worker_pool.py", 1, "block") == "4711"
    [script] = tmp_path.glob("block.*")
    return script.read_text()


def test_the_script_of_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = batch_script(
        tmp_path,
        monkeypatch,
        partition="cpu",
        account="me",
        walltime="01:30:00",
        cores_per_node=48,
        scheduler_options="--gres=gpu:1",
        worker_init="module load python",
    )
    lines = text.splitlines()
    for directive in (
        "--no-requeue", "--exclusive", "--partition=cpu", "--account=me", "--time=90", "--nodes=1",
        "--cpus-per-task=48", "--gres=gpu:1",
    ):  # fmt: skip
        assert f"#SBATCH {directive}" in lines
    assert f"export {BLOCK_END}=$(( $(date +%s) + 5400 ))" in lines
    path = next(line for line in lines if line.startswith("export PATH="))
    assert path == f"export PATH={sys.prefix}/bin:$PATH"
    assert lines.index("module load python") < lines.index(path), "a module must not hide our environment"
    last_directive = max(index for index, line in enumerate(lines) if line.startswith("#SBATCH"))
    commands = [i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    assert last_directive < commands[0], "Slurm reads no directive behind the first command"


def test_a_shared_node_is_not_asked_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--exclusive" not in batch_script(tmp_path, monkeypatch, exclusive=False)


def test_after_a_refusal_no_block_may_be_asked_for_until_a_rest_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = executor(made(tmp_path, "slurm", max_blocks=3), CLIENTS).provider
    assert isinstance(provider, PatientSlurmProvider)
    provider.script_dir = str(tmp_path)
    monkeypatch.setattr(type(provider), "execute_wait", lambda self, cmd, timeout=None: (1, "", "sbatch: no"))
    with pytest.raises(SubmitException, match="sbatch: no"):
        provider.submit("pool", 1, "block")
    assert provider.max_blocks == 0
    later = time.monotonic() + 6
    monkeypatch.setattr(provider.rest, "_clock", lambda: later)
    assert provider.max_blocks == 3


def test_parsl_asks_for_the_largest_number_of_blocks_at_every_look() -> None:
    """`PatientSlurmProvider.max_blocks` works only because the scaling does not remember the number."""
    import inspect

    from parsl.jobs.strategy import Strategy

    source = inspect.getsource(Strategy._general_strategy)
    assert "max_blocks = executor.provider.max_blocks" in source
    assert "active_blocks < max_blocks" in source
    assert issubclass(PatientSlurmProvider, SlurmProvider)


@pytest.mark.parametrize("site", ["local", "slurm"])
def test_a_configuration_can_be_shown(tmp_path: Path, site: str) -> None:
    text = repr(made(tmp_path, site))
    for word in ("label='clients'", "label='reducer'", "SimpleLauncher", "BlockGuard(max_failures=5"):
        assert word in text
    assert repr(SimpleLauncher()) in text
    assert "<unrecorded>" not in text
