"""What `farm.options` of a spec may set of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from parsl_sa.errors import Fault, SpecError
from parsl_sa.execution.site import Directives, LaunchSite, Site, Walltime
from parsl_sa.spec.faults import translate
from parsl_sa.spec.fields import Count, Positive, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACE = "farm.options"


class LocalOptions(Section):
    """Options of a site without a batch system; None stands for what the preset says."""

    cores_per_node: Count | None = Field(default=None, description="Cores to use.")
    launch: LaunchSite | None = Field(default=None, description="How ranks are started.")


class SlurmOptions(LocalOptions):
    """Options of a Slurm site; None stands for what the preset says."""

    account: str | None = Field(default=None, description="Account that is charged.")
    partition: str | None = Field(default=None, description="Partition of all blocks.")
    qos: str | None = Field(default=None, description="Quality of service.")
    constraint: str | None = Field(default=None, description="Features that a node must have.")
    walltime: Walltime | None = Field(default=None, description="Walltime of a block, HH:MM:SS.")
    reducer_walltime: Walltime | None = Field(
        default=None, description="Walltime of the reducer's block where it differs, HH:MM:SS."
    )
    walltime_margin_s: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Seconds before the end of their block at which clients leave it."
    )
    max_blocks: Count | None = Field(default=None, description="Blocks of clients at a time at most.")
    scheduler_options: Directives | None = Field(
        default=None, description="Further directives of all blocks, one a line, such as --gres=gpu:1."
    )
    exclusive: bool | None = Field(default=None, description="Whether a block has its node for itself.")
    worker_init: str | None = Field(
        default=None, description="Shell lines that a block runs first, such as module load."
    )
    address: str | None = Field(
        default=None,
        description="Where nodes reach this host: an IP address, interface:NAME or hostname.",
    )
    node_address: str | None = Field(
        default=None, description="Where nodes reach the reducer's node; the same kinds as address."
    )
    queue_poll_s: Positive | None = Field(
        default=None, description="Seconds between two questions to Slurm about the blocks."
    )


_KINDS: dict[str, type[LocalOptions]] = {"local": LocalOptions, "slurm": SlurmOptions}
_OF_BLOCKS = ("walltime", "max_blocks", "scheduler_options", "reducer_walltime")


def with_options(site: Site, options: Mapping[str, Any]) -> Site:
    """Return a site with a spec's options laid over it.

    Parameters
    ----------
    site : Site
        A preset.
    options : mapping
        ``farm.options`` as written. Directives are added to those of the preset; everything else
        replaces what the preset says.

    Raises
    ------
    SpecError
        With every fault of the options.
    """
    kind = _KINDS[site.provider]
    foreign = [key for key in options if key in SlurmOptions.model_fields and key not in kind.model_fields]
    text = f"is an option of sites with a batch system, and '{site.name}' has none; remove it"
    faults = [Fault(f"{PLACE}.{key}", text) for key in foreign]
    try:
        chosen = kind.model_validate({key: value for key, value in options.items() if key not in foreign})
    except ValidationError as error:
        found = [finding.fault() for finding in translate(error, kind)]
        faults += [Fault(f"{PLACE}.{fault.place}", fault.message) for fault in found]
    if faults:
        raise SpecError(faults)
    given = {key: getattr(chosen, key) for key in kind.model_fields if getattr(chosen, key) is not None}
    plain: dict[str, Any] = {key: value for key, value in given.items() if key not in _OF_BLOCKS}
    if site.provider != "local":
        plain.update(_blocks(site, given))
    laid = site.model_copy(update=plain)
    if (drain := laid.drain_s()) is not None and drain <= 1:
        text = f"ends before clients could work: they leave {laid.walltime_margin_s:g} s before its end"
        raise SpecError([Fault(f"{PLACE}.walltime", text)])
    return laid


def _blocks(site: Site, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the two kinds of block as the options change them."""
    shared: dict[str, Any] = {"walltime": given["walltime"]} if "walltime" in given else {}
    wide = {"max_blocks": given["max_blocks"]} if "max_blocks" in given else {}
    long = {"walltime": given["reducer_walltime"]} if "reducer_walltime" in given else {}
    more = given.get("scheduler_options", "")
    changed = {}
    for name, blocks, own in (("clients", site.clients, wide), ("reducer", site.reducer, long)):
        directives = "\n".join(part for part in (blocks.scheduler_options, more) if part)
        changed[name] = blocks.model_copy(update={**shared, **own, "scheduler_options": directives})
    return changed
