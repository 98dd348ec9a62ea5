from __future__ import annotations

import time

import pytest

from parsl_sa.protocol.ledger import Ledger

FAR_S = 1e9


def take(ledger: Ledger, client: str, now: float = 0.0, lag_s: float = FAR_S) -> int | None:
    handed = ledger.take(client, now, lag_s, ["a", "b", "c"])
    return handed.lease if handed else None


def fold(ledger: Ledger, first: int, last: int, shard: int = 0) -> None:
    for lease in range(first, last):
        ledger.got(lease, 0, shard, 0.0)
    ledger.on_folded(shard, last)


def test_leases_go_out_in_order_and_end() -> None:
    ledger = Ledger(3, window=10, shards=1)
    assert [take(ledger, "a") for _ in range(4)] == [0, 1, 2, None]


def test_no_lease_goes_out_beyond_the_window() -> None:
    ledger = Ledger(100, window=3, shards=1)
    assert [take(ledger, "a") for _ in range(4)] == [0, 1, 2, None]
    fold(ledger, 0, 2)
    assert [take(ledger, "a") for _ in range(3)] == [3, 4, None]


def test_returned_leases_come_first_lowest_first() -> None:
    ledger = Ledger(100, window=10, shards=1)
    for client in "aabb":
        take(ledger, client)
    assert ledger.release("b") == [2, 3]
    assert ledger.release("a") == [0, 1]
    assert [take(ledger, "c") for _ in range(5)] == [0, 1, 2, 3, 4]


def test_returned_leases_keep_to_the_window_too() -> None:
    ledger = Ledger(100, window=4, shards=1)
    for last in range(1, 20):
        take(ledger, "a")
        fold(ledger, last - 1, last)
    ledger.forget(19)
    assert ledger.restart(0, 5) == list(range(5, 19))
    assert [take(ledger, "a") for _ in range(5)] == [5, 6, 7, 8, None]


def test_every_attempt_has_a_number_of_its_own_even_after_its_lease_was_forgotten() -> None:
    ledger = Ledger(10, window=10, shards=1)
    first = ledger.take("a", 0.0, FAR_S, ["a"])
    fold(ledger, 0, 1)
    ledger.forget(1)
    ledger.restart(0, 0)
    again = ledger.take("a", 0.0, FAR_S, ["a"])
    assert first is not None
    assert again is not None
    assert (first.lease, again.lease) == (0, 0)
    assert first.attempt != again.attempt


def test_a_lease_has_arrived_when_every_shard_holds_it() -> None:
    ledger = Ledger(10, window=10, shards=2)
    take(ledger, "a")
    assert ledger.got(0, 1, 0, 1.0) == []
    assert list(ledger.holding("a")) == [0]
    assert ledger.got(0, 1, 1, 2.0) == [("a", 1)]
    assert list(ledger.holding("a")) == []
    assert ledger.lease_s == 2.0


def test_the_prefix_is_what_every_shard_has_folded() -> None:
    ledger = Ledger(10, window=10, shards=2)
    for _ in range(3):
        take(ledger, "a")
    fold(ledger, 0, 2, shard=0)
    assert ledger.prefix == 0
    fold(ledger, 0, 1, shard=1)
    assert ledger.prefix == 1


def test_a_prefix_counts_up_to_the_first_lease_whose_arrival_was_not_heard_of() -> None:
    ledger = Ledger(10, window=10, shards=1)
    for _ in range(3):
        take(ledger, "a")
    ledger.got(0, 1, 0, 0.0)
    ledger.got(2, 3, 0, 0.0)
    assert ledger.on_folded(0, 3)
    assert ledger.prefix == 1
    ledger.got(1, 2, 0, 0.0)
    assert ledger.on_folded(0, 3)
    assert ledger.prefix == 3


@pytest.mark.parametrize("lease", [5, 9, 10, 10**12])
def test_the_arrival_of_a_lease_that_never_went_out_leaves_no_trace(lease: int) -> None:
    ledger = Ledger(10, window=5, shards=1)
    for _ in range(5):
        take(ledger, "a")
    assert ledger.got(lease, 1, 0, 0.0) == []
    assert set(ledger.entries) == set(range(5))


def test_the_arrival_of_a_folded_lease_leaves_no_trace() -> None:
    ledger = Ledger(10, window=5, shards=1)
    take(ledger, "a")
    fold(ledger, 0, 1)
    ledger.forget(1)
    assert ledger.got(0, 2, 0, 0.0) == []
    assert ledger.entries == {}


def test_a_shard_that_falls_back_gets_its_leases_again_but_not_those_that_are_out() -> None:
    ledger = Ledger(10, window=8, shards=1)
    for _ in range(5):
        take(ledger, "a")
    fold(ledger, 0, 3)
    ledger.forget(1)
    assert ledger.restart(0, 1) == [1, 2]
    assert ledger.prefix == 1
    assert sorted(ledger.holding("a")) == [3, 4]
    assert [take(ledger, "b") for _ in range(3)] == [1, 2, 5]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_shards_that_start_from_different_checkpoints_get_what_the_lower_one_lacks(order: list[int]) -> None:
    ledger = Ledger(20, window=8, shards=2)
    for shard in order:
        ledger.restart(shard, {0: 8, 1: 4}[shard])
    assert ledger.prefix == 4
    assert [take(ledger, "a") for _ in range(9)] == [*range(4, 12), None]


