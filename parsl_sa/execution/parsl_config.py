"""From a site preset to a `parsl.Config` with its two executors, `clients` and `reducer`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.executors.high_throughput.manager_selector import BlockIdManagerSelector
from parsl.launchers import SimpleLauncher
from parsl.providers import LocalProvider, SlurmProvider

from parsl_sa.channel.addresses import local_address
from parsl_sa.execution.blocks import BlockGuard

if TYPE_CHECKING:
    from parsl.providers.base import ExecutionProvider

    from parsl_sa.execution.site import Blocks, Site

CLIENTS = "clients"
REDUCER = "reducer"


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
        ``clients`` grows and shrinks with the client apps in flight; ``reducer`` is one static block. Parsl
        itself retries nothing: the coordinator is the one authority.
    """
    local = site.provider == "local"
    workers = slots if local else 1
    n_blocks = 1 if local else min(slots, site.clients.max_blocks)
    clients = _executor(CLIENTS, site, _provider(site, site.clients, 0, n_blocks), workers)
    reducer = _executor(REDUCER, site, _provider(site, site.reducer, 1, 1), 1)
    return Config(
        executors=[clients, reducer],
        retries=0,
        strategy="htex_auto_scale",
        strategy_period=site.poll_s,
        max_idletime=max(10.0, site.poll_s),
        run_dir=str(run_dir),
        initialize_logging=False,
        usage_tracking=0,
    )


def _executor(label: str, site: Site, provider: ExecutionProvider, workers: int) -> HighThroughputExecutor:
    address = local_address(site.address)
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
        encrypted=True,
        manager_selector=BlockIdManagerSelector(),
        block_error_handler=BlockGuard(),
        interchange_launch_cmd=[sys.executable, "-m", "parsl_sa.execution.interchange"],
    )


def _provider(site: Site, blocks: Blocks, min_blocks: int, max_blocks: int) -> ExecutionProvider:
    environment = f"export PATH={shlex.quote(str(Path(sys.prefix) / 'bin'))}:$PATH"
    worker_init = "\n".join(line for line in (site.worker_init, environment) if line)
    if site.provider == "local":
        return LocalProvider(
            init_blocks=max_blocks,
            min_blocks=min_blocks,
            max_blocks=max_blocks,
            launcher=SimpleLauncher(),
            worker_init=worker_init,
        )
    return SlurmProvider(
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
        scheduler_options=blocks.scheduler_options,
        worker_init=worker_init,
        cmd_timeout=60,
        launcher=SimpleLauncher(),
    )
