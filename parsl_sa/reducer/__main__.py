"""The reducer: `python -m parsl_sa.reducer STUDY ...`, one long-lived process a shard."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from parsl_sa import stats
from parsl_sa.channel.addresses import local_address
from parsl_sa.channel.curve import CurveChannel
from parsl_sa.channel.keys import make_keys
from parsl_sa.lifeline import hold
from parsl_sa.protocol.intake import room_for
from parsl_sa.protocol.messages import Fence, Register
from parsl_sa.protocol.shard import Shard, ShardPolicy
from parsl_sa.reducer.checkpoints import sound_prefixes
from parsl_sa.reducer.shell import Shell
from parsl_sa.spec import load_spec
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parsl_sa.records import Plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one shard; return the exit status."""
    options = _parse(arguments)
    hold(options.lifeline, options.wrapper_host)
    try:
        return _run(options)
    except Exception as error:  # noqa: BLE001 - the reducer's edge: its last line goes to the coordinator
        traceback.print_exc()
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the reducer's log
        return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parsl_sa.reducer", description=__doc__)
    parser.add_argument("study", help="study directory")
    parser.add_argument("--epoch", type=int, required=True, help="life of the coordinator")
    parser.add_argument("--name", required=True, help="name of this reducer")
    parser.add_argument("--shard", type=int, required=True, help="number of the shard")
    parser.add_argument("--coordinator", required=True, help="address of the coordinator")
    parser.add_argument("--address", default="127.0.0.1", help="where clients reach this node")
    parser.add_argument("--lifeline", default="", help="named pipe of the wrapper")
    parser.add_argument("--wrapper-host", default="", help="host of the wrapper")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    study = StudyDir(Path(options.study))
    plan = study.read_plan()
    accumulator = load_accumulator(study, plan)
    fence = Fence(study.study_id(), options.epoch)
    size_bytes = stats.Form.of(plan, accumulator).size_bytes
    shard = Shard(fence, plan, options.shard, size_bytes, ShardPolicy(room=room_for(size_bytes)))
    directory = study.checkpoints(options.shard)
    with CurveChannel(make_keys(study.keys)) as channel:
        server = channel.serve(local_address(options.address))
        coordinator = channel.dial(options.coordinator, options.name)
        register = Register(
            options.shard, sound_prefixes(directory, plan.digest), server.address, plan.digest,
            socket.gethostname(), os.getpid(),
        )  # fmt: skip
        return Shell(shard, accumulator, (channel, server, coordinator), directory).run(register)


def load_accumulator(study: StudyDir, plan: Plan) -> stats.Accumulator:
    """Build the empty statistics of a study, kernels compiled."""
    statistics = load_spec(study.spec).statistics_plain()
    accumulator = stats.for_plan(
        statistics, plan, study.read_pivots(), study.read_weights(), slab=slice(0, plan.n_cells)
    )
    stats.prewarm(accumulator, plan.dtype)
    return accumulator


if __name__ == "__main__":
    sys.exit(main())
