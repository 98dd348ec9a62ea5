"""A site: one machine's batch system, blocks, addresses and launcher as data."""

from __future__ import annotations

import os
import re
import socket
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from parsl_sa.errors import Fault, SpecError, StudyError
from parsl_sa.spec.fields import AsTuple, Count, Positive, Section, complain

_WALLTIME = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d)")
_DRAIN_S = 60.0


def walltime_s(walltime: str) -> int:
    """Return a walltime in seconds, in whole minutes, which is what batch systems are asked for.

    Examples
    --------
    >>> walltime_s("01:30:00"), walltime_s("00:01:59")
    (5400, 60)
    """
    hours, minutes, _ = walltime.split(":")
    return 3600 * int(hours) + 60 * int(minutes)


def _walltime(text: str) -> str:
    if not _WALLTIME.fullmatch(text):
        raise complain(f"must be HH:MM:SS, such as 01:30:00; it is '{text}'")
    if not walltime_s(text):
        raise complain(f"must be one minute or more, since batch systems count in minutes; it is '{text}'")
    return text


def _directives(text: str) -> str:
    """Complete directives; anything else would be run as a command of the batch script."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    faulty = [line for line in lines if not line.startswith(("-", "#SBATCH -"))]
    if faulty:
        raise complain(f"must be directives, one a line, such as --gres=gpu:1; it holds '{faulty[0]}'")
    return "\n".join(line if line.startswith("#") else f"#SBATCH {line}" for line in lines)


def _is_own(address: str) -> bool:
    """Tell whether a server can listen on an address here."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


Walltime = Annotated[str, AfterValidator(_walltime)]
Directives = Annotated[str, AfterValidator(_directives)]


class LaunchSite(Section):
    """How the ranks of a client are started on a node."""

    kind: Literal["hydra", "openmpi", "srun"] = Field(
        default="hydra",
        description="Whose mpiexec it is: MPICH's and its relatives', or Open MPI's; `srun` starts the "
        "ranks as a Slurm step.",
    )
    command: str = Field(default="", description="The program; empty: mpiexec, or srun for `srun`.")
    arguments: Annotated[tuple[str, ...], AsTuple] = Field(
        default=(), description='Further arguments, before the ranks, such as "--mpi=pmix".'
    )

    @property
    def program(self) -> str:
        """The program that is called."""
        return self.command or ("srun" if self.kind == "srun" else "mpiexec")


class Blocks(Section):
    """The blocks, or batch jobs, of one executor."""

    walltime: Walltime = Field(default="01:00:00", description="Walltime of a block, HH:MM:SS.")
    max_blocks: Count = Field(default=1, description="Blocks held at a time at most.")
    scheduler_options: Directives = Field(default="", description="Further directives, one a line.")


class Site(Section):
    """One machine."""

    name: str = Field(description="What `farm.site` says; the file is called after it.")
    description: str = Field(description="One line for `parsl-sa sites`.")
    verified_on: str = Field(description="Date on which the facts were last checked; empty if never.")
    source: str = Field(description="Where the facts come from.")
    provider: Literal["local", "slurm"] = Field(description="What starts blocks.")
    address: str = Field(
        default="127.0.0.1",
        description="Where the coordinator is reached: an IP address, `interface:NAME`, or `hostname`.",
    )
    node_address: str = Field(default="127.0.0.1", description="The same for the node of a reducer.")
    probe: Literal["here", "block"] = Field(
        default="here", description="Whether the model is tried beside the coordinator or in a block."
    )
    cores_per_node: Count | None = Field(default=None, description="Null: as many as are seen here.")
    exclusive: bool = Field(default=True, description="Whether a block has its node for itself.")
    heartbeat_period_s: Count = Field(default=10, description="Time between two signs of life of a worker.")
    heartbeat_threshold_s: Annotated[int, Field(ge=2)] = Field(
        default=60, description="Silence after which a worker counts as lost."
    )
    poll_s: Positive = Field(default=5.0, description="Time between two looks at what blocks are needed.")
    queue_poll_s: Positive = Field(
        default=30.0, description="Time between two questions to the batch system; some sites mind many."
    )
    idle_s: Positive = Field(default=300.0, description="Blocks without any work are given back after this.")
    queue_grace_s: Positive = Field(
        default=600.0, description="Time that a client or reducer may wait for a block that runs it."
    )
    worker_init: str = Field(default="", description="Shell lines before a worker pool: modules, venv.")
    partition: str | None = Field(default=None, description="Slurm partition.")
    account: str | None = Field(default=None, description="Account that is charged.")
    qos: str | None = Field(default=None, description="Slurm quality of service.")
    constraint: str | None = Field(default=None, description="Slurm node features.")
    walltime_margin_s: Annotated[float, Field(ge=0)] = Field(
        default=60.0, description="Clients leave so long before their block ends."
    )
    launch: LaunchSite = Field(default=LaunchSite(), description="How ranks are started.")
    clients: Blocks = Field(default=Blocks(), description="Blocks of clients.")
    reducer: Blocks = Field(default=Blocks(), description="The block of the reducer.")

    def cores(self) -> int:
        """Cores of a node."""
        return self.cores_per_node or len(os.sched_getaffinity(0))

    def own_address(self) -> str:
        """Return the IP address at which programs on the nodes reach this host.

        Raises
        ------
        SpecError
            If there is none, or it is one that only this host itself can reach.
        """
        from parsl_sa.channel.addresses import local_address  # noqa: PLC0415 - may import parsl, 0.3 s

        try:
            found = local_address(self.address)
        except StudyError as error:
            raise SpecError([Fault("farm.options.address", str(error))]) from error
        text = ""
        if not _is_own(found):
            text = f"{found} is no address of this host"
        elif self.provider != "local" and self.address == "hostname" and found.startswith("127."):
            text = f"the name of this host stands for {found}, which other nodes cannot reach"
        if text:
            cure = "give its IP address, or 'interface:NAME' (see `ip addr`)"
            raise SpecError([Fault("farm.options.address", f"{text}; {cure}")])
        return found

    def drain_s(self) -> int | None:
        """Return the age at which a block of clients takes no more programs, None for never.

        Notes
        -----
        It lies a little before the clients leave; otherwise their successors would be started in what
        is left of the old block, only to leave at once.
        """
        if self.provider == "local":
            return None
        working_s = walltime_s(self.clients.walltime) - self.walltime_margin_s
        return max(1, int(working_s - min(_DRAIN_S, 0.2 * working_s)))
