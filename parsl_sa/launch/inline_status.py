"""The status of an inline run: the records that a farm's coordinator writes, less what only a farm has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.jsonfile import write_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parsl_sa import stats
    from parsl_sa.launch.losses import Losses
    from parsl_sa.records import Plan
    from parsl_sa.studydir import StudyDir

_STATUS_S = 0.25
_WIDEST_S = 1.0
_WIDEST_CELLS = 100_000
_STAGES = {"complete": "done", "failed": "failed"}


class InlineStatus:
    """Writes `status.json` and tells whoever watches.

    Parameters
    ----------
    name : str
        Name of the study.
    plan : Plan
        The frozen plan.
    epoch : int
        Number of this life.
    study : StudyDir
        Where to write.
    watch : callable
        Called with each record.
    """

    def __init__(
        self, name: str, plan: Plan, epoch: int, study: StudyDir, watch: Callable[[dict[str, Any]], None]
    ) -> None:
        self._plan, self._study, self._watch = plan, study, watch
        self._told_at = self._widest_at = 0.0
        self._first, self._began_at = 0, time.monotonic()
        self._record: dict[str, Any] = {
            "name": name,
            "stage": "loading",
            "epoch": epoch,
            "began_at": time.time(),
            "n_bundles": plan.n_bundles,
            "folded": 0,
            "durable": 0,
            "n_rows": plan.bundle_forwards,
            "replicates": plan.replicates,
            "replicates_closed": 0,
            "bundles_per_s": None,
            "eta_s": None,
            "retries": 0,
            "dropped": 0,
            "last_error": "",
            "last_log": "",
            "widest": {},
            "outcome": "",
            "reason": "",
        }

    def tell(self, stage: str) -> None:
        """Write and tell the newest status."""
        self._told_at = time.monotonic()
        self._record.update(stage=stage, updated_at=time.time())
        write_json(self._study.status, self._record)
        self._watch(dict(self._record))

    def begin(self, prefix: int) -> None:
        """Note that the work begins, from so many leases on."""
        self._first, self._began_at = prefix, time.monotonic()
        self._count(prefix, prefix)
        self.tell("running")

    def fold(self, prefix: int, saved: int, losses: Losses, folded: stats.Accumulator) -> None:
        """Note a folded lease, and tell it when the last word is a while ago."""
        self._record.update(losses.told())
        now, is_last = time.monotonic(), prefix == self._plan.n_leases
        if now - self._told_at < _STATUS_S and not is_last:
            return
        self._count(prefix, saved)
        if (now - self._widest_at > _WIDEST_S or is_last) and folded.n_cells <= _WIDEST_CELLS:
            self._widest_at = now
            self._record["widest"] = widest(folded)
        self.tell("running")

    def note(self, error: str, log: Path, retried: int = 0) -> None:
        """Note what the model raised, and where its traceback is."""
        retries = self._record["retries"] + retried
        self._record.update(last_error=error, last_log=str(log), retries=retries)

    def end(self, outcome: str, reason: str, saved: int, losses: Losses) -> None:
        """Tell how it ended, at what is durable."""
        self._count(saved, saved)
        self._record.update(outcome=outcome, reason=reason, eta_s=None, **losses.told())
        self.tell(_STAGES.get(outcome, "stopped"))

    def _count(self, prefix: int, saved: int) -> None:
        plan = self._plan
        done = (prefix - self._first) * plan.lease_bundles
        rate = done / max(time.monotonic() - self._began_at, 1e-9) if done > 0 else None
        self._record.update(
            folded=prefix * plan.lease_bundles,
            durable=saved * plan.lease_bundles,
            replicates_closed=prefix // plan.leases_per_replicate,
            bundles_per_s=rate,
            eta_s=(plan.n_leases - prefix) * plan.lease_bundles / rate if rate else None,
        )


def widest(folded: stats.Accumulator) -> dict[str, float]:
    """Return the widest interval of S1 and of ST over all cells, where there are intervals."""
    return {
        name.removesuffix("_conf"): float(np.nanmax(values))
        for name, values in folded.result().items()
        if name in {"S1_conf", "ST_conf", "S1_full_conf", "ST_independent_conf"} and np.isfinite(values).any()
    }
