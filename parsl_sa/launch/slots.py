"""How many clients run at a time, and with how many threads a rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parsl_sa.execution.site import Site
    from parsl_sa.spec import StudySpec


def slots_of(spec: StudySpec, site: Site) -> int:
    """Return the clients of a site: what the spec says, else as many as its cores or blocks hold."""
    asked = spec.farm.clients.slots
    if site.provider == "none":
        return 1
    if site.provider == "local":
        return asked or max(1, site.cores() // spec.farm.clients.ranks)
    return min(asked or site.clients.max_blocks, site.clients.max_blocks)


def threads_of(spec: StudySpec, site: Site) -> int:
    """Return the threads of a rank: what the spec says, else the cores that its slot leaves it."""
    asked = spec.farm.clients.threads
    if asked:
        return asked
    if site.provider == "none":
        return site.cores()
    clients = slots_of(spec, site) if site.provider == "local" else 1
    return max(1, site.cores() // (clients * spec.farm.clients.ranks))
