"""The rate and the end that a status foretells, on a clock of the test."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from parsl_sa.launch import snapshot
from parsl_sa.launch.snapshot import Snapshot
from parsl_sa.protocol.messages import Fence
from parsl_sa.protocol.policy import Policy
from parsl_sa.protocol.state import History, State
from support.plans import tiny_plan

LEASE = 4


class Desk:
    """A snapshot, a state and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(snapshot, "time", SimpleNamespace(time=lambda: self.now))
        plan = tiny_plan(n_leases=1000, lease_bundles=LEASE)
        self.state = State(Fence("s", 1), plan, Policy(), History())
        self.snapshot = Snapshot("wing", Path("/runs/wing/logs"))

    def look(self, after_s: float, leases: int, out: int = 2) -> dict[str, Any]:
        self.now += after_s
        self.state.ledger = SimpleNamespace(prefix=leases, n_out=out)  # type: ignore[assignment]
        return self.snapshot.take(self.state, "running", {})


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def test_a_steady_run_has_its_rate_and_its_end(desk: Desk) -> None:
    told = [desk.look(1.0, leases=second) for second in range(20)]
    assert told[0]["bundles_per_s"] is None
    assert told[0]["eta_s"] is None
    assert told[-1]["bundles_per_s"] == pytest.approx(LEASE)
    assert told[-1]["eta_s"] == pytest.approx(1000 - 19)
    assert (told[-1]["folded"], told[-1]["n_bundles"]) == (19 * LEASE, 4000)


def test_the_wait_for_the_first_lease_is_not_counted(desk: Desk) -> None:
    for _ in range(60):
        assert desk.look(1.0, leases=0, out=0)["bundles_per_s"] is None
    desk.look(1.0, leases=0, out=2)
    told = [desk.look(1.0, leases=second) for second in range(1, 5)]
    # The clock starts with the last look before a lease was out: 5 s ago here.
    assert told[-1]["bundles_per_s"] == pytest.approx(4 * LEASE / 5)


def test_what_an_earlier_life_folded_is_not_counted(desk: Desk) -> None:
    for _ in range(5):
        desk.look(1.0, leases=500, out=0)
    desk.look(1.0, leases=500)
    assert desk.look(1.0, leases=501)["bundles_per_s"] == pytest.approx(LEASE / 2)


def test_the_rate_is_that_of_the_last_half_minute(desk: Desk) -> None:
    for second in range(100):
        desk.look(1.0, leases=second)
    for second in range(40):
        told = desk.look(1.0, leases=100 + 3 * second)
    assert told["bundles_per_s"] == pytest.approx(3 * LEASE, rel=0.05)


def test_a_standstill_has_no_end(desk: Desk) -> None:
    for second in range(10):
        desk.look(1.0, leases=second)
    for _ in range(60):
        told = desk.look(1.0, leases=9)
    assert told["bundles_per_s"] is None
    assert told["eta_s"] is None


def test_a_status_is_json_and_tells_the_widest_of_all_shards(desk: Desk) -> None:
    desk.state.summary = {
        0: {"widest": {"S1": 0.01, "ST": 0.04}},
        1: {
            "widest": {"S1": 0.03, "ST": 0.02},
            "trouble": "the checkpoint cannot be written, waiting: No space",
        },
    }
    told = json.loads(json.dumps(desk.look(1.0, leases=1), allow_nan=False))
    assert told["widest"] == {"S1": 0.03, "ST": 0.04}
    assert "No space" in told["trouble"]
    assert (told["name"], told["stage"], told["replicates_closed"]) == ("wing", "running", 0)


def test_leases_slower_than_the_window_have_a_rate_between_folds(desk: Desk) -> None:
    told = [desk.look(1.0, leases=second // 60) for second in range(400)]
    later = [status["bundles_per_s"] for status in told[130:]]
    assert all(rate is not None for rate in later)
    assert min(later) == pytest.approx(LEASE / 60, rel=0.5)
    assert max(later) == pytest.approx(LEASE / 60, rel=0.5)


def test_a_reducer_that_goes_back_to_its_checkpoint_starts_the_rate_anew(desk: Desk) -> None:
    for second in range(20):
        desk.look(1.0, leases=second)
    told = [desk.look(1.0, leases=5 + second) for second in range(5)]
    assert told[0]["bundles_per_s"] is None
    assert told[-1]["bundles_per_s"] == pytest.approx(LEASE)


def test_drops_and_errors_are_told_with_reason_and_log(desk: Desk) -> None:
    state = desk.state
    state.history.dropped.update({4: "non-finite output", 9: "ValueError: no"})
    state.faults.last_error, state.faults.last_log = "ValueError: no", "client-1-2.log"
    told = desk.look(1.0, leases=1)
    assert (told["dropped"], told["last_drop"]) == (2, "ValueError: no")
    assert told["last_log"] == "/runs/wing/logs/client-1-2.log"
    state.faults.last_log = "/elsewhere/shard-0-1.log"
    assert desk.look(1.0, leases=2)["last_log"] == "/elsewhere/shard-0-1.log"
