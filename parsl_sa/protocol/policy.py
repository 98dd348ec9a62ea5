"""What the coordinator tolerates, waits for and gives up on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """Numbers that steer a run without touching its bits.

    Parameters
    ----------
    slots : int
        Clients kept alive while there is work for them.
    window : int
        Leases that may be out beyond the folded prefix.
    max_dropped : int
        Bundles that may be dropped before the study fails.
    checkpoint_s : float
        Wanted time between checkpoints; stretched so that pauses stay under 5 %.
    checkpoint_at_most_s : float
        Stretched no further: one write that had to wait for disk space says little about the next.
    budget_s : float or None
        The study stops after so long.
    beat_s, client_silent_s, shard_silent_s : float
        Time between signs of life, and silence that counts as death.
    queue_grace_s : float
        Time that a submitted client or reducer may take until the news that it runs.
    start_grace_s : float
        Time that it may take from there until its first word.
    lag_floor_s, lag_factor : float
        A head that is out longer than both the floor and so many typical leases is issued again.
    stop_grace_s : float
        Time that reducers have to write the last checkpoint of a stopped study.
    max_start_failures : int
        Clients in a row that may end before their first word.
    max_deaths : int
        Deaths of clients, or of one shard, without any progress in between.
    max_errors : int
        Times the model may raise on one lease.
    backoff_s : float
        Wait before the second restart in a row; doubled for each further one, up to a minute.
    """

    slots: int = 1
    window: int = 16
    max_dropped: int = 0
    checkpoint_s: float = 60.0
    checkpoint_at_most_s: float = 3600.0
    budget_s: float | None = None
    beat_s: float = 1.0
    client_silent_s: float = 15.0
    shard_silent_s: float = 15.0
    queue_grace_s: float = 600.0
    start_grace_s: float = 600.0
    lag_floor_s: float = 10.0
    lag_factor: float = 4.0
    stop_grace_s: float = 60.0
    max_start_failures: int = 3
    max_deaths: int = 8
    max_errors: int = 6
    backoff_s: float = 1.0

    def patience(self, peer: str, started: bool, silent_s: float) -> float:
        """Return how long to wait for the next word of a party, which has spoken if it has a `peer` name."""
        if peer:
            return silent_s
        return self.start_grace_s if started else self.queue_grace_s

    def backoff(self, failures: int) -> float:
        """Return the wait before the next start after so many failures in a row.

        Examples
        --------
        >>> [Policy().backoff(k) for k in (0, 1, 2, 3, 9)]
        [0.0, 0.0, 1.0, 2.0, 60.0]
        """
        if failures < 2:
            return 0.0
        return float(min(60.0, self.backoff_s * 2 ** (failures - 2)))
