"""What the coordinator knows: the state that its rule modules share. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from parsl_sa.protocol.ledger import Ledger
from parsl_sa.protocol.roster import Client, ShardLife

if TYPE_CHECKING:
    from parsl_sa.protocol.messages import Fence
    from parsl_sa.protocol.policy import Policy
    from parsl_sa.records import Plan


@dataclass
class History:
    """What the journal says of earlier epochs.

    Parameters
    ----------
    excluded : dict
        Lease -> bundles given up by policy.
    dropped : dict
        Bundle -> reason, for all bundles dropped so far.
    digests : dict
        Lease -> (digest, checksum) of what was received for it.
    durable : dict
        Shard -> prefix of its newest checkpoint that was heard of.
    """

    excluded: dict[int, tuple[int, ...]] = field(default_factory=dict)
    dropped: dict[int, str] = field(default_factory=dict)
    digests: dict[int, tuple[str, str]] = field(default_factory=dict)
    durable: dict[int, int] = field(default_factory=dict)

    @property
    def prefix(self) -> int:
        """Leases from the first one on whose digests are journaled without a gap."""
        return next(lease for lease in count() if lease not in self.digests)

    def learn(self, record: dict[str, Any]) -> None:
        """Take in a record that a `Journal` action wrote; records of other kinds say nothing here."""
        kind = record["record"]
        if kind == "exclude":
            self.excluded[int(record["lease"])] = tuple(record["bundles"])
        elif kind == "drop":
            self.dropped.update(dict.fromkeys(record["bundles"], str(record["reason"])))
        elif kind == "received":
            self.digests[int(record["lease"])] = (str(record["digest"]), str(record["checksum"]))
        elif kind == "durable":
            self.durable[int(record["shard"])] = int(record["prefix"])


@dataclass
class Faults:
    """What has gone wrong so far, and when to try again.

    Parameters
    ----------
    client_deaths : int
        Deaths of clients since the prefix last moved.
    start_failures : int
        Clients in a row that ended before their first word.
    next_start_at : float
        No client is submitted before.
    retries : int
        Leases handed out again, for any reason.
    ignored : int
        Messages that were malformed, fenced or out of place.
    other_bits : int
        Leases whose second computation gave other bits than the first.
    last_error, last_log : str
        The newest error and the log file that has more of it: a path, or a name among the study's logs.
    """

    client_deaths: int = 0
    start_failures: int = 0
    next_start_at: float = 0.0
    retries: int = 0
    ignored: int = 0
    other_bits: int = 0
    last_error: str = ""
    last_log: str = ""


@dataclass
class Cuts:
    """When checkpoints are cut.

    Parameters
    ----------
    at : float
        When the last one was asked for.
    every_s : float
        Time between two.
    prefix : int or None
        Where the one under way is cut.
    """

    at: float = 0.0
    every_s: float = 60.0
    prefix: int | None = None


class State:
    """Everything a coordinator remembers.

    Parameters
    ----------
    fence : Fence
        Study and epoch.
    plan : Plan
        The frozen plan.
    policy : Policy
        Timeouts and bounds.
    history : History
        What earlier epochs journaled.

    Notes
    -----
    `outcome` is empty while the study runs; `target` is the prefix of its last cut; `given_up` is how a
    complete study ends whose last checkpoint does not come.
    """

    def __init__(self, fence: Fence, plan: Plan, policy: Policy, history: History) -> None:
        self.fence = fence
        self.plan = plan
        self.policy = policy
        self.history = history
        self.ledger = Ledger(plan.n_leases, policy.window, plan.shards)
        self.ledger.excluded = dict(history.excluded)
        self.clients: dict[str, Client] = {}
        self.n_clients = 0
        self.shards = {
            shard: ShardLife(durable=history.durable.get(shard, 0)) for shard in range(plan.shards)
        }
        self.summary: dict[int, dict[str, Any]] = {}
        self.faults = Faults()
        self.cuts = Cuts(every_s=policy.checkpoint_s)
        self.began_at: float | None = None
        self.beat_at = float("-inf")
        self.outcome = ""
        self.given_up = ""
        self.reason = ""
        self.stopping_at = 0.0
        self.target = plan.n_leases
        self.ended = False

    def able(self) -> dict[str, Client]:
        """Clients that may be given work."""
        return {name: client for name, client in self.clients.items() if client.peer and not client.leaving}

    def shards_are_up(self) -> bool:
        """Whether every shard has a registered reducer."""
        return all(state.is_up for state in self.shards.values())
