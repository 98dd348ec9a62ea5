"""From a site to a `parsl.Config` with its two executors, `clients` and `reducer`."""

from __future__ import annotations

import shlex
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.executors.high_throughput.manager_selector import BlockIdManagerSelector
from parsl.launchers import SimpleLauncher
from parsl.providers import LocalProvider, SlurmProvider

from parsl_sa.execution.blocks import BlockGuard, Rest
from parsl_sa.execution.site import walltime_s
from parsl_sa.execution.wrapper import BLOCK_END

if TYPE_CHECKING:
    from parsl.providers.base import ExecutionProvider

    from parsl_sa.execution.site import Blocks, Site

CLIENTS = "clients"
REDUCER = "reducer"
# An idle pool here is a few sleeping processes; without one the first client waits seconds for its start.
_LOCAL_IDLE_S = 3600.0


class PatientSlurmProvider(SlurmProvider):  # type: ignore[misc]  # Parsl has no types
    """Parsl's provider, asking Slurm as often as the site says, and resting after a refusal.

    Notes
    -----
    Parsl's scaling has no such rest: it submits again at every look. It asks for `max_blocks` before each
    submission, so that none is made while this says that there may be none.
    """

    queue_poll_s: float = 60.0

    @cached_property
    def rest(self) -> Rest:
        """Pause after refusals."""
        return Rest()

    @property
    def status_polling_interval(self) -> float:
        """Seconds between two questions."""
        return self.queue_poll_s

    @property
    def max_blocks(self) -> int:
        """Blocks that may be held now."""
        return self._max_blocks if self.rest.is_over else 0

    @max_blocks.setter
    def max_blocks(self, blocks: int) -> None:
        self._max_blocks = blocks

    def submit(self, *args: Any, **options: Any) -> str:
        """Submit a block."""
        try:
            job: str = super().submit(*args, **options)
        except Exception:  # whatever it is, Parsl handles it and tries again
            self.rest.failed()
            raise
        self.rest.succeeded()
        return job


def parsl_config(site: Site, slots: int, run_dir: Path) -> Config:
    """Build the configuration of a run; needs no scheduler and starts nothing.

    Parameters
    ----------
    site : Site
        The preset, with the spec's options laid over it.
    slots : int
        Clients at a time: workers of the one local block, or blocks of one client each.
    run_dir : Path
        For Parsl's own files.

    Returns
    -------
    parsl.Config
        ``clients`` grows with the client apps in flight; ``reducer`` is one static block. Parsl itself
        retries nothing: the coordinator is the one authority.

    Raises
    ------
    SpecError
        If this host has no address by which the site's nodes reach it.

    Notes
    -----
    The strategy ``simple`` gives blocks back only when there is no app at all. Parsl's
    ``htex_auto_scale`` would, in the moment between a client's death and its successor's submission,
    cancel a block that waits in the queue, because that one counts as the idlest.
    """
    local = site.provider == "local"
    workers = slots if local else 1
    n_blocks = 1 if local else min(slots, site.clients.max_blocks)
    address = site.own_address()
    clients = _executor(CLIENTS, site, address, _provider(site, site.clients, 0, n_blocks), workers)
    reducer = _executor(REDUCER, site, address, _provider(site, site.reducer, 1, 1), 1)
    return Config(
        executors=[clients, reducer],
        retries=0,
        strategy="simple",
        strategy_period=site.poll_s,
        max_idletime=_LOCAL_IDLE_S if local else site.idle_s,
        run_dir=str(run_dir),
        initialize_logging=False,
        usage_tracking=0,
    )


def _executor(
    label: str, site: Site, address: str, provider: ExecutionProvider, workers: int
) -> HighThroughputExecutor:
    return HighThroughputExecutor(
        label=label,
        provider=provider,
        address=address,
        max_workers_per_node=workers,
        cores_per_worker=1e-3,  # the number of workers is what we say, not what cores suggest
        cpu_affinity="none",  # ranks inherit a worker's mask
        prefetch_capacity=0,
        heartbeat_period=site.heartbeat_period_s,
        heartbeat_threshold=site.heartbeat_threshold_s,
        drain_period=site.drain_s() if label == CLIENTS else None,
        encrypted=True,
        manager_selector=BlockIdManagerSelector(),
        block_error_handler=BlockGuard(),
        interchange_launch_cmd=[sys.executable, "-m", "parsl_sa.execution.interchange"],
    )


def _provider(site: Site, blocks: Blocks, min_blocks: int, max_blocks: int) -> ExecutionProvider:
    environment = f"export PATH={shlex.quote(str(Path(sys.prefix) / 'bin'))}:$PATH"
    if site.provider == "local":
        return LocalProvider(
            init_blocks=max_blocks,
            min_blocks=min_blocks,
            max_blocks=max_blocks,
            launcher=SimpleLauncher(),
            worker_init="\n".join(line for line in (site.worker_init, environment) if line),
        )
    # Not every Slurm tells a job when it will end.
    end = f"export {BLOCK_END}=$(( $(date +%s) + {walltime_s(blocks.walltime)} ))"
    # A requeued job would start the workers of a run that is over.
    directives = "\n".join(part for part in ("#SBATCH --no-requeue", blocks.scheduler_options) if part)
    provider = PatientSlurmProvider(
        partition=site.partition,
        account=site.account,
        qos=site.qos,
        constraint=site.constraint,
        cores_per_node=site.cores_per_node,
        nodes_per_block=1,
        init_blocks=min_blocks,
        min_blocks=min_blocks,
        max_blocks=max_blocks,
        walltime=blocks.walltime,
        exclusive=site.exclusive,
        scheduler_options=directives,
        worker_init="\n".join(line for line in (end, site.worker_init, environment) if line),
        cmd_timeout=60,
        launcher=SimpleLauncher(),
    )
    provider.queue_poll_s = site.queue_poll_s
    return provider
