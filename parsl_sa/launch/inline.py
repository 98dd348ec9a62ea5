"""`site: inline`: the same plan in this process, without Parsl, MPI or sockets, and with the same bits.

For small studies, notebooks and debugging. Leases, lanes, batches, checkpoints, journal and results are
those of the farm.
"""

from __future__ import annotations

import time
import traceback
from contextlib import closing
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from parsl_sa import models, stats
from parsl_sa.client.ranks import Ranks
from parsl_sa.client.workload import Share, Workload
from parsl_sa.errors import Fault, ParslSaError, SpecError, StudyError
from parsl_sa.jsonfile import write_json
from parsl_sa.launch.exits import EXIT_CODES
from parsl_sa.launch.inline_status import InlineStatus
from parsl_sa.launch.journal import Journal, identity, read_past
from parsl_sa.launch.losses import Losses
from parsl_sa.launch.signals import caught
from parsl_sa.launch.threads import fixed_threads
from parsl_sa.reducer import checkpoints
from parsl_sa.reducer.harvest import common_prefix, write_results
from parsl_sa.spec import load_spec
from parsl_sa.studydir import SUPERVISOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from parsl_sa.studydir import StudyDir

_PAUSES_APART = 20  # checkpoints take a twentieth of the time at most, as on a farm


class Inline:
    """One run of a study in this process.

    Parameters
    ----------
    study : StudyDir
        Prepared, with its plan.
    watch : callable
        Called a few times a second with the newest status.
    """

    def __init__(self, study: StudyDir, watch: Callable[[dict[str, Any]], None]) -> None:
        self.study = study
        self._watch = watch
        self.stopping = False

    def stop(self) -> None:
        """Ask for a clean stop after the lease at hand (any thread)."""
        self.stopping = True

    def run(self) -> int:
        """Run to an end and return the exit status of the command.

        Raises
        ------
        SpecError
            If another process runs this study.
        """
        with self.study.lock(SUPERVISOR) as free:
            if not free:
                text = f"is being run by another process; see: parsl-sa status {self.study.root}"
                raise SpecError([Fault(str(self.study.root), text)])
            with caught(self._interrupted), fixed_threads(self.study.read_plan().threads):
                return EXIT_CODES[_Life(self, self._watch).run()]

    def _interrupted(self, *_: object) -> None:
        """Stop in order at the first signal; at the second leave at once, with what is durable."""
        if self.stopping:
            raise KeyboardInterrupt
        self.stop()


