"""Aggregated indices: exact on fields whose indices are known, with intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from parsl_sa import design
from parsl_sa.records import Layout
from parsl_sa.registry import names
from parsl_sa.stats import Accumulator, assemble
from parsl_sa.stats.aggregates import STRIPES, add_over_cells
from parsl_sa.stats.compile import BLOCK
from support.repeated import pick_freeze, scrambled

UNIT = [{"name": f"x{i}", "distribution": "normal", "mean": 0.0, "sd": 1.0} for i in range(2)]
CIRCLE = [{"name": f"x{i}", "distribution": "uniform", "low": -np.pi, "high": np.pi} for i in range(3)]
ANGLES = np.linspace(0.1, 1.2, 8)
WEIGHTS = np.linspace(1.0, 3.0, 8)


def fold_study(
    field, parameters, n_cells: int, *, seed: int, replicates: int, bundles: int, weights=None, fields=None
) -> Accumulator:
    """A study of y = field(x), x of shape (..., d), with the sampler of a spec."""
    plain = {"method": "pick-freeze", "sequence": "sobol", "both_ways": True, "seed": seed}
    sampler = design.assemble(plain, parameters, bundles)
    study = assemble(
        ["moments", "sobol"],
        sampler.layout,
        n_cells,
        fields=fields or [slice(0, n_cells)],
        weights=weights,
    )
    for replicate in range(replicates):
        study.update(field(sampler.rows(replicate * bundles, (replicate + 1) * bundles)))
        study.close_replicate()
    return study


def turning(x: np.ndarray) -> np.ndarray:
    """Field (i): y(t) = x1 cos t + x2 sin t."""
    return x[..., :1] * np.cos(ANGLES) + x[..., 1:] * np.sin(ANGLES)


def ishigami_along(b: np.ndarray):
    """Field (ii): Ishigami's function with b = b(t)."""

    def field(x: np.ndarray) -> np.ndarray:
        first, second, third = x[..., :1], x[..., 1:2], x[..., 2:]
        return np.sin(first) * (1 + b * third**4) + 7 * np.sin(second) ** 2

    return field


