"""`site: inline`: the same plan in this process, without Parsl, MPI or sockets, and with the same bits.

For small studies, notebooks and debugging. Leases, lanes, batches, checkpoints, journal and results are
those of the farm, so a study begun here can go on there and the other way round.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from parsl_sa import stats
from parsl_sa.client.workload import Share, Workload
from parsl_sa.errors import Fault, ParslSaError, SpecError, StudyError
from parsl_sa.launch.exits import EXIT_CODES
from parsl_sa.launch.journal import Journal, read_past
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.reducer import checkpoints
from parsl_sa.reducer.harvest import common_prefix, write_results
from parsl_sa.spec import load_spec
from parsl_sa.stats import merge_nodes
from parsl_sa.studydir import write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from parsl_sa.studydir import StudyDir

INLINE = "inline"
_STATUS_S = 0.25


class Inline:
    """One run of a study in this process.

    Parameters
    ----------
    study : StudyDir
        Prepared, with its plan; locked by the caller.
    watch : callable
        Called a few times a second with the newest status.
    """

    def __init__(self, study: StudyDir, watch: Callable[[dict[str, Any]], None]) -> None:
        self.study = study
        self._watch = watch
        self._spec, self._plan, past = load_spec(study.spec), study.read_plan(), read_past(study)
        self._history = past.history
        self._epoch = past.epoch + 1
        self._journal = Journal(study, self._epoch)
        self._began_at = time.time()
        self._status_at = self._saved_at = 0.0
        self._first = self._prefix = self._saved = 0
        self._last_error = ""
        self._stop = False

    def stop(self) -> None:
        """Ask for a clean stop after the lease at hand (any thread)."""
        self._stop = True

    def run(self) -> int:
        """Run to an end and return the exit status of the command.

        Raises
        ------
        SpecError
            If another process runs this study.
        """
        with self.study.lock("supervisor.lock") as free:
            if not free:
                text = "is being run by another process; see parsl-sa status"
                raise SpecError([Fault(str(self.study.root), text)])
            return self._run_locked()

    def _run_locked(self) -> int:
        try:
            outcome, reason = self._run()
        except ParslSaError as error:
            outcome, reason = "failed", str(error)
        if self._prefix and outcome != "failed":
            write_results(self.study)
        stage = {"complete": "done", "failed": "failed"}.get(outcome, "stopped")
        self._journal.record(
            {"record": "end", "outcome": outcome, "reason": reason, "prefix": self._saved}, durable=True
        )
        self._journal.close()
        self._tell(stage, outcome, reason)
        return EXIT_CODES[outcome]

    def _run(self) -> tuple[str, str]:
        plan, budget_s = self._plan, self._budget_s()
        self._tell("starting")
        workload = Workload(self._spec, plan, self.study.read_pivots())
        folded = stats.assemble(
            self._spec.statistics_plain(), plan.layout, plan.n_cells, self.study.read_pivots()
        )
        self._prefix = self._first = self._saved = common_prefix(self.study, plan)
        if self._prefix:
            folded.load_state(checkpoints.load(self.study.checkpoints(0), self._prefix, plan.digest))
        self._saved_at = time.monotonic()
        outcome, reason = "complete", ""
        try:
            while self._prefix < plan.n_leases and not self._stop:
                if budget_s is not None and time.time() - self._began_at > budget_s:
                    outcome, reason = "budget", f"the budget of {budget_s:g} s is spent"
                    break
                self._fold(self._compute(workload, self._prefix), workload, folded)
                self._look(folded)
        except KeyboardInterrupt:
            self._stop = True
        if self._stop and self._prefix < plan.n_leases:
            outcome, reason = "interrupted", "interrupted"
        self._save(folded)
        return outcome, reason

    def _compute(self, workload: Workload, lease: int) -> Share:
        """Compute a lease; a bundle on which the model raises twice is given up."""
        lanes = range(self._plan.lanes)
        share = workload.share(lease, lanes, self._history.excluded.get(lease, ()))
        if share.error:
            again = workload.share(lease, lanes, self._history.excluded.get(lease, ()))
            confirmed = sorted({*share.poisoned} & {*again.poisoned})
            if again.error and not confirmed:
                raise StudyError(f"the model raised on lease {lease}: {again.error}")
            self._last_error = again.error or share.error
            share = self._without(workload, lease, confirmed, again.error) if again.error else again
        self._drop(lease, share.dropped, "non-finite output")
        return share

    def _without(self, workload: Workload, lease: int, bundles: list[int], error: str) -> Share:
        exclude = tuple(sorted({*self._history.excluded.get(lease, ()), *bundles}))
        self._history.excluded[lease] = exclude
        self._journal.record({"record": "exclude", "lease": lease, "bundles": list(exclude)}, durable=True)
        self._drop(lease, bundles, error)
        share = workload.share(lease, range(self._plan.lanes), exclude)
        if share.error:
            raise StudyError(f"the model raised on lease {lease}: {share.error}")
        return share

    def _drop(self, lease: int, bundles: list[int], reason: str) -> None:
        fresh = [bundle for bundle in bundles if bundle not in self._history.dropped]
        if not fresh:
            return
        self._history.dropped.update(dict.fromkeys(fresh, reason))
        self._journal.record(
            {"record": "drop", "lease": lease, "bundles": fresh, "reason": reason}, durable=True
        )
        lost, allowed = len(self._history.dropped), self._spec.stop.max_dropped_fraction
        if lost > int(allowed * self._plan.n_bundles):
            raise StudyError(
                f"{lost} of {self._plan.n_bundles} bundles are lost ({reason}); "
                f"stop.max_dropped_fraction allows {int(allowed * self._plan.n_bundles)}"
            )

    def _fold(self, share: Share, workload: Workload, folded: stats.Accumulator) -> None:
        plan, lease = self._plan, self._prefix
        root = merge_nodes(share.nodes, plan.lanes, workload.accumulator.combine_partials)
        folded.add_partials(root.partials, root.n_bundles)
        if (lease + 1) % plan.leases_per_replicate == 0:
            folded.close_replicate()
        digest = lease_digest(lease, self._history.excluded.get(lease, ()), share.dropped)
        known = self._history.digests.get(lease)
        if known is not None and known[0] != digest:
            raise StudyError(f"lease {lease} lost other bundles than before: the model is not reproducible")
        self._prefix += 1

    def _look(self, folded: stats.Accumulator) -> None:
        """Save and tell, when it is time."""
        now = time.monotonic()
        if now - self._saved_at >= self._spec.farm.reducer.checkpoint_s:
            self._save(folded)
        if now - self._status_at >= _STATUS_S:
            self._status_at = now
            self._tell("running")

    def _save(self, folded: stats.Accumulator) -> None:
        if self._prefix == self._saved:
            return
        checkpoints.save(
            self.study.checkpoints(0),
            folded.state(),
            plan=self._plan.digest,
            prefix=self._prefix,
            epoch=self._epoch,
            incarnation=1,
        )
        self._saved, self._saved_at = self._prefix, time.monotonic()

    def _budget_s(self) -> float | None:
        budget = self._spec.stop.budget
        limits = [budget.seconds] if budget.seconds is not None else []
        if budget.core_hours is not None:
            limits.append(budget.core_hours * 3600 / self._plan.threads)
        return min(limits, default=None)

    def _tell(self, stage: str, outcome: str = "", reason: str = "") -> None:
        plan, now = self._plan, time.time()
        folded = self._prefix * plan.lease_bundles
        done = folded - self._first * plan.lease_bundles
        rate = done / max(now - self._began_at, 1e-9) if done else None
        status = {
            "name": self._spec.name,
            "stage": stage,
            "epoch": self._epoch,
            "began_at": self._began_at,
            "updated_at": now,
            "n_bundles": plan.n_bundles,
            "folded": folded,
            "durable": self._saved * plan.lease_bundles,
            "n_rows": plan.layout.n_rows,
            "replicates": plan.replicates,
            "replicates_closed": self._prefix // plan.leases_per_replicate,
            "bundles_per_s": rate,
            "eta_s": (plan.n_bundles - folded) / rate if rate else None,
            "retries": 0,
            "dropped": len(self._history.dropped),
            "last_error": self._last_error,
            "outcome": outcome,
            "reason": reason,
        }
        write_json(self.study.status, status)
        self._watch(status)
