"""The words before a program, for each launcher, and what a launcher must not inherit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from parsl_sa.errors import SpecError
from parsl_sa.execution.mpi import foreign_prefixes, launch_prefix, require_mpi
from parsl_sa.execution.presets import presets, read_site
from parsl_sa.execution.site import LaunchSite
from support.requirements import require_module, require_program

# Rank 0 alone speaks: the output of two may run together.
WORLD = "from mpi4py import MPI; world = MPI.COMM_WORLD; world.rank == 0 and print(world.size)"


@pytest.mark.parametrize("kind", ["hydra", "openmpi"])
def test_one_rank_needs_no_mpiexec(kind: str) -> None:
    assert launch_prefix(LaunchSite.model_validate({"kind": kind}), 1) == []


def test_one_rank_under_srun_is_still_a_step() -> None:
    assert launch_prefix(LaunchSite(kind="srun"), 1)[0] == "srun"


def test_srun_is_told_all_that_its_job_was_asked_differently() -> None:
    words = launch_prefix(LaunchSite(kind="srun"), 4, threads=3)
    assert {"--overlap", "--mpi=pmi2", "--ntasks-per-node=4", "--cpus-per-task=3"} < set(words)
    assert " ".join(words).endswith("-N 1 -n 4 --ntasks-per-node=4 --cpus-per-task=3")


def test_an_mpi_of_the_site_replaces_pmi2() -> None:
    words = launch_prefix(LaunchSite(kind="srun", arguments=("--mpi=pmix",)), 2)
    assert [word for word in words if word.startswith("--mpi")] == ["--mpi=pmix"]


def test_open_mpi_is_allowed_to_root_alone_and_does_not_bind(monkeypatch: pytest.MonkeyPatch) -> None:
    launch = LaunchSite(kind="openmpi", command="/opt/ompi/bin/mpiexec", arguments=("--mca", "x", "y"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--allow-run-as-root" in launch_prefix(launch, 2)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    words = launch_prefix(launch, 2)
    assert "--allow-run-as-root" not in words
    assert words[0] == "/opt/ompi/bin/mpiexec"
    assert words[words.index("--bind-to") + 1] == "none"
    assert words[-5:] == ["--mca", "x", "y", "-n", "2"]


def test_a_step_keeps_what_slurm_says_and_an_mpiexec_does_not() -> None:
    assert "SLURM_JOB_ID".startswith(foreign_prefixes("hydra"))
    assert not "SLURM_JOB_ID".startswith(foreign_prefixes("srun"))
    for kind in ("hydra", "openmpi", "srun"):
        for name in ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "HYDI_CONTROL_FD"):
            assert name.startswith(foreign_prefixes(kind))


@pytest.mark.mpi
def test_a_world_inside_a_world_has_its_own_size() -> None:
    """What a client started from an MPI-launched worker would meet, were nothing scrubbed."""
    require_module("mpi4py")
    require_program("mpiexec")
    prefix = launch_prefix(LaunchSite(), 2)
    path = os.pathsep.join([f"{sys.prefix}/bin", os.environ["PATH"]])
    environment = dict(os.environ) | {"PATH": path, "PMI_RANK": "0", "PMI_SIZE": "1", "SLURM_JOB_ID": "7"}
    scrub = foreign_prefixes("hydra")
    kept = {key: value for key, value in environment.items() if not key.startswith(scrub)}
    done = subprocess.run(
        [*prefix, sys.executable, "-c", WORLD],
        env=kept, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["2"], done.stderr


def test_a_local_site_without_its_launcher_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    require_module("mpi4py")
    site = read_site(presets()["local"])
    absent = site.model_copy(update={"launch": LaunchSite(command="nosuch-mpiexec")})
    with pytest.raises(SpecError, match=r"farm\.clients\.ranks: .*nosuch-mpiexec.*parsl-sa\[mpi\]"):
        require_mpi(absent, 2)
    require_mpi(absent, 1)
    elsewhere = read_site(presets()["slurm"]).model_copy(update={"launch": absent.launch})
    require_mpi(elsewhere, 2)  # a module of the nodes may bring it
