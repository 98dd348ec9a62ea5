"""Flags of Sobol' indices: the dtype at its limit, and one replicate that carries the interval."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.records import Layout
from parsl_sa.registry import names
from parsl_sa.stats import assemble
from support.repeated import ishigami, pick_freeze, scrambled

ESTIMATORS = names("estimator")
BOTH = Layout("pick-freeze", 3, both_ways=True)
MEAN = 1e3
RELATIVE_SDS = np.array([1e-1, 1e-4, 5e-6, 1e-7])
"""In spacings of float32, at a mean of 1e3: 840,000, 840, 42 and 0.84."""


def study_of(rows: np.ndarray, estimator: str, pivot: np.ndarray, replicates: int = 16, **options: object):
    study = assemble([{"name": "sobol", "estimator": estimator}], BOTH, rows.shape[2], pivot, **options)
    for part in np.split(rows, replicates):
        study.update(part)
        study.close_replicate()
    return study


def rows_at_the_limit(dtype: str) -> np.ndarray:
    unit = np.random.default_rng(0).random((256, 6))
    y = ishigami(pick_freeze(unit, both_ways=True))[..., np.newaxis]
    y = (y - 3.5) / np.sqrt(13.8446)
    return (MEAN * (1.0 + RELATIVE_SDS * y)).astype(dtype)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_deviation_of_few_spacings_is_limited_and_of_less_than_four_undefined(estimator: str) -> None:
    study = study_of(rows_at_the_limit("float32"), estimator, np.full(4, MEAN), dtype="float32")
    result = study.result()
    assert result["undefined"].all(axis=0).tolist() == [False, False, False, True]
    assert not result["undefined"][:, :3].any()
    assert result["precision_limited"].tolist() == [False, False, True, False]
    assert np.isnan(result["S1"][:, 3]).all()
    assert np.isnan(result["ST_conf"][:, 3]).all()
    assert np.isfinite(result["S1"][:, :3]).all()
    # 840 spacings a standard deviation are enough for the indices of the exact output
    np.testing.assert_allclose(result["ST"][:, 1], result["ST"][:, 0], atol=2e-3)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_same_numbers_are_plain_in_float64(estimator: str) -> None:
    result = study_of(rows_at_the_limit("float64"), estimator, np.full(4, MEAN)).result()
    assert not result["undefined"].any()
    assert not result["precision_limited"].any()
    np.testing.assert_allclose(result["ST"], result["ST"][:, :1].repeat(4, axis=1), rtol=1e-5)


def test_a_whole_field_is_judged_by_the_size_of_its_pivots() -> None:
    fields = [slice(2, 4), slice(0, 4)]
    rows = rows_at_the_limit("float32")
    study = study_of(rows, "jansen-paired", np.full(4, MEAN), dtype="float32", fields=fields)
    found = study.aggregates.result()
    assert not found["undefined"].any()
    # two cells of 42 and 0.84 spacings: sqrt((42^2 + 0.84^2) / 2) = 30 of the field's own
    assert found["precision_limited"].tolist() == [True, False]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_heavy_tail_has_a_dominant_replicate_and_ishigami_has_none(estimator: str) -> None:
    rng = np.random.default_rng(1)
    repeats = 200
    points = [pick_freeze(scrambled(6, 16, repeats, rng), both_ways=True) for _ in range(16)]
    light = np.concatenate([ishigami(part) for part in points])
    assert not study_of(light, estimator, np.full(repeats, 3.5)).result()["dominant_replicate"].any()
    # a product of Pareto variables with exponent 1.5 has no variance: one bundle carries the sums
    heavy = np.concatenate([np.prod((1.0 - part) ** (-1 / 1.5), axis=-1) for part in points])
    flagged = study_of(heavy, estimator, np.ones(repeats)).result()["dominant_replicate"]
    assert flagged.mean() > 0.9
    few = study_of(heavy[: 7 * 16], estimator, np.ones(repeats), replicates=7).result()
    assert not few["dominant_replicate"].any()  # below 8 replicates there is no interval to doubt