class _Life:
    """From the newest checkpoint to an end, in one process."""

    def __init__(self, inline: Inline, watch: Callable[[dict[str, Any]], None]) -> None:
        self._inline, self._study = inline, inline.study
        self._spec, self._plan = load_spec(self._study.spec), self._study.read_plan()
        past = read_past(self._study)
        self._epoch = past.epoch + 1
        self._journal = Journal(self._study, self._epoch)
        write_json(self._study.jobs, {**identity(), "jobs": []})
        fraction = self._spec.stop.max_dropped_fraction
        self._losses = Losses(self._plan, past.history, self._journal, fraction)
        self._status = InlineStatus(self._spec.name, self._plan, self._epoch, self._study, watch)
        self._log = self._study.logs / "inline.log"
        self._every_s = float(self._spec.farm.reducer.checkpoint_s)
        self._saved_at = time.monotonic()
        self._prefix = self._saved = common_prefix(self._study, self._plan)

    def run(self) -> str:
        """Run and return the outcome."""
        outcome, reason = "failed", "ended by an error"
        with closing(self._journal), self._log.open("a") as log:
            try:
                outcome, reason = self._run(log)
                if self._prefix:
                    write_results(self._study)
            except KeyboardInterrupt:
                outcome, reason = "interrupted", "interrupted twice, so without a last checkpoint"
            except ParslSaError as error:
                outcome, reason = "failed", str(error)
                if error.__cause__ is not None:  # the user's own traceback
                    traceback.print_exception(error.__cause__, file=log)
                    self._status.note("", self._log)
            except OSError as error:
                outcome, reason = "failed", f"the study directory cannot be written: {error}"
            finally:  # whatever it was, the status does not say for ever that the study runs
                end = {"record": "end", "outcome": outcome, "reason": reason, "prefix": self._saved}
                self._journal.record(end, durable=True)
                self._status.end(outcome, reason, self._saved, self._losses)
        return outcome

    def _run(self, log: TextIO) -> tuple[str, str]:
        self._status.tell("loading")
        workload, folded = self._load(log)
        plan, budget_s, began_at = self._plan, self._budget_s(), time.monotonic()
        self._status.begin(self._prefix)
        while self._prefix < plan.n_leases:
            if self._inline.stopping:
                self._save(folded)
                return "interrupted", "interrupted"
            if budget_s is not None and time.monotonic() - began_at > budget_s:
                self._save(folded)
                return "budget", f"the budget of {budget_s:g} s is spent"
            self._fold(self._compute(workload, self._prefix), workload, folded)
            if time.monotonic() - self._saved_at >= self._every_s:
                self._save(folded)
            self._status.fold(self._prefix, self._saved, self._losses, folded)
        self._save(folded)
        return "complete", ""

    def _load(self, log: TextIO) -> tuple[Workload, stats.Accumulator]:
        plan, pivots, weights = self._plan, self._study.read_pivots(), self._study.read_weights()
        workload = Workload(self._spec, plan, pivots, weights)
        workload.prewarm()
        workload.log = log
        _refuse_other_hardware(plan.hardware, models.hardware(workload.evaluator.model.device))
        everything = slice(0, plan.n_cells)
        folded = stats.for_plan(self._spec.statistics_plain(), plan, pivots, weights, slab=everything)
        if self._prefix:
            folded.load_state(checkpoints.load(self._study.checkpoints(0), self._prefix, plan.digest))
        return workload, folded

    def _compute(self, workload: Workload, lease: int) -> Share:
        """Compute a lease; a bundle on which the model raises twice is given up."""
        exclude = self._losses.excluded(lease)
        share = self._share(workload, lease, exclude)
        if share.error:
            again = self._share(workload, lease, exclude)
            confirmed = sorted({*share.poisoned} & {*again.poisoned})
            if confirmed:
                exclude = self._losses.exclude(lease, confirmed, again.error)
                again = self._share(workload, lease, exclude)
            if again.error:
                raise StudyError(f"the model raised on lease {lease}: {again.error}")
            share = again
        self._losses.drop(lease, sorted(share.dropped))
        return share

    def _share(self, workload: Workload, lease: int, exclude: Iterable[int]) -> Share:
        share = workload.share(lease, range(self._plan.lanes), exclude)
        if share.error:
            self._status.note(share.error, self._log, retried=1)
        return share

    def _fold(self, share: Share, workload: Workload, folded: stats.Accumulator) -> None:
        plan, lease = self._plan, self._prefix
        contribution = Ranks(None).collect(share, workload)
        assert contribution is not None  # noqa: S101 - the only rank is the first
        absent = [*self._losses.excluded(lease), *share.dropped]
        keep = ~np.isin(np.arange(*plan.bundles(lease)), absent)
        workload.form.fold(folded, contribution, keep)
        self._prefix += 1
        if self._prefix % plan.leases_per_replicate == 0:
            folded.close_replicate()

    def _save(self, folded: stats.Accumulator) -> None:
        if self._prefix == self._saved:
            return
        began_at = time.monotonic()
        checkpoints.save(
            self._study.checkpoints(0),
            folded.state(),
            plan=self._plan.digest,
            prefix=self._prefix,
            epoch=self._epoch,
            incarnation=1,
        )
        self._saved, self._saved_at = self._prefix, time.monotonic()
        self._every_s = max(self._spec.farm.reducer.checkpoint_s, _PAUSES_APART * (self._saved_at - began_at))

    def _budget_s(self) -> float | None:
        budget = self._spec.stop.budget
        limits = [] if budget.seconds is None else [budget.seconds]
        if budget.core_hours is not None:
            limits.append(budget.core_hours * 3600 / self._plan.threads)
        return min(limits, default=None)


def _refuse_other_hardware(planned: dict[str, str], found: dict[str, str]) -> None:
    """Refuse to mix the bits of two classes of hardware in one study, as a farm does."""
    differing = [f"{key} is {found.get(key)}, the plan has {planned[key]}" for key in sorted(planned)
                 if found.get(key) != planned[key]]  # fmt: skip
    if differing:
        cure = "run it where it was planned, or launch it anew without --plan"
        raise StudyError(f"this machine would give other bits: {'; '.join(differing)}; {cure}")
