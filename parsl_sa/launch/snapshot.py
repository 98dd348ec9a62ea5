"""The status of a run as plain JSON: what the live view and `parsl-sa status` show."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parsl_sa.protocol.state import State

_RATE_WINDOW_S = 30.0


class Snapshot:
    """Turns the coordinator's state into status records, with a rate over the last half minute.

    Parameters
    ----------
    name : str
        Name of the study.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._began_at = time.time()
        self._seen: deque[tuple[float, int]] = deque()

    def take(self, state: State, stage: str, blocks: dict[str, dict[str, int]]) -> dict[str, Any]:
        """Return the status now."""
        now, plan = time.time(), state.plan
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
            "n_rows": plan.layout.n_rows,
            "replicates": plan.replicates,
            "replicates_closed": state.ledger.prefix // plan.leases_per_replicate,
            "bundles_per_s": rate,
            "eta_s": left / rate if rate else None,
            "clients": {"up": len(able), "submitted": len(state.clients), "slots": state.policy.slots},
            "reducers": {"up": sum(life.is_up for life in state.shards.values()), "shards": plan.shards},
            "blocks": blocks,
            "leases_out": leases_out,
            "retries": state.faults.retries,
            "dropped": len(state.history.dropped),
            "other_bits": state.faults.other_bits,
            "last_error": state.faults.last_error,
            "last_log": state.faults.last_log,
            "trouble": trouble,
            "widest": widest,
            "outcome": state.outcome if state.ended else "",
            "reason": state.reason,
        }

    def _rate(self, now: float, folded: int, busy: bool) -> float | None:
        """Bundles a second since the oldest sighting in the window; the wait for the first lease apart."""
        if len(self._seen) == 1 and not busy:
            self._seen.clear()
        self._seen.append((now, folded))
        while len(self._seen) > 2 and now - self._seen[0][0] > _RATE_WINDOW_S:
            self._seen.popleft()
        then, before = self._seen[0]
        return (folded - before) / (now - then) if folded > before else None
