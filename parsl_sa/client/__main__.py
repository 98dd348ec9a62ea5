"""The client: `python -m parsl_sa.client STUDY ...`, started on every rank by mpiexec or srun.

It loads the model once, then draws lease after lease until the coordinator sends it home.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.client.ranks import Ranks
from parsl_sa.client.shell import Outcome, Shell, patience_of
from parsl_sa.client.workload import Workload, lanes_of
from parsl_sa.errors import StudyError
from parsl_sa.lifeline import hold
from parsl_sa.protocol.actions import Compute, Leave
from parsl_sa.protocol.messages import Fence, Hello
from parsl_sa.protocol.session import ClientSession, SessionPolicy
from parsl_sa.spec import load_spec
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parsl_sa.records import Plan

_CAPACITY = 3
_LEAVE_ORDER = -1
_FORWARDED_S = 0.3
"""Time for the launcher to pass on what a rank has printed; an abort loses what it has not read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one rank of a client; return its exit status."""
    options = _parse(arguments)
    hold(options.lifeline, options.wrapper_host)
    ranks = _world(options.ranks)
    try:
        return _run(options, ranks)
    except Exception as error:  # noqa: BLE001 - the edge: a rank that fails alone would hang the others
        print(f"{traceback.format_exc()}{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the client's log
        time.sleep(_FORWARDED_S)
        ranks.abort(1)


def _run(options: argparse.Namespace, ranks: Ranks) -> int:
    study = StudyDir(Path(options.study))
    plan = study.read_plan()
    _set_threads(plan.threads)
    workload = _load(study, plan, ranks)
    if ranks.rank:
        return _follow(ranks, workload)
    shell = _shell(options, study, plan, ranks)
    shell.start(_hello(plan, workload, ranks))
    return _lead(ranks, workload, shell)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parsl_sa.client", description=__doc__)
    parser.add_argument("study", help="study directory")
    parser.add_argument("--epoch", type=int, required=True, help="life of the coordinator")
    parser.add_argument("--name", required=True, help="name of this client")
    parser.add_argument("--coordinator", required=True, help="address of the coordinator")
    parser.add_argument("--ranks", type=int, required=True, help="ranks that were asked for")
    parser.add_argument("--lifeline", default="", help="named pipe of the wrapper")
    parser.add_argument("--wrapper-host", default="", help="host of the wrapper")
    parser.add_argument("--leave-at", type=float, default=None, help="wall-clock time to leave, in s")
    return parser.parse_args(arguments)


def _world(ranks: int) -> Ranks:
    """Enter MPI and compare its size with the one asked for."""
    if ranks == 1 and "PMI_RANK" not in os.environ:
        return Ranks(None)
    from mpi4py import MPI  # noqa: PLC0415 - a client of one plain process needs no MPI

    found = MPI.COMM_WORLD.size
    if found != ranks:
        raise StudyError(
            f"{found} ranks met where {ranks} were started: the launcher and mpi4py's MPI do not match; "
            "under Slurm set the site's launch to 'srun --mpi=pmi2', or load the MPI of mpi4py"
        )
    return Ranks(MPI.COMM_WORLD)


def _set_threads(threads: int) -> None:
    import numba  # noqa: PLC0415 - after the environment of this rank is known
    import torch  # noqa: PLC0415

    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))


def _load(study: StudyDir, plan: Plan, ranks: Ranks) -> Workload:
    """Load the workload on every rank; rank 0 compiles first, so that a cold compilation happens once."""
    workload = Workload(load_spec(study.spec), plan, study.read_pivots(), study.read_weights())
    if ranks.rank == 0:
        workload.prewarm()
    ranks.gather(None)
    if ranks.rank:
        workload.prewarm()
    return workload


def _shell(options: argparse.Namespace, study: StudyDir, plan: Plan, ranks: Ranks) -> Shell:
    # Half a second that the other ranks need not spend.
    from parsl_sa.channel.curve import CurveChannel  # noqa: PLC0415
    from parsl_sa.channel.keys import make_keys  # noqa: PLC0415

    fence = Fence(study.study_id(), options.epoch)
    session = ClientSession(fence, plan.shards, SessionPolicy())
    channel = CurveChannel(make_keys(study.keys))
    address = (options.coordinator, options.name)
    patience_s = patience_of(plan, ranks.size)
    return Shell(
        session, channel, address, leave_at=options.leave_at, abort=ranks.abort, patience_s=patience_s
    )


def _hello(plan: Plan, workload: Workload, ranks: Ranks) -> Hello:
    from parsl_sa.models import hardware  # noqa: PLC0415 - imports torch

    found = hardware(workload.evaluator.model.device)
    return Hello(plan.digest, found, ranks.size, _CAPACITY, socket.gethostname(), os.getpid())


def _lead(ranks: Ranks, workload: Workload, shell: Shell) -> int:
    """Rank 0: take orders from the shell, share them with all ranks, report."""
    while True:
        order = shell.orders.get()
        if isinstance(order, Leave):
            ranks.order([_LEAVE_ORDER])
            shell.join()
            print(f"leaving: {order.reason}", flush=True)  # noqa: T201 - the client's log
            return order.code
        ranks.order([order.lease, *order.exclude])
        shell.report(_compute(ranks, workload, order))


def _follow(ranks: Ranks, workload: Workload) -> int:
    """Every other rank: compute what rank 0 orders."""
    while True:
        lease, *exclude = ranks.await_order()
        if lease == _LEAVE_ORDER:
            return 0
        _compute(ranks, workload, Compute(lease, 0, tuple(exclude)))


def _compute(ranks: Ranks, workload: Workload, order: Compute) -> Outcome:
    plan = workload.plan
    share = workload.share(order.lease, lanes_of(ranks.rank, ranks.size, plan.lanes), order.exclude)
    told: list[Any] = ranks.gather((share.dropped, share.poisoned, share.error))
    dropped = sorted(bundle for part in told for bundle in part[0])
    poisoned = sorted(bundle for part in told for bundle in part[1])
    error = next((part[2] for part in told if part[2]), "")
    contribution = None if error else ranks.collect(share, workload)
    return Outcome(order, contribution, dropped, poisoned, error)


if __name__ == "__main__":
    sys.exit(main())
