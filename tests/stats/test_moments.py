"""Mean and variance: which rows they use, and their interval under plain Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from parsl_sa.records import Layout
from parsl_sa.stats.moments import Moments


def test_only_rows_a_and_b_of_pick_freeze_count() -> None:
    rows = np.random.default_rng(0).normal(size=(16, 5, 2))
    moments = Moments(Layout("pick-freeze", 3), 2)
    moments.update(rows)
    moments.close_replicate()
    rows[:, 2:] = 1e9
    again = Moments(Layout("pick-freeze", 3), 2)
    again.update(rows)
    again.close_replicate()
    assert moments.result()["mean"].tobytes() == again.result()["mean"].tobytes()
    np.testing.assert_allclose(moments.result()["mean"], rows[:, :2].mean((0, 1)), rtol=1e-13)


def test_unequal_replicates_are_weighted_by_their_bundles() -> None:
    rng = np.random.default_rng(1)
    moments = Moments(Layout("monte-carlo", 1), 1)
    parts = [rng.normal(size=(n, 1, 1)) for n in (3, 16, 16, 7)]
    for part in parts:
        moments.update(part)
        moments.close_replicate()
    values = np.concatenate(parts).ravel()
    np.testing.assert_allclose(moments.result()["mean"], values.mean(), rtol=1e-13)
    np.testing.assert_allclose(moments.result()["variance"], values.var(ddof=1), rtol=1e-13)


def test_intervals_cover_under_monte_carlo() -> None:
    repeats = 4000
    rng = np.random.default_rng(2)
    moments = Moments(Layout("monte-carlo", 1), repeats, pivot=np.full(repeats, 5.5))
    for _ in range(32):
        moments.update(rng.normal(5.0, 2.0, (64, 1, repeats)))
        moments.close_replicate()
    result = moments.result()
    for name, truth in {"mean": 5.0, "variance": 4.0}.items():
        covered = np.sum((result[f"{name}_low"] <= truth) & (truth <= result[f"{name}_high"]))
        assert binom.ppf(2.5e-4, repeats, 0.95) <= covered <= binom.isf(2.5e-4, repeats, 0.95), name
        seen = result[name].std(ddof=1)
        stated = np.sqrt((result[f"{name}_conf"] ** 2).mean()) / 2.0395134464  # t .975 with 31
        # Spread of a spread: 1/sqrt(2 R) for the seen one, less for the stated one.
        assert stated == pytest.approx(seen, rel=5.0 / np.sqrt(2 * repeats) + 0.01), name


def test_a_far_pivot_never_gives_a_negative_variance() -> None:
    moments = Moments(Layout("monte-carlo", 1), 1)
    for _ in range(8):
        moments.update(np.full((4, 1, 1), 0.1 + 1e6))
        moments.close_replicate()
    result = moments.result()
    assert result["variance"][0] >= 0.0
    assert result["variance_conf"][0] >= 0.0


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, float("nan")])
def test_a_level_outside_0_1_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        Moments(Layout("monte-carlo", 1), 1, level=level)