def ishigami_shares(b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact V_i and V_Ti, each (3, n_cells), and V."""
    v1, v2 = (1 + b * np.pi**4 / 5) ** 2 / 2, np.full_like(b, 49 / 8)
    v13 = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    return np.stack([v1, v2, 0 * b]), np.stack([v1 + v13, v2, v13]), v1 + v2 + v13


def test_field_i_has_the_indices_of_every_angle_and_of_all() -> None:
    study = fold_study(turning, UNIT, 8, seed=3, replicates=16, bundles=64, weights=WEIGHTS)
    exact = np.stack([np.cos(ANGLES) ** 2, np.sin(ANGLES) ** 2])
    result, whole = study.result(), study.aggregates.result()
    expected = (exact * WEIGHTS).sum(axis=1, keepdims=True) / WEIGHTS.sum()
    for found, truth in ((result, exact), (whole, expected)):
        for index in ("S1", "ST"):
            # The half-width is about 2.1 standard errors: 3 of it is a sixth of a percent at most.
            assert np.all(np.abs(found[index] - truth) < 3 * found[f"{index}_conf"] + 1e-12)
    assert np.all(whole["S1_conf"] < 0.05)


def test_field_ii_has_the_closed_form_of_every_cell_and_of_all() -> None:
    b = np.linspace(0.0, 0.2, 5)
    study = fold_study(ishigami_along(b), CIRCLE, 5, seed=0, replicates=16, bundles=256)
    first, total, variance = ishigami_shares(b)
    result, whole = study.result(), study.aggregates.result()
    for index, share in (("S1", first), ("ST", total)):
        assert np.all(np.abs(result[index] - share / variance) < 3 * result[f"{index}_conf"] + 1e-12)
        expected = share.sum(axis=1, keepdims=True) / variance.sum()
        assert np.all(np.abs(whole[index] - expected) < 3 * whole[f"{index}_conf"] + 1e-12)


@pytest.mark.parametrize("estimator", names("estimator"))
def test_every_estimator_has_the_aggregated_indices_of_field_ii(estimator: str) -> None:
    """Also those that are no ratios of sums in a single cell; repeats are fields side by side."""
    repeats, b = 400, np.linspace(0.0, 0.2, 5)
    rng = np.random.default_rng(11)
    fields = [slice(k, k + 5) for k in range(0, 5 * repeats, 5)]
    statistics = [{"name": "sobol", "estimator": estimator, "second_order": estimator == "azzini-rosati"}]
    layout = Layout("pick-freeze", 3, both_ways=True)
    study = assemble(statistics, layout, 5 * repeats, np.full(5 * repeats, 3.4), fields=fields)
    for _ in range(16):
        rows = pick_freeze(scrambled(6, 16, repeats, rng), both_ways=True)
        y = ishigami_along(b)(2 * np.pi * rows - np.pi)
        study.update(y.reshape(16, 8, -1))
        study.close_replicate()
    first, total, variance = ishigami_shares(b)
    exact = {"S1": first, "ST": total}
    if estimator == "azzini-rosati":
        exact["S2"] = np.stack([0 * b, (total - first)[0], 0 * b])
    whole = study.aggregates.result()
    alpha = 1e-3 / (2 * 7 * 6)
    low, high = binom.ppf(alpha, repeats, 0.95), binom.isf(alpha, repeats, 0.95)
    for index, share in exact.items():
        truth = share.sum(axis=1, keepdims=True) / variance.sum()
        error = whole[index] - truth
        spread = error.std(axis=1, ddof=1)
        # A ratio of sums is biased by about its variance over its denominator: far below its spread.
        assert np.all(np.abs(error.mean(axis=1)) < 4.5 * spread / np.sqrt(repeats) + 3.0 * spread**2)
        covered = np.sum(np.abs(error) <= whole[f"{index}_conf"], axis=1)
        assert np.all((covered >= low) & (covered <= high)), (index, covered / repeats)


def test_field_iii_has_the_same_indices_everywhere_and_none_where_it_is_zero() -> None:
    stretch = np.array([0.0, 0.5, 1.0, 4.0])  # powers of two, so that bits agree
    ishigami = ishigami_along(np.array([0.1]))
    study = fold_study(lambda x: ishigami(x) * stretch, CIRCLE, 4, seed=1, replicates=8, bundles=32)
    result, whole = study.result(), study.aggregates.result()
    assert result["undefined"][:, 0].all()
    assert not result["undefined"][:, 1:].any()
    assert not whole["undefined"].any()
    for index in ("S1", "ST"):
        assert np.isnan(result[index][:, 0]).all()
        np.testing.assert_array_equal(result[index][:, 2:], result[index][:, 1:2] * np.ones(2))
        np.testing.assert_allclose(whole[index][:, 0], result[index][:, 1], rtol=1e-12)


def test_a_field_that_is_constant_everywhere_is_undefined() -> None:
    study = fold_study(lambda x: 0 * x[..., :1] + np.ones(4), CIRCLE, 4, seed=1, replicates=8, bundles=4)
    whole = study.aggregates.result()
    assert whole["undefined"].all()
    assert np.isnan(whole["S1"]).all()


def test_intervals_of_aggregated_indices_cover() -> None:
    """Nominal 95 %, of the field with equal weights and, side by side, with others.

    A coverage may miss by chance, so the bound is 4 standard errors wide.
    """
    repeats, both = 300, np.concatenate([np.ones(8), WEIGHTS])
    squares = np.stack([np.cos(ANGLES) ** 2, np.sin(ANGLES) ** 2])
    exact = np.stack([squares.mean(axis=1), squares @ WEIGHTS / WEIGHTS.sum()], axis=1)
    hits = {"S1": np.zeros((2, 2)), "ST": np.zeros((2, 2))}
    for seed in range(repeats):
        study = fold_study(
            lambda x: np.tile(turning(x), 2), UNIT, 16, seed=seed, replicates=16, bundles=16,
            weights=both, fields=[slice(0, 8), slice(8, 16)],
        )  # fmt: skip
        whole = study.aggregates.result()
        for index in hits:
            hits[index] += (whole[f"{index}_low"] <= exact) & (exact <= whole[f"{index}_high"])
    error = np.sqrt(0.95 * 0.05 / repeats)
    for index, hit in hits.items():
        assert np.all(np.abs(hit / repeats - 0.95) < 4 * error), (index, hit / repeats)


@pytest.mark.parametrize("n_cells", [1, STRIPES - 1, BLOCK, 3 * BLOCK + STRIPES + 3])
def test_sums_over_cells_equal_numpy_and_do_not_depend_on_the_cut(n_cells: int) -> None:
    rng = np.random.default_rng(n_cells)
    part, weights = rng.normal(size=(3, n_cells + 5)), rng.exponential(size=n_cells)
    weights[::3] = 0.0
    part[:, 5::3] = np.nan
    whole, pieces = np.zeros(3), np.zeros(3)
    add_over_cells(part, 5, weights, whole)
    for first in range(0, n_cells, BLOCK):
        add_over_cells(part, 5 + first, weights[first : first + BLOCK], pieces)
    assert whole.tobytes() == pieces.tobytes()
    kept = np.where(weights > 0, part[:, 5:], 0.0)
    np.testing.assert_allclose(whole, kept @ weights, rtol=1e-12, atol=1e-12)


def test_a_shard_cannot_sum_over_cells_that_it_does_not_hold() -> None:
    inner = assemble(["sobol"], Layout("pick-freeze", 2), 4)
    from parsl_sa.stats.aggregates import Aggregates

    shard = Accumulator(inner.statistics, Aggregates(inner.statistics, [slice(0, 9)], None))
    shard.update(np.zeros((2, 4, 4)))
    with pytest.raises(RuntimeError, match="part of the cells"):
        shard.close_replicate()
