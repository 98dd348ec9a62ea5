"""The launch-prefix composer: how so many ranks of a program are started from inside a Parsl worker."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from parsl_sa.errors import Fault, SpecError

if TYPE_CHECKING:
    from parsl_sa.execution.site import LaunchSite, Site

# An mpiexec inside a batch job or another MPI world must not believe that it belongs to that one.
_FOREIGN = ("PMI_", "PMIX_", "OMPI_", "MPI_LOCAL", "HYDRA_", "HYDI_")


def launch_prefix(launch: LaunchSite, ranks: int, threads: int = 1) -> list[str]:
    """Return the words before the program.

    Parameters
    ----------
    launch : LaunchSite
        The site's launcher.
    ranks : int
        Ranks of one client, all on the worker's node. One rank needs no launcher under Hydra or Open MPI.
    threads : int
        Threads of a rank. Slurm and Open MPI would otherwise bind a rank to one core.

    Notes
    -----
    Everything is said explicitly to ``srun``, because what its batch job was asked for (one task a node)
    reaches it through the environment. ``--overlap`` lets the step share the cores of the job with the
    worker; ``pmi2`` is what MPICH needs unless ``arguments`` name another ``--mpi``.

    Examples
    --------
    >>> from parsl_sa.execution.site import LaunchSite
    >>> launch_prefix(LaunchSite(), 2)
    ['mpiexec', '-launcher', 'fork', '-rmk', 'user', '-n', '2']
    >>> " ".join(launch_prefix(LaunchSite(kind="srun"), 4, threads=8))
    'srun --overlap --mpi=pmi2 -N 1 -n 4 --ntasks-per-node=4 --cpus-per-task=8'
    """
    own = list(launch.arguments)
    if launch.kind == "srun":
        pmi = [] if any(word.startswith("--mpi") for word in own) else ["--mpi=pmi2"]
        shape = ["-N", "1", "-n", str(ranks), f"--ntasks-per-node={ranks}", f"--cpus-per-task={threads}"]
        return [launch.program, "--overlap", *pmi, *own, *shape]
    if ranks == 1:
        return []
    if launch.kind == "openmpi":
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        return [launch.program, *root, "--oversubscribe", "--bind-to", "none", *own, "-n", str(ranks)]
    return [launch.program, "-launcher", "fork", "-rmk", "user", *own, "-n", str(ranks)]


def require_mpi(site: Site, ranks: int) -> None:
    """See that clients of several ranks can be started, as far as this host can tell.

    Raises
    ------
    SpecError
        If mpi4py is not installed, or a local site's launcher is not found.
    """
    if ranks == 1 and site.launch.kind != "srun":
        return
    missing = [] if importlib.util.find_spec("mpi4py") else ["mpi4py"]
    path = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", "")])
    # Elsewhere the launcher may come with a module that only the block's shell loads.
    if site.provider == "local" and shutil.which(site.launch.program, path=path) is None:
        missing.append(site.launch.program)
    if missing:
        text = (
            f"a client of {ranks} ranks needs {' and '.join(missing)}, which cannot be found; "
            'install them with: pip install "parsl-sa[mpi]", or use 1 rank'
        )
        raise SpecError([Fault("farm.clients.ranks", text)])


def foreign_prefixes(launch_kind: str) -> tuple[str, ...]:
    """Return the prefixes of variables that a launcher must not inherit, to start a world of its own.

    Examples
    --------
    >>> "SLURM_" in foreign_prefixes("hydra"), "SLURM_" in foreign_prefixes("srun")
    (True, False)
    """
    return _FOREIGN if launch_kind == "srun" else (*_FOREIGN, "SLURM_")
