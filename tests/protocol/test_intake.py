from __future__ import annotations

import pytest

from parsl_sa.protocol.actions import Action, Assemble, Discard
from parsl_sa.protocol.digest import lease_digest
from parsl_sa.protocol.intake import Intake
from parsl_sa.protocol.messages import Chunk, Ready, Withdraw

SIZE = 20


def ready(lease: int, attempt: int = 1) -> Ready:
    return Ready(0, 1, lease, attempt, SIZE, "sum", [], [], lease_digest(lease, [], []))


def admitted(actions: list[Action]) -> list[tuple[int, int]]:
    return [(action.lease, action.attempt) for action in actions if isinstance(action, Assemble)]


def admit(intake: Intake, head: int = 0, now: float = 0.0) -> list[tuple[int, int]]:
    return admitted(intake.admit(head, 0, 1, now))


def receive(intake: Intake, peer: str, lease: int, attempt: int = 1) -> None:
    intake.offer(peer, ready(lease, attempt))
    intake.admit(0, 0, 1, 0.0)
    assert intake.take_chunk(peer, Chunk(0, 1, lease, attempt, 0), SIZE, 0.0)
    intake.complete(lease)


def test_places_are_given_in_lease_order() -> None:
    intake = Intake(3, SIZE)
    for lease in (7, 3, 5):
        intake.offer("a", ready(lease))
    assert admit(intake) == [(3, 1), (5, 1)]
    assert set(intake.waiting) == {7}


def test_one_place_is_kept_for_the_head() -> None:
    intake = Intake(2, SIZE)
    intake.offer("a", ready(1))
    intake.offer("b", ready(2))
    assert admit(intake) == [(1, 1)]
    intake.offer("c", ready(0))
    assert admit(intake) == [(0, 1)]
    assert admit(intake) == []


def test_the_kept_place_moves_with_the_head() -> None:
    intake = Intake(2, SIZE)
    receive(intake, "a", 1)
    intake.offer("b", ready(2))
    assert admit(intake, head=0) == []
    assert admit(intake, head=1) == [(2, 1)]


def test_with_one_place_the_head_alone_has_it() -> None:
    intake = Intake(1, SIZE)
    intake.offer("a", ready(1))
    assert admit(intake, head=0) == []
    assert admit(intake, head=1) == [(1, 1)]


def test_of_two_attempts_the_newer_is_admitted() -> None:
    intake = Intake(4, SIZE)
    intake.offer("dead", ready(0, attempt=1))
    intake.offer("alive", ready(0, attempt=5))
    assert admit(intake) == [(0, 5)]
    assert intake.waiting[0].keys() == {1}
    assert intake.take_chunk("alive", Chunk(0, 1, 0, 5, 0), SIZE, 0.0)
    assembly, late = intake.complete(0)
    assert assembly.peer == "alive"
    assert [peer for peer, _ in late] == ["dead"]
    assert intake.waiting == {}


def test_an_offer_made_again_starts_over() -> None:
    intake = Intake(4, SIZE)
    intake.offer("a", ready(0))
    assert admit(intake) == [(0, 1)]
    assert intake.take_chunk("a", Chunk(0, 1, 0, 1, 0), 8, 0.0)
    assert intake.offer("a", ready(0)) == [Discard(0, 1)]
    assert admit(intake) == [(0, 1)]
    assert not intake.take_chunk("a", Chunk(0, 1, 0, 1, 8), 8, 0.0)
    assert intake.take_chunk("a", Chunk(0, 1, 0, 1, 0), 8, 0.0)


def test_an_offer_made_again_takes_one_place_only() -> None:
    intake = Intake(4, SIZE)
    for _ in range(5):
        intake.offer("a", ready(3))
    assert admit(intake) == [(3, 1)]
    assert intake.waiting == {}


@pytest.mark.parametrize(
    ("peer", "chunk", "length"),
    [
        ("b", Chunk(0, 1, 0, 1, 8), 8),  # of another client
        ("a", Chunk(0, 1, 1, 1, 8), 8),  # of another lease
        ("a", Chunk(0, 1, 0, 2, 8), 8),  # of another attempt
        ("a", Chunk(0, 1, 0, 1, 0), 8),  # again
        ("a", Chunk(0, 1, 0, 1, 9), 8),  # with a gap
        ("a", Chunk(0, 1, 0, 1, 8), 13),  # too long
        ("a", Chunk(0, 1, 0, 1, 8), 0),  # empty
    ],
)
def test_only_the_next_bytes_of_what_was_admitted_are_taken(peer: str, chunk: Chunk, length: int) -> None:
    intake = Intake(4, SIZE)
    intake.offer("a", ready(0))
    admit(intake)
    assert intake.take_chunk("a", Chunk(0, 1, 0, 1, 0), 8, 0.0)
    assert not intake.take_chunk(peer, chunk, length, 0.0)
    assert intake.take_chunk("a", Chunk(0, 1, 0, 1, 8), 12, 0.0)
    assert intake.is_complete(0)


def test_a_sender_without_progress_loses_its_place() -> None:
    intake = Intake(2, SIZE)
    intake.offer("a", ready(1))
    intake.offer("b", ready(2))
    admit(intake, now=0.0)
    assert intake.take_chunk("a", Chunk(0, 1, 1, 1, 0), 8, 6.0)
    assert intake.drop_stalled(15.0, 10.0) == []
    assert intake.drop_stalled(17.0, 10.0) == [Discard(1, 1)]
    assert admit(intake) == [(2, 1)]


def test_what_is_withdrawn_gives_its_place_to_the_next() -> None:
    intake = Intake(2, SIZE)
    intake.offer("a", ready(1))
    intake.offer("b", ready(2))
    intake.offer("c", ready(3))
    admit(intake)
    assert intake.withdraw("b", Withdraw(0, 1, 2, 1)) == []
    assert set(intake.waiting) == {3}
    assert intake.withdraw("a", Withdraw(0, 1, 1, 1)) == [Discard(1, 1)]
    assert admit(intake) == [(3, 1)]


@pytest.mark.parametrize(
    ("peer", "lease", "attempt"), [("b", 1, 1), ("a", 1, 2), ("a", 2, 1), ("a", 9, 1), ("b", 3, 1)]
)
def test_nobody_withdraws_what_is_not_his(peer: str, lease: int, attempt: int) -> None:
    intake = Intake(2, SIZE)
    intake.offer("a", ready(1))
    intake.offer("c", ready(3))
    admit(intake)
    assert intake.withdraw(peer, Withdraw(0, 1, lease, attempt)) == []
    assert set(intake.assembling) == {1}
    assert set(intake.waiting) == {3}
