"""The history of estimates: every replicate, thinned where there are many."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.errors import MergeError
from parsl_sa.records import Layout
from parsl_sa.stats import assemble
from parsl_sa.stats.looks import MOST, Looks


def recorded(replicates: int) -> Looks:
    looks = Looks({"mean": 0, "S1": 2}, n_cells=3)
    for replicate in range(1, replicates + 1):
        estimates = {"mean": np.full(3, float(replicate)), "S1": np.full((2, 3), 10.0 * replicate)}
        looks.record(replicate, 16 * replicate, estimates)
    return looks


@pytest.mark.parametrize("replicates", [1, 8, 63, 64, 65, 128, 1000])
def test_looks_are_thinned_evenly_and_the_last_is_kept(replicates: int) -> None:
    n_bundles, history = recorded(replicates).history()
    looks = n_bundles // 16
    stride = max(1, int(np.diff(looks)[0])) if len(looks) > 1 else 1
    assert len(looks) <= MOST
    assert looks[-1] == replicates
    assert np.all(looks[:-1] == stride * np.arange(1, len(looks)))
    assert stride & (stride - 1) == 0
    np.testing.assert_array_equal(history["mean"][:, 0], looks)
    assert history["S1"].shape == (len(looks), 2, 3)
    if replicates < MOST:
        assert len(looks) == replicates


def test_the_history_of_an_extended_study_is_that_of_one_asked_for_whole() -> None:
    stopped = recorded(70)
    again = Looks({"mean": 0, "S1": 2}, n_cells=3)
    again.load_state(stopped.state())
    for replicate in range(71, 201):
        estimates = {"mean": np.full(3, float(replicate)), "S1": np.full((2, 3), 10.0 * replicate)}
        again.record(replicate, 16 * replicate, estimates)
    whole = recorded(200).state()
    assert all(array.tobytes() == whole[key].tobytes() for key, array in again.state().items())


def test_a_state_that_does_not_fit_is_refused() -> None:
    looks, state = Looks({"mean": 0, "S1": 2}, n_cells=3), recorded(5).state()
    for wrong in (
        {"counts": state["counts"]},
        state | {"values": state["values"][:, :, :2]},
        state | {"counts": state["counts"][:4]},
        state | {"values": state["values"].astype(np.float32)},
    ):
        with pytest.raises(MergeError, match="looks"):
            looks.load_state(wrong)


def test_a_replicate_without_bundles_is_no_look() -> None:
    study = assemble(["moments"], Layout("monte-carlo", 2), 2, scalars=[0])
    for keep in (True, False, True):
        study.update(np.ones((4, 1, 2)), np.full(4, keep))
        study.close_replicate()
    assert study.history("scalars")[0].tolist() == [4, 8]
