"""Second-order indices against exact answers, their definition and SALib; the measured coverage."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from parsl_sa.errors import LayoutError
from parsl_sa.records import Layout
from parsl_sa.stats import assemble
from parsl_sa.stats.sobol import Sobol
from support.repeated import ishigami, pick_freeze, scrambled

REPEATS = 1000
EXACT = np.array([0.0, 0.2436836641, 0.0])
"""S12, S13, S23 of the Ishigami function."""


def study_of(rows: np.ndarray, replicates: int = 1) -> dict[str, np.ndarray]:
    """Results of bundles (n, 2 d + 2, n_cells) in so many replicates."""
    layout = Layout("pick-freeze", (rows.shape[1] - 2) // 2, both_ways=True)
    study = assemble([{"name": "sobol", "second_order": True}], layout, rows.shape[2])
    for part in np.split(rows, replicates):
        study.update(part)
        study.close_replicate()
    return study.result()


@cache
def repeated_study() -> dict[str, np.ndarray]:
    """Results of REPEATS independent studies of n = 1024 in 16 replicates, one a cell."""
    rng = np.random.default_rng(0)
    points = [scrambled(6, 64, REPEATS, rng) for _ in range(16)]
    rows = [ishigami(pick_freeze(part, both_ways=True)) for part in points]
    return study_of(np.concatenate(rows), replicates=16)


def test_estimates_centre_on_the_exact_answer() -> None:
    values = repeated_study()["S2"]
    standard_error = values.std(axis=1, ddof=1) / np.sqrt(REPEATS)
    # A ratio of sums is biased by about its variance over its denominator: far below its spread.
    bias = 3.0 * values.var(axis=1)
    assert np.all(np.abs(values.mean(axis=1) - EXACT) < 4.5 * standard_error + bias)
    assert np.all(standard_error < 1e-3), "the band is too wide to say anything"


def test_intervals_of_95_percent_cover_as_often() -> None:
    result = repeated_study()
    covered = np.sum((result["S2_low"].T <= EXACT) & (result["S2_high"].T >= EXACT), axis=0)
    alpha = 1e-3 / (2 * len(EXACT))
    low, high = binom.ppf(alpha, REPEATS, 0.95), binom.isf(alpha, REPEATS, 0.95)
    assert np.all((covered >= low) & (covered <= high)), covered / REPEATS


def test_equals_what_the_closed_index_of_a_pair_exceeds_the_first_order_ones_by() -> None:
    rows = ishigami(pick_freeze(np.random.default_rng(1).random((64, 6)), both_ways=True))[..., np.newaxis]
    A, B, AB, BA = rows[:, 0, 0], rows[:, 1, 0], rows[:, 2:5, 0].T, rows[:, 5:, 0].T
    spread = (np.mean((A - B) ** 2) + np.mean((BA - AB) ** 2, axis=1).sum()) / 4  # 2 V from all rows
    first = [np.mean((BA[i] - B) * (A - AB[i])) / 2 for i in range(3)]
    pairs = [(0, 1), (0, 2), (1, 2)]
    closed = [np.mean((AB[i] - AB[j]) * (BA[j] - BA[i])) / 2 for i, j in pairs]
    expected = [2 * (c - first[i] - first[j]) / spread for c, (i, j) in zip(closed, pairs, strict=True)]
    np.testing.assert_allclose(study_of(rows)["S2"][:, 0], expected, rtol=1e-12, atol=1e-14)


def test_agrees_with_salib_on_the_same_rows_within_the_scatter_of_the_difference() -> None:
    analyze = pytest.importorskip("SALib.analyze.sobol").analyze
    rng = np.random.default_rng(2)
    repeats, n = 24, 512
    rows = ishigami(pick_freeze(scrambled(6, n, repeats, rng), both_ways=True))
    ours = study_of(rows)["S2"]
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    order = [0, *range(2, 8), 1]  # A, AB_i, BA_i, B
    theirs = np.stack([
        analyze(problem, rows[:, order, r].ravel(), num_resamples=2, seed=0)["S2"][np.triu_indices(3, 1)]
        for r in range(repeats)
    ], axis=1)  # fmt: skip
    # The formulas differ: by the same expectation, and no more in one run than two estimates may.
    apart = ours - theirs
    assert np.all(np.abs(apart.mean(axis=1)) < 4.5 * apart.std(axis=1, ddof=1) / np.sqrt(repeats))
    assert np.all(np.abs(apart) < 0.2)
    assert ours[1].std() < theirs[1].std()


def test_a_product_of_two_switches_has_a_third_each_way() -> None:
    # f = m1 m2, fair coins: S1 = S2 = S12 = 1/3.
    coins = (np.random.default_rng(3).random((1 << 14, 4)) < 0.5).astype(float)
    rows = pick_freeze(coins, both_ways=True).prod(axis=-1)[..., np.newaxis]
    result = study_of(rows, replicates=16)
    for index in ("S1", "S2"):
        assert np.all(np.abs(result[index] - 1 / 3) < 2.0 * result[f"{index}_conf"])
    assert result["S2_conf"][0, 0] < 0.03


def test_pairs_stand_in_the_order_of_their_names_and_inert_ones_are_exactly_0() -> None:
    x = pick_freeze(np.random.default_rng(4).random((256, 8)) - 0.5, both_ways=True)
    rows = (x[..., 1] * x[..., 3] + x[..., 0])[..., np.newaxis]  # x3 does nothing
    S2 = dict(zip(["12", "13", "14", "23", "24", "34"], study_of(rows)["S2"][:, 0], strict=True))
    assert max(S2, key=S2.__getitem__) == "24"
    assert S2["13"] == S2["23"] == S2["34"] == 0.0


def test_an_output_that_does_not_vary_has_none() -> None:
    result = study_of(np.ones((64, 8, 2)), replicates=8)
    assert np.isnan(result["S2"]).all()
    assert np.isnan(result["S2_conf"]).all()


@pytest.mark.parametrize(
    ("layout", "estimator"),
    [
        (Layout("pick-freeze", 3), "jansen-paired"),
        (Layout("pick-freeze", 3), "martinez"),
        (Layout("conditional", 3), "jansen-paired"),
        (Layout("monte-carlo", 3), "jansen-paired"),
    ],
)
def test_rows_without_both_ways_are_refused(layout: Layout, estimator: str) -> None:
    with pytest.raises(LayoutError):
        Sobol(layout, 1, estimator=estimator, second_order=True)


def test_one_parameter_has_no_pairs() -> None:
    study = Sobol(Layout("pick-freeze", 1, both_ways=True), 1, second_order=True)
    assert "S2" not in study.result()