def test_a_lease_goes_to_another_client_than_the_one_that_failed_on_it_while_there_is_one() -> None:
    ledger = Ledger(10, window=2, shards=1)
    take(ledger, "a")
    ledger.entry(0).failed_on["a"] = frozenset()
    ledger.give_back(0, "a")
    assert take(ledger, "a") == 1
    assert take(ledger, "a") is None
    assert take(ledger, "b") == 0
    ledger.entry(0).failed_on.update(b=frozenset(), c=frozenset())
    ledger.give_back(0, "b")
    assert take(ledger, "a") == 0


def test_a_head_that_lags_is_given_to_one_more_client() -> None:
    ledger = Ledger(10, window=2, shards=1)
    take(ledger, "a", now=0.0)
    take(ledger, "b", now=0.0)
    assert take(ledger, "b", now=5.0, lag_s=10.0) is None
    assert take(ledger, "a", now=11.0, lag_s=10.0) is None
    handed = ledger.take("b", 11.0, 10.0, ["a", "b"])
    assert handed is not None
    assert (handed.lease, handed.copy) == (0, True)
    assert take(ledger, "c", now=99.0, lag_s=10.0) is None
    assert ledger.got(0, handed.attempt, 0, 12.0) == [("a", 1), ("b", handed.attempt)]
    assert ledger.lease_s == pytest.approx(1.0)  # of the attempt that won


def test_what_a_client_does_not_list_is_missing_after_a_while() -> None:
    ledger = Ledger(10, window=9, shards=1)
    take(ledger, "a")
    take(ledger, "a")
    assert ledger.missing("a", [(0, 1), (1, 2)], 0.0, 3.0) == []
    assert ledger.missing("a", [(0, 1)], 100.0, 3.0) == []  # only now it is missed for the first time
    assert ledger.missing("a", [(0, 1)], 102.0, 3.0) == []
    assert ledger.missing("a", [(0, 1), (1, 2)], 102.5, 3.0) == []  # the grant was slow, not lost
    assert ledger.missing("a", [(0, 1)], 104.0, 3.0) == []
    assert ledger.missing("a", [(0, 1)], 107.5, 3.0) == [1]
    assert ledger.missing("a", [(0, 9), (1, 2)], 200.0, 3.0) == []
    assert ledger.missing("a", [(0, 9), (1, 2)], 204.0, 3.0) == [0]  # another attempt is not this one


def test_only_what_is_not_durable_is_remembered() -> None:
    ledger = Ledger(1000, window=5, shards=1)
    for lease in range(1000):
        take(ledger, "a")
        fold(ledger, lease, lease + 1)
        if lease % 10 == 9:
            ledger.forget(lease + 1)
            assert ledger.entries == {}
    assert ledger.n_out == 0
    assert ledger._held == {}


def test_a_big_study_costs_little_a_lease() -> None:
    n, clients = 100_000, [f"c{i}" for i in range(1000)]
    ledger = Ledger(n, window=6000, shards=1)
    began_at = time.process_time()
    for name in clients:
        for _ in range(3):
            ledger.take(name, 0.0, FAR_S, clients)
    for name in clients:
        assert len(ledger.release(name)) == 3
    for name in clients:
        for _ in range(3):
            ledger.take(name, 0.0, FAR_S, clients)
    ledger.next = n
    ledger.restart(0, 0)
    for name in clients:
        ledger.take(name, 0.0, FAR_S, clients)
    # 7000 hand-outs and a fall back over all leases: two seconds are ten times what they take.
    assert time.process_time() - began_at < 2.0


def test_a_shard_that_started_ahead_need_not_say_that_it_holds_a_lease() -> None:
    ledger = Ledger(20, window=8, shards=2)
    ledger.restart(0, 4)
    ledger.restart(1, 0)
    handed = ledger.take("a", 0.0, FAR_S, ["a"])
    assert handed is not None
    assert ledger.got(0, handed.attempt, 1, 1.0) == [("a", handed.attempt)]
    assert list(ledger.holding("a")) == []


def test_a_checkpoint_that_holds_more_than_was_heard_of_takes_leases_out_of_hands() -> None:
    ledger = Ledger(20, window=8, shards=1)
    for _ in range(4):
        take(ledger, "a")
    ledger.give_back(1, "a")
    assert ledger.restart(0, 3) == []
    ledger.forget(3)
    assert sorted(ledger.holding("a")) == [3]
    assert ledger.returned == set()
    assert [take(ledger, "b") for _ in range(2)] == [4, 5]


def test_a_checkpoint_of_one_shard_completes_what_only_the_other_was_known_to_hold() -> None:
    ledger = Ledger(20, window=8, shards=2)
    for _ in range(4):
        take(ledger, "a")
    ledger.got(2, 3, 0, 0.0)
    ledger.restart(1, 3)
    assert ledger.prefix == 0
    assert sorted(ledger.holding("a")) == [0, 1, 3]
    ledger.got(0, 1, 0, 0.0)
    ledger.got(1, 2, 0, 0.0)
    ledger.on_folded(0, 3)
    ledger.forget(3)
    assert ledger.missing("a", [], 0.0, 1.0) == []
