"""The Slurm that other tests stand on is real: jobs spread over nodes, nodes die, nothing is left."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from support import processes
from support.requirements import require_module, require_program
from support.slurm_cluster import PARTITION, PROGRAMS, SlurmCluster, SlurmError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slurm


def test_a_job_runs_on_two_nodes(slurm_cluster: SlurmCluster) -> None:
    printed = slurm_cluster.run("srun", "-N2", "--ntasks-per-node=2", "sh", "-c", "echo $SLURMD_NODENAME")
    names = printed.split()
    assert len(names) == 4
    assert len(set(names)) == 2
    assert set(names) < set(slurm_cluster.nodes)


def test_a_batch_job_runs_and_leaves_the_queue(slurm_cluster: SlurmCluster, tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text(f"#!/bin/sh\n#SBATCH --partition={PARTITION} --no-requeue\nsrun -n1 echo done\n")
    output = tmp_path / "out"
    slurm_cluster.run("sbatch", "--wait", f"--output={output}", str(script))
    assert output.read_text() == "done\n"
    assert slurm_cluster.squeue() == {}


@pytest.mark.mpi
def test_ranks_on_two_nodes_make_one_world(slurm_cluster: SlurmCluster) -> None:
    require_module("mpi4py")
    require_program("mpiexec")
    program = (
        "from mpi4py import MPI; import os; world = MPI.COMM_WORLD;"
        "nodes = world.gather(os.environ['SLURMD_NODENAME']);"
        "world.rank == 0 and print(world.size, *sorted(set(nodes)))"
    )
    printed = slurm_cluster.run("srun", "--mpi=pmi2", "-N2", "-n4", sys.executable, "-c", program)
    size, *nodes = printed.split()
    assert size == "4"
    assert len(nodes) == 2


def test_a_dead_node_is_seen_and_a_new_daemon_brings_it_back() -> None:
    require_program(*PROGRAMS)
    with SlurmCluster(n_nodes=2, node_timeout_s=5) as cluster:
        cluster.kill_node("n2")
        assert _state_within(cluster, "n2", "down", timeout_s=30)
        assert cluster.sinfo()["n1"] == "idle"
        cluster.start_node("n2")
        assert _state_within(cluster, "n2", "idle", timeout_s=30)


def test_stop_ends_running_jobs_and_leaves_no_process_and_no_file() -> None:
    require_program(*PROGRAMS)
    cluster = SlurmCluster(n_nodes=1).start()
    cluster.run("sbatch", "--output=/dev/null", "--wrap=trap '' TERM; while :; do sleep 1; done")
    deadline_s = time.monotonic() + 20
    while "RUNNING" not in cluster.squeue().values():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    assert any("slurmstepd" in processes.command(pid) for pid in cluster.processes())
    cluster.stop()
    assert cluster.processes() == []
    assert not cluster.directory.exists()
    cluster.stop()


def test_a_cluster_that_cannot_start_says_why_and_leaves_nothing() -> None:
    require_program(*PROGRAMS)
    cluster = SlurmCluster(n_nodes=1, cpus=-1)
    with pytest.raises(SlurmError, match=r"(?s)slurmctld.*ended before: all nodes idle.*CPUs"):
        cluster.start()
    assert cluster.processes() == []
    assert not cluster.directory.exists()


def _state_within(cluster: SlurmCluster, node: str, state: str, timeout_s: float) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while cluster.sinfo().get(node) != state:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.2)
    return True
