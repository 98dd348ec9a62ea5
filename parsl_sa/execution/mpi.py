"""The launch-prefix composer: how so many ranks of a program are started from inside a Parsl worker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parsl_sa.execution.site import LaunchSite

# An mpiexec inside a batch job or another MPI world must not believe that it belongs to that one.
_FOREIGN = ("PMI_", "PMIX_", "OMPI_", "MPI_LOCAL", "HYDRA_", "HYDI_")


def launch_prefix(launch: LaunchSite, ranks: int) -> list[str]:
    """Return the words before the program.

    Parameters
    ----------
    launch : LaunchSite
        The site's launcher.
    ranks : int
        Ranks of one client, all on the worker's node. One rank needs no launcher under Hydra or Open MPI.

    Examples
    --------
    >>> from parsl_sa.execution.site import LaunchSite
    >>> launch_prefix(LaunchSite(), 2)
    ['mpiexec', '-launcher', 'fork', '-rmk', 'user', '-n', '2']
    >>> launch_prefix(LaunchSite(kind="srun", command="srun"), 4)
    ['srun', '--overlap', '--mpi=pmi2', '-N', '1', '-n', '4']
    """
    if launch.kind == "srun":
        return [launch.command, "--overlap", "--mpi=pmi2", *launch.arguments, "-N", "1", "-n", str(ranks)]
    if ranks == 1:
        return []
    if launch.kind == "openmpi":
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        return [launch.command, *root, "--oversubscribe", *launch.arguments, "-n", str(ranks)]
    return [launch.command, "-launcher", "fork", "-rmk", "user", *launch.arguments, "-n", str(ranks)]


def foreign_prefixes(launch_kind: str) -> tuple[str, ...]:
    """Return the prefixes of variables that a launcher must not inherit, to start a world of its own.

    Examples
    --------
    >>> "SLURM_" in foreign_prefixes("hydra"), "SLURM_" in foreign_prefixes("srun")
    (True, False)
    """
    return _FOREIGN if launch_kind == "srun" else (*_FOREIGN, "SLURM_")
