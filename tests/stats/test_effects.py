"""Effects against exact answers, the measured coverage of their intervals, and what counts as 0.

Repeats are cells, as in test_sobol.py.
"""

from __future__ import annotations

from math import exp, pi, sqrt

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from parsl_sa.analytic import linear_gaussian
from parsl_sa.design import assemble as assemble_design
from parsl_sa.errors import LayoutError
from parsl_sa.records import Layout
from parsl_sa.stats.effects import Effects
from support.repeated import scrambled

REPEATS, REPLICATES, SIZE = 1000, 16, 16
LAYOUT = Layout("one-at-a-time", 4)


def folded(rows: np.ndarray, replicates: int = 1, **options: object) -> dict[str, np.ndarray]:
    effects = Effects(Layout("one-at-a-time", rows.shape[1] - 1), rows.shape[2], **options)
    for part in np.split(rows, replicates):
        effects.update(part)
        effects.close_replicate()
    return effects.result()


def scene(s1: np.ndarray, s2: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Two patches, one that darkens and one that lightens, under a uniform and a normal nuisance."""
    y: np.ndarray = s1 * (1.0 + x**2) - 2.0 * s2 * np.exp(z / 2.0)
    return y


LOGNORMAL = exp(1 / 8)
# Patches: means of 1 + x^2 and of -2 exp(z / 2). What is drawn alike in A and B has the mean 0, and in
# magnitude E |x^2 - x'^2| = 1 / 3 and 2 E |exp(z / 2) - exp(z' / 2)| = 4 exp(1 / 8) (2 Phi(1 / sqrt 8) - 1).
EXACT = {
    "effect": np.array([4 / 3, -2 * LOGNORMAL, 0.0, 0.0]),
    "effect_abs": np.array([4 / 3, 2 * LOGNORMAL, 1 / 3, 4 * LOGNORMAL * (2 * ndtr(1 / sqrt(8)) - 1)]),
    "effect_sd": np.array([
        sqrt(1 / 5 - 1 / 9), 2 * sqrt(exp(1 / 2) - exp(1 / 4)),
        sqrt(2 * (1 / 5 - 1 / 9)), 2 * sqrt(2 * (exp(1 / 2) - exp(1 / 4))),
    ]),
}  # fmt: skip


@pytest.fixture(scope="module")
def repeated() -> dict[str, np.ndarray]:
    """Results of REPEATS independent studies of n = 256 in 16 replicates, one a cell."""
    effects = Effects(LAYOUT, REPEATS)
    rng = np.random.default_rng(20111)
    for _ in range(REPLICATES):
        x, z, other_x, other_z = np.moveaxis(scrambled(4, SIZE, REPEATS, rng), 2, 0)
        z, other_z = ndtri(z), ndtri(other_z)
        on, off = np.ones_like(x), np.zeros_like(x)
        A, B = (on, on, x, z), (off, off, other_x, other_z)
        columns = [A, *((*A[:i], B[i], *A[i + 1 :]) for i in range(4))]
        effects.update(np.stack([scene(*row) for row in columns], axis=1))
        effects.close_replicate()
    return effects.result()


def test_effects_centre_on_the_exact_answers(repeated: dict[str, np.ndarray]) -> None:
    for name, truth in EXACT.items():
        values = repeated[name]
        standard_error = values.std(axis=1, ddof=1) / sqrt(REPEATS)
        # The root of a variance, whose divisor n - 1 is too small for points that are spread evenly.
        bias = values.var(axis=1) + truth / (2 * REPLICATES * SIZE) if name == "effect_sd" else 0.0
        assert np.all(np.abs(values.mean(axis=1) - truth) < 4.5 * standard_error + bias + 1e-12), name


def test_intervals_of_95_percent_cover_as_often(repeated: dict[str, np.ndarray]) -> None:
    covered = np.concatenate([
        np.sum(np.abs(repeated[name] - EXACT[name][:, None]) <= repeated[f"{name}_conf"], axis=1)
        for name in ("effect", "effect_abs")
    ])  # fmt: skip
    # Both sides at one in a thousand over all of them together.
    alpha = 1e-3 / (2 * len(covered))
    low, high = binom.ppf(alpha, REPEATS, 0.95), binom.isf(alpha, REPEATS, 0.95)
    assert np.all((covered >= low) & (covered <= high)), covered / REPEATS


def test_magnitudes_of_a_linear_function_are_known() -> None:
    """Of c x with normal x of standard deviation s, e is normal of sd c s sqrt 2: E |e| = 2 c s / sqrt pi."""
    c, s = (1.0, -2.0, 3.0, 0.0), (1.0, 1.0, 0.5, 1.0)
    function = linear_gaussian(c, s)
    sampler = assemble_design(
        {"method": "one-at-a-time", "sequence": "sobol", "seed": 0}, function.parameters, 64
    )
    inputs = sampler.rows(0, 16 * 64)
    rows = function(inputs.reshape(-1, 4)).reshape(-1, 5, 1)
    result = folded(rows, 16)
    exact = 2 * np.abs(np.multiply(c, s)) / sqrt(pi)
    # 4 intervals; 2 half-widths are 99.9 % of a t distribution with 15 degrees of freedom
    assert (np.abs(result["effect_abs"][:, 0] - exact) <= 2 * result["effect_abs_conf"][:, 0]).all()
    assert (result["effect_abs_conf"][:3, 0] < 0.05 * exact[:3]).all()
    np.testing.assert_allclose(result["effect_sd"][:, 0], np.abs(np.multiply(c, s)) * sqrt(2), rtol=0.05)
    assert (result["effect_abs"][3], result["effect_sd"][3], result["effect_abs_conf"][3]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("replicates", [8, 64])
def test_of_switches_alone_the_effect_is_the_coefficient_and_the_interval_has_no_width(
    dtype: str, replicates: int
) -> None:
    c = np.array([0.1, -0.7, 1e-5, 0.0, 123.456])
    rows = np.concatenate([[c.sum()], c.sum() - c]).astype(dtype)
    result = folded(np.tile(rows[None, :, None], (replicates, 1, 3)), replicates, dtype=dtype)
    exact = rows[0].astype(float) - rows[1:].astype(float)
    for name, truth in (("effect", exact), ("effect_abs", np.abs(exact))):
        np.testing.assert_allclose(result[name], truth[:, None] * np.ones(3), rtol=1e-14)
        assert (result[f"{name}_conf"] == 0.0).all()
    assert (result["effect_sd"] == 0.0).all()
    assert not result["flat"].any()


@pytest.mark.parametrize("spread", [1e-6, 1e-5, 1e-2])
def test_a_spread_above_rounding_is_kept(spread: float) -> None:
    effects = 1.0 + spread * np.random.default_rng(0).normal(size=(256, 1))
    result = folded(np.stack([effects, 0.0 * effects], axis=1), 16)
    # The relative error of a standard deviation is 1 / sqrt(2 n), that of the interval 1 / sqrt(2 * 15).
    assert abs(result["effect_sd"].item() / spread - 1) < 5 / sqrt(2 * 256)
    assert abs(result["effect_conf"].item() / (2.13 * spread / 16) - 1) < 5 / sqrt(30)


def test_flat_where_no_factor_moves_the_output_beyond_rounding() -> None:
    """A saturated probability: every effect is a spacing or two of the dtype, and the cell says so."""
    saturated = np.array([1.0, 1.0 - 2**-24, 1.0])
    moved = np.array([1.0, 1.0 - 2**-24, 0.99])
    dead = np.zeros(3)
    unknown = np.array([np.nan, 1.0, 1.0])
    rows = np.tile(np.stack([saturated, moved, dead, unknown], axis=1), (8, 1, 1)).astype(np.float32)
    result = folded(rows, 8, pivot=np.array([1.0, 1.0, 0.0, 1.0]), dtype="float32")
    assert result["flat"].tolist() == [True, False, True, False]
    assert result["effect"][1].tolist()[2] == 0.0


@pytest.mark.parametrize("method", ["pick-freeze", "monte-carlo", "conditional"])
def test_other_rows_are_refused_with_the_cure(method: str) -> None:
    with pytest.raises(LayoutError, match=r"design\.method to \"one-at-a-time\""):
        Effects(Layout(method, 3), 1)
