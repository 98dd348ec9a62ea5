"""What is journaled of lost bundles, in which order, and what contradicts it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from parsl_sa.errors import StudyError
from parsl_sa.launch.losses import Losses
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.state import History


class Written:
    """Stands in for a journal."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def record(self, record: dict[str, Any], durable: bool) -> None:
        assert durable
        self.records.append(record)

    def event(self, event: str, details: dict[str, Any]) -> None:
        assert event == "dropped"


def losses(history: History | None = None, fraction: float = 0.1) -> tuple[Losses, Written]:
    plan: Any = SimpleNamespace(n_bundles=100, bundles=lambda lease: (10 * lease, 10 * lease + 10))
    journal: Any = Written()
    return Losses(plan, history or History(), journal, fraction), journal


def test_a_drop_is_journaled_before_the_exclusion_that_it_explains() -> None:
    lost, journal = losses()
    assert lost.exclude(3, [31, 35], "ValueError") == (31, 35)
    assert lost.excluded(3) == (31, 35)
    assert [record["record"] for record in journal.records] == ["drop", "exclude"]
    assert lost.exclude(3, [32], "ValueError") == (31, 32, 35)
    assert lost.count == 3


def test_a_bundle_is_dropped_once() -> None:
    lost, journal = losses()
    lost.drop(3, [31])
    lost.drop(3, [31])
    assert [record["bundles"] for record in journal.records] == [[31]]


def test_nothing_lost_leaves_no_record() -> None:
    lost, journal = losses()
    lost.drop(3, [])
    assert journal.records == []


def test_a_life_that_ended_between_drop_and_exclusion_is_gone_on_with() -> None:
    lost, journal = losses(History(dropped={31: "ValueError"}))
    lost.exclude(3, [31], "ValueError")
    lost.drop(3, [])
    assert [record["record"] for record in journal.records] == ["exclude"]


@pytest.mark.parametrize("dropped", [[], [32], [31, 32]])
def test_other_drops_than_before_are_not_reproducible(dropped: list[int]) -> None:
    lost, _ = losses(History(dropped={31: "non-finite output", 55: "of another lease"}))
    with pytest.raises(StudyError, match="not reproducible"):
        lost.drop(3, dropped)


def test_other_drops_than_a_farm_has_received_are_not_reproducible() -> None:
    lost, _ = losses(History(digests={3: (lease_digest(3, (), []), "checksum")}))
    with pytest.raises(StudyError, match="lease 3 lost other bundles"):
        lost.drop(3, [31])
    with pytest.raises(StudyError, match="not reproducible"):
        lost.exclude(3, [31], "ValueError")


def test_more_than_the_allowed_fraction_fails_with_reason_and_place() -> None:
    lost, journal = losses(fraction=0.02)
    lost.drop(0, [1, 2])
    with pytest.raises(StudyError, match=r"3 of 100 bundles .*stop.max_dropped_fraction allows 2"):
        lost.drop(1, [11])
    assert journal.records[-1]["bundles"] == [11]
