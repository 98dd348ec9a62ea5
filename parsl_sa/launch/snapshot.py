"""The status of a run as plain JSON: what the live view and `parsl-sa status` show."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.protocol.state import State

_RATE_WINDOW_S = 30.0
_FEWEST = 4  # folds that a rate is of, however long they take


class Snapshot:
    """Turns the coordinator's state into status records, with a rate and what is left.

    Parameters
    ----------
    name : str
        Name of the study.
    logs : Path
        Folder of its logs.
    """

    def __init__(self, name: str, logs: Path) -> None:
        self._name = name
        self._logs = logs
        self._began_at = time.time()
        self._seen: deque[tuple[float, int]] = deque()

    def take(self, state: State, stage: str, blocks: dict[str, dict[str, int]]) -> dict[str, Any]:
        """Return the status now."""
        now, plan = time.time(), state.plan
        faults, dropped = state.faults, state.history.dropped
        folded = state.ledger.prefix * plan.lease_bundles
        leases_out = state.ledger.n_out
        rate = self._rate(now, folded, busy=leases_out > 0)
        left = plan.n_bundles - folded
        able = [client for client in state.clients.values() if client.peer]
        widest: dict[str, float] = {}
        trouble = ""
        for values in state.summary.values():
            for name, value in values.get("widest", {}).items():
                widest[name] = max(value, widest.get(name, 0.0))
            trouble = trouble or str(values.get("trouble", ""))
        return {
            "name": self._name,
            "stage": stage,
            "epoch": state.fence.epoch,
            "began_at": self._began_at,
            "updated_at": now,
            "n_bundles": plan.n_bundles,
            "folded": folded,
            "durable": min(life.durable for life in state.shards.values()) * plan.lease_bundles,
            "n_rows": plan.bundle_forwards,
            "replicates": plan.replicates,
            "replicates_closed": state.ledger.prefix // plan.leases_per_replicate,
            "bundles_per_s": rate,
            "eta_s": left / rate if rate else None,
            "clients": {"up": len(able), "submitted": len(state.clients), "slots": state.policy.slots},
            "reducers": {"up": sum(life.is_up for life in state.shards.values()), "shards": plan.shards},
            "blocks": blocks,
            "leases_out": leases_out,
            "retries": faults.retries,
            "dropped": len(dropped),
            "max_dropped": state.policy.max_dropped,
            "last_drop": dropped[next(reversed(dropped))] if dropped else "",
            "other_bits": faults.other_bits,
            "last_error": faults.last_error,
            "last_log": str(self._logs / faults.last_log) if faults.last_log else "",
            "trouble": trouble,
            "widest": widest,
            "outcome": state.outcome if state.ended else "",
            "reason": state.reason,
        }

    def _rate(self, now: float, folded: int, busy: bool) -> float | None:
        """Bundles a second over the last half minute, or the last folds if they take longer.

        The wait for the first lease does not count; what stands still has no rate.
        """
        seen = self._seen
        if (len(seen) == 1 and not busy) or (seen and folded < seen[-1][1]):  # a reducer began again
            seen.clear()
        if not seen or folded > seen[-1][1]:
            seen.append((now, folded))
        while len(seen) > _FEWEST and now - seen[0][0] > _RATE_WINDOW_S:
            seen.popleft()
        (then, before), (last, _) = seen[0], seen[-1]
        if folded == before:
            return None
        patience_s = max(_RATE_WINDOW_S, _FEWEST * (last - then) / (len(seen) - 1))
        return (folded - before) / (now - then) if now - last <= patience_s else None
