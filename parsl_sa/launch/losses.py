"""What an inline study loses: bundles with non-finite outputs, and bundles on which the model raises.

The same records in the same order as a farm's coordinator writes (`parsl_sa.protocol.failures`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.errors import StudyError
from parsl_sa.protocol.digest import lease_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from parsl_sa.launch.journal import Journal
    from parsl_sa.protocol.state import History
    from parsl_sa.records import Plan


class Losses:
    """The bundles that a study has lost, journaled before anything is folded without them.

    Parameters
    ----------
    plan : Plan
        The frozen plan.
    history : History
        What earlier lives journaled; kept up to date.
    journal : Journal
        Open.
    max_dropped_fraction : float
        Of the spec; the study fails above it.
    """

    def __init__(self, plan: Plan, history: History, journal: Journal, max_dropped_fraction: float) -> None:
        self._plan = plan
        self._history = history
        self._journal = journal
        self._allowed = int(max_dropped_fraction * plan.n_bundles)

    @property
    def count(self) -> int:
        """Bundles lost so far."""
        return len(self._history.dropped)

    def told(self) -> dict[str, Any]:
        """Return what a status tells of them."""
        dropped = self._history.dropped
        last = dropped[next(reversed(dropped))] if dropped else ""
        return {"dropped": self.count, "max_dropped": self._allowed, "last_drop": last}

    def excluded(self, lease: int) -> tuple[int, ...]:
        """Return the bundles of a lease on which the model raises."""
        return self._history.excluded.get(lease, ())

    def exclude(self, lease: int, bundles: Iterable[int], error: str) -> tuple[int, ...]:
        """Give bundles of a lease up; return all that are given up of it.

        Raises
        ------
        StudyError
            If too many are lost, or the lease was folded with them in an earlier life.
        """
        if lease in self._history.digests:
            raise self._not_reproducible(lease)
        # The drops go first: a life that is lost between the two records finds the failure again.
        self._drop(lease, sorted(bundles), error)
        exclude = tuple(sorted({*self.excluded(lease), *bundles}))
        self._history.excluded[lease] = exclude
        self._journal.record({"record": "exclude", "lease": lease, "bundles": list(exclude)}, durable=True)
        return exclude

    def drop(self, lease: int, dropped: list[int]) -> None:
        """Journal the bundles of a lease that have a non-finite output, and were not given up.

        Raises
        ------
        StudyError
            If too many are lost, or the lease lost other bundles in an earlier life.
        """
        own = range(*self._plan.bundles(lease))
        before = (self._history.dropped.keys() & own) - {*self.excluded(lease)}
        known = self._history.digests.get(lease)
        digest = lease_digest(lease, self.excluded(lease), dropped)
        if (before and before != {*dropped}) or (known is not None and known[0] != digest):
            raise self._not_reproducible(lease)
        self._drop(lease, dropped, "non-finite output")

    def _drop(self, lease: int, bundles: list[int], reason: str) -> None:
        fresh = [bundle for bundle in bundles if bundle not in self._history.dropped]
        if not fresh:
            return
        self._history.dropped.update(dict.fromkeys(fresh, reason))
        record = {"record": "drop", "lease": lease, "bundles": fresh, "reason": reason}
        self._journal.record(record, durable=True)
        self._journal.event("dropped", record)
        if self.count > self._allowed:
            raise StudyError(
                f"{self.count} of {self._plan.n_bundles} bundles are lost ({reason}); "
                f"stop.max_dropped_fraction allows {self._allowed}. Check the ranges of the inputs"
            )

    @staticmethod
    def _not_reproducible(lease: int) -> StudyError:
        return StudyError(
            f"lease {lease} lost other bundles than in an earlier life: the model is not reproducible"
        )
