"""Parsl starts a block of two nodes on the test cluster: what the `slurm` site stands on."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.slurm_cluster import PARTITION

if TYPE_CHECKING:
    from pathlib import Path

    from support.slurm_cluster import SlurmCluster

pytestmark = pytest.mark.slurm


def test_tasks_of_one_block_run_on_two_nodes(
    slurm_cluster: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import parsl
    from parsl.executors import HighThroughputExecutor
    from parsl.launchers import SrunLauncher
    from parsl.providers import SlurmProvider

    for name, value in slurm_cluster.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", os.pathsep.join([f"{sys.prefix}/bin", slurm_cluster.env["PATH"]]))
    monkeypatch.chdir(tmp_path)
    provider = SlurmProvider(
        partition=PARTITION,
        nodes_per_block=2,
        init_blocks=1,
        max_blocks=1,
        walltime="00:05:00",
        exclusive=False,
        scheduler_options="#SBATCH --no-requeue",
        launcher=SrunLauncher(),
    )
    executor = HighThroughputExecutor(
        label="clients", address="127.0.0.1", max_workers_per_node=1, prefetch_capacity=0, provider=provider
    )
    config = parsl.Config(
        executors=[executor], run_dir=str(tmp_path), strategy="none", initialize_logging=False
    )
    with parsl.load(config):
        # A function of the standard library: the worker could not import one of this module.
        shell = parsl.python_app(subprocess.check_output)
        # Half a second, so that the other worker takes the next task.
        command = ["sh", "-c", "sleep 0.5; echo $SLURMD_NODENAME"]
        tasks = [shell(command, text=True) for _ in range(8)]
        nodes = {task.result(timeout=60).strip() for task in tasks}
    assert len(nodes) == 2
    assert nodes < set(slurm_cluster.nodes)
