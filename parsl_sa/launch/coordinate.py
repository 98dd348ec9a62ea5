"""The coordinator's process: `python -m parsl_sa.launch.coordinate STUDY`, started by `launch`.

It owns the study directory for one epoch: journal, Parsl, control channel. Its exit status is that of the
command: 0 complete, 3 stopped by a budget, 4 failed, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from parsl_sa.channel.curve import CurveChannel
from parsl_sa.channel.keys import make_keys
from parsl_sa.errors import ParslSaError, StudyError
from parsl_sa.execution.farm import Crew, Farm
from parsl_sa.execution.presets import site_of
from parsl_sa.jsonfile import write_json
from parsl_sa.launch.driver import RESTART, Driver, ParslLostError, record_jobs
from parsl_sa.launch.exits import EXIT_CODES
from parsl_sa.launch.journal import Journal, identity, read_past
from parsl_sa.launch.slots import slots_of, threads_of
from parsl_sa.launch.snapshot import Snapshot
from parsl_sa.launch.stopping import StopWish
from parsl_sa.launch.trial import read_faults
from parsl_sa.protocol.coordinator import Coordinator
from parsl_sa.protocol.messages import Fence
from parsl_sa.protocol.policy import Policy
from parsl_sa.spec import load_spec
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parsl_sa.execution.site import Site
    from parsl_sa.protocol.actions import End
    from parsl_sa.records import Plan
    from parsl_sa.spec import StudySpec

_LEAVING_S = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one coordinator life; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m parsl_sa.launch.coordinate", description=__doc__)
    parser.add_argument("study", type=Path, help="study directory")
    study = StudyDir(parser.parse_args(arguments).study)
    with study.lock() as free:
        if not free:
            print(f"{study.root}: another coordinator runs this study", file=sys.stderr)  # noqa: T201 - its log
            return 4
        try:
            code = coordinate(study)
        except ParslSaError as error:
            code = error.exit_code
            _report_failure(study, str(error), code)
        except Exception as error:  # noqa: BLE001 - the edge: the supervisor needs to be told
            traceback.print_exc()
            _report_failure(study, f"{type(error).__name__}: {error}")
            code = 4
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread of a Parsl that would not shut down must not keep the process


def coordinate(study: StudyDir) -> int:
    """Run the study from where it is to an end."""
    wish = StopWish()
    spec, past = load_spec(study.spec), read_past(study)
    site, epoch = site_of(spec.farm), past.epoch + 1
    slots = slots_of(spec, site)
    # A plan that came from elsewhere has threads of its own, which the bits depend on.
    threads = study.read_plan().threads if study.plan.exists() else threads_of(spec, site)
    write_json(study.jobs, {**identity(), "jobs": []})
    journal = Journal(study, epoch)
    with CurveChannel(make_keys(study.keys)) as channel:
        server = channel.serve(site.own_address())
        _write_status(study, spec.name, epoch)
        farm = Farm(site, study, Crew(epoch, server.address, spec.farm.clients.ranks, threads), slots)
        try:
            if not study.plan.exists():
                _probe(study, farm, wish, spec.name, epoch)
            plan = study.read_plan()
            policy = _policy(spec, plan, site, slots)
            coordinator = Coordinator(Fence(past.study, epoch), plan, policy, past.history)
            driver = Driver(
                coordinator, (channel, server), journal, study, Snapshot(spec.name, study.logs), wish=wish
            )
            end = driver.run(farm)
        except ParslLostError:
            raise  # the supervisor ends what this Parsl has started: it cannot any more
        except BaseException:
            farm.close(keep_files=True)
            raise
        with ThreadPoolExecutor(1) as pool:
            complaint = pool.submit(_write_results, study, end)
            # Programs that were told to leave finalize MPI and clean up; Parsl's own end would kill them.
            farm.drain(_LEAVING_S)
            if not farm.close(keep_files=end.outcome == "failed"):
                journal.event("parsl-did-not-shut-down", {})
    journal.close()
    return _conclude(study, end, complaint.result())


def _probe(study: StudyDir, farm: Farm, wish: StopWish, name: str, epoch: int) -> None:
    """Let a block of the site try the model, which may wait in a queue for long."""
    jobs: list[str] = []

    def waiting() -> None:
        nonlocal jobs
        jobs = record_jobs(study, farm, jobs)
        _write_status(study, name, epoch, blocks=farm.blocks())
        wish.raise_if_any()

    farm.probe(waiting)
    read_faults(study.root)


def _policy(spec: StudySpec, plan: Plan, site: Site, slots: int) -> Policy:
    budget = spec.stop.budget
    limits = [] if budget.seconds is None else [budget.seconds]
    if budget.core_hours is not None:
        cores = slots * spec.farm.clients.ranks * plan.threads
        limits.append(budget.core_hours * 3600 / cores)
    silent_s = max(15.0, 2.0 * site.heartbeat_threshold_s)
    return Policy(
        slots=slots,
        window=max(8, 6 * slots),
        max_dropped=int(spec.stop.max_dropped_fraction * plan.n_bundles),
        checkpoint_s=spec.farm.reducer.checkpoint_s,
        budget_s=min(limits) if limits else None,
        client_silent_s=silent_s,
        shard_silent_s=silent_s,
        queue_grace_s=site.queue_grace_s,
    )


def _write_results(study: StudyDir, end: End) -> str:
    """Write the results of what is durable; return why there are none, if so."""
    if end.outcome == "failed" or not end.prefix:
        return ""
    from parsl_sa.reducer.harvest import write_results  # noqa: PLC0415 - a second that starting can do without

    try:
        write_results(study)
    except StudyError as error:
        return str(error)
    return ""


def _conclude(study: StudyDir, end: End, complaint: str) -> int:
    """Write the last status and remove what only a run needs."""
    if end.outcome == "complete":
        shutil.rmtree(study.runs, ignore_errors=True)  # of earlier lives, too
    stages = {"complete": "done", "failed": "failed"}
    status = study.read_status()
    status.update(outcome=end.outcome, reason=complaint or end.reason)
    status["stage"] = stages.get(end.outcome, "stopped")
    write_json(study.status, status, durable=True)
    return EXIT_CODES[end.outcome]


def _write_status(
    study: StudyDir, name: str, epoch: int, blocks: dict[str, dict[str, int]] | None = None
) -> None:
    """Show a sign of life before there is anything to count."""
    now, earlier = time.time(), study.read_status()
    new = {
        "name": name,
        "stage": "starting" if study.plan.exists() else "probing",
        "epoch": epoch,
        "began_at": earlier["began_at"] if earlier.get("epoch") == epoch else now,
        "updated_at": now,
        "blocks": blocks or {},
        "outcome": "",
        "reason": "",
    }
    write_json(study.status, {**earlier, **new})


def _report_failure(study: StudyDir, reason: str, code: int = 4) -> None:
    """Say why it ended; a coordinator that is to be started again has not failed."""
    ends = {RESTART: ("starting", ""), 130: ("stopped", "interrupted")}
    stage, outcome = ends.get(code, ("failed", "failed"))
    status = {**study.read_status(), "stage": stage, "outcome": outcome, "reason": reason}
    write_json(study.status, {**status, "updated_at": time.time()})


if __name__ == "__main__":
    sys.exit(main())
