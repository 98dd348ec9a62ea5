"""Whole studies in virtual time, in fair weather and foul: what must hold is checked at every step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.virtual_study import Setting, VirtualStudy, some_setting
from support.virtual_time import Weather

SEEDS = range(250)
BATCH = 25


@pytest.mark.parametrize("first", range(0, len(SEEDS), BATCH))
def test_whatever_dies_every_lease_is_folded_once_in_order(first: int) -> None:
    for seed in SEEDS[first : first + BATCH]:
        study = VirtualStudy(seed, some_setting(seed))
        try:
            assert study.run().outcome == "complete"
            study.check_result()
        except Exception as error:
            error.add_note(f"seed {seed}: {some_setting(seed)}")
            raise


def test_the_same_seed_gives_the_same_run() -> None:
    runs = [VirtualStudy(7, some_setting(7)) for _ in range(2)]
    for study in runs:
        study.run()
    assert runs[0].clock.now == runs[1].clock.now
    assert runs[0].journal == runs[1].journal


def test_the_result_does_not_depend_on_what_happened() -> None:
    quiet = VirtualStudy(0, Setting(nan=frozenset({5}), poison=frozenset({9})))
    quiet.run()
    foul = Weather(loss=0.1, repeat=0.05, garble=0.05, slow_s=1.0)
    wild = VirtualStudy(1, replace(quiet.setting, weather=foul, disasters=12, slots=5, window=12))
    wild.run()
    assert wild.disks[0][wild.plan.n_leases] == quiet.disks[0][quiet.plan.n_leases]


def test_a_quiet_study_computes_nothing_twice() -> None:
    study = VirtualStudy(3, Setting(n_leases=40, calm_clients=True))
    study.run()
    study.check_result()
    faults = study.coordinator.machine.state.faults
    assert (faults.retries, faults.ignored, faults.other_bits) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(30))
def test_a_model_that_is_not_reproducible_never_ends_in_a_result_that_hides_it(seed: int) -> None:
    foul = Weather(loss=0.05, slow_s=0.5)
    nan = frozenset(range(0, 64, 3))
    study = VirtualStudy(seed, Setting(nan=nan, flaky=0.3, weather=foul, disasters=12))
    end = study.run()
    if end.outcome == "complete":
        study.check_result()
    else:
        assert "not reproducible" in end.reason
