"""Site presets: one machine's executors, providers and launchers as data."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parsl_sa.errors import Fault, SpecError

if TYPE_CHECKING:
    from parsl_sa.spec import FarmSpec

SITE_PATH = "PARSL_SA_SITES"


class Part(BaseModel):
    """Base of the parts of a preset."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LaunchSite(Part):
    """How the ranks of a client are started on a node."""

    kind: Literal["hydra", "openmpi", "srun"] = Field(
        default="hydra", description="Whose mpiexec it is; `srun` starts ranks as a Slurm step."
    )
    command: str = Field(default="mpiexec", description="The program.")
    arguments: tuple[str, ...] = Field(default=(), description="Further arguments, before the ranks.")


class Blocks(Part):
    """The blocks of one executor."""

    walltime: str = Field(default="01:00:00", description="Walltime of a block, HH:MM:SS.")
    max_blocks: int = Field(default=1, ge=1, description="Blocks held at a time at most.")
    scheduler_options: str = Field(default="", description="Further directives, one a line.")


class Site(Part):
    """One machine."""

    name: str = Field(description="What `farm.site` says.")
    description: str = Field(description="One line for `parsl-sa sites`.")
    verified_on: str = Field(description="Date on which the facts were last checked; empty if never.")
    source: str = Field(description="Where the facts come from.")
    provider: Literal["none", "local", "slurm"] = Field(
        description="Parsl provider; none for a study in one process."
    )
    address: str = Field(
        default="127.0.0.1",
        description="Where the coordinator is reached: an IP address, `interface:NAME`, or `hostname`.",
    )
    node_address: str = Field(default="127.0.0.1", description="The same for a reducer's node.")
    probe: Literal["here", "block"] = Field(
        default="here", description="Whether the probe runs beside the coordinator or in a block."
    )
    cores_per_node: int | None = Field(default=None, ge=1, description="Null: as many as are seen here.")
    heartbeat_period_s: int = Field(default=10, ge=1, description="Parsl's heartbeat_period.")
    heartbeat_threshold_s: int = Field(default=60, ge=2, description="Parsl's heartbeat_threshold.")
    poll_s: float = Field(default=5.0, gt=0, description="Time between two looks at the blocks.")
    worker_init: str = Field(default="", description="Shell lines before a worker pool: modules, venv.")
    partition: str | None = Field(default=None, description="Slurm partition.")
    account: str | None = Field(default=None, description="Account that is charged.")
    qos: str | None = Field(default=None, description="Slurm quality of service.")
    constraint: str | None = Field(default=None, description="Slurm node features.")
    walltime_margin_s: float = Field(
        default=60.0, ge=0, description="Clients leave so long before their block ends."
    )
    launch: LaunchSite = Field(default=LaunchSite(), description="How ranks are started.")
    clients: Blocks = Field(default=Blocks(), description="Blocks of clients.")
    reducer: Blocks = Field(default=Blocks(), description="The block of the reducer.")

    def cores(self) -> int:
        """Cores of a node."""
        return self.cores_per_node or len(os.sched_getaffinity(0))


OPTIONS = (
    "account",
    "partition",
    "qos",
    "constraint",
    "worker_init",
    "cores_per_node",
    "address",
    "node_address",
)
BLOCK_OPTIONS = ("walltime", "max_blocks", "scheduler_options")


def directories() -> list[Path]:
    """List where presets are looked for: the user's own directories first, then the shipped ones."""
    own = [Path(part) for part in os.environ.get(SITE_PATH, "").split(os.pathsep) if part]
    package = Path(__file__).parent.parent
    return [*own, package / "_shipped" / "clusters", package.parent / "configs" / "clusters"]


def presets() -> dict[str, Path]:
    """Return the known presets by name."""
    found: dict[str, Path] = {}
    for directory in directories():
        for path in sorted(directory.glob("*.json")):
            found.setdefault(path.stem, path)
    return found


def read_site(path: Path) -> Site:
    """Read a preset.

    Raises
    ------
    SpecError
        If the file is no preset; every fault with its place.
    """
    try:
        return Site.model_validate(json.loads(path.read_text()))
    except ValidationError as error:
        raise SpecError(_faults(error, str(path))) from error
    except (OSError, ValueError) as error:
        raise SpecError([Fault(str(path), f"is not a site preset: {error}")]) from error


def site_of(farm: FarmSpec) -> Site:
    """Return the preset that a spec names, with the spec's own options laid over it.

    Parameters
    ----------
    farm : FarmSpec
        ``farm.site`` names the preset; ``farm.options`` may set %s of it, and %s of its clients' blocks.

    Raises
    ------
    SpecError
        If the site or an option is unknown, or a value is wrong.
    """
    known = presets()
    if farm.site not in known:
        names = ", ".join(sorted(known))
        text = f"unknown site '{farm.site}'; known: {names}; more are found through {SITE_PATH}"
        raise SpecError([Fault("farm.site", text)])
    site = read_site(known[farm.site])
    unknown = sorted(set(farm.options) - {*OPTIONS, *BLOCK_OPTIONS})
    if unknown:
        allowed = ", ".join((*OPTIONS, *BLOCK_OPTIONS))
        raise SpecError(
            [Fault(f"farm.options.{key}", f"unknown option; known: {allowed}") for key in unknown]
        )
    plain = site.model_dump()
    plain.update({key: farm.options[key] for key in OPTIONS if key in farm.options})
    for part in ("clients", "reducer"):
        keys = BLOCK_OPTIONS if part == "clients" else ("walltime", "scheduler_options")
        plain[part].update({key: farm.options[key] for key in keys if key in farm.options})
    try:
        return Site.model_validate(plain)
    except ValidationError as error:
        raise SpecError(_faults(error, "farm.options")) from error


def _faults(error: ValidationError, place: str) -> list[Fault]:
    return [
        Fault(".".join([place, *(str(step) for step in details["loc"] if step != "clients")]), details["msg"])
        for details in error.errors()
    ]


def describe(site: Site) -> dict[str, Any]:
    """Return what `parsl-sa sites` shows of a preset."""
    return {
        "name": site.name,
        "provider": site.provider,
        "description": site.description,
        "verified_on": site.verified_on or "not yet",
    }


site_of.__doc__ = (site_of.__doc__ or "") % (", ".join(OPTIONS), ", ".join(BLOCK_OPTIONS))
