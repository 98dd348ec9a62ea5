"""What follows from scores, against SciPy, closed forms and exact sums, also at the ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import special, stats

from parsl_sa.models.quantities.entropy import Entropy
from parsl_sa.models.quantities.scores import Scores

if TYPE_CHECKING:
    import numpy.typing as npt

RNG = np.random.default_rng(5)
LOGITS = RNG.normal(0.0, 4.0, (64, 7))
DENSE = RNG.normal(0.0, 4.0, (8, 5, 3, 4))
EPS = np.finfo(float).eps

extreme = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6),
    elements=st.floats(-1e4, 1e4, allow_subnormal=False),
)


@pytest.mark.parametrize("logits", [LOGITS, DENSE], ids=["classes", "dense"])
def test_probabilities_are_those_of_scipy(logits: npt.NDArray[np.float64]) -> None:
    scores = Scores(logits)
    np.testing.assert_allclose(scores.probabilities, special.softmax(logits, axis=1), rtol=1e-14)
    np.testing.assert_allclose(scores.log_probabilities, special.log_softmax(logits, axis=1), rtol=1e-12)
    np.testing.assert_array_equal(scores.predicted, logits.argmax(axis=1))


@pytest.mark.parametrize("logits", [LOGITS, DENSE], ids=["classes", "dense"])
def test_log_odds_are_those_of_the_probabilities(logits: npt.NDArray[np.float64]) -> None:
    expected = special.logit(special.softmax(logits, axis=1))
    np.testing.assert_allclose(Scores(logits).log_odds, expected, rtol=1e-9, atol=1e-9)


def test_margins_are_to_the_best_other() -> None:
    expected = [[row[k] - max(np.delete(row, k)) for k in range(len(row))] for row in LOGITS]
    np.testing.assert_array_equal(Scores(LOGITS).margins, expected)


@settings(max_examples=100, deadline=None)
@given(extreme)
def test_extreme_logits_lose_no_digits(logits: npt.NDArray[np.float64]) -> None:
    scores = Scores(logits)
    for row, odds, logs in zip(logits, scores.log_odds, scores.log_probabilities, strict=True):
        for k, logit in enumerate(row):
            # A sum behind its largest term, exact but for exp: an oracle without cancellation.
            others = np.delete(row, k) - logit
            top = max(others)
            above = top + math.log(math.fsum(math.exp(other - top) for other in others))
            log_p = -math.log1p(math.exp(above)) if above < 0 else -above - math.log1p(math.exp(-above))
            rounding = 4 * EPS * np.abs(row).max()  # of differences of logits
            assert abs(odds[k] + above) <= rounding + 8 * EPS * (1 + abs(above))
            passed_on = (rounding + 8 * EPS) * math.exp(min(above, 0.0))
            assert abs(logs[k] - log_p) <= passed_on + 8 * EPS * abs(log_p) + 1e-300


@settings(max_examples=100, deadline=None)
@given(extreme)
def test_of_two_classes_margin_and_log_odds_are_one(logits: npt.NDArray[np.float64]) -> None:
    two = Scores(logits[:, :2])
    difference = logits[:, 0] - logits[:, 1]
    np.testing.assert_array_equal(two.margins, np.stack([difference, -difference], axis=1))
    np.testing.assert_array_equal(two.log_odds, two.margins)


def test_saturated_logits_keep_finite_log_odds_where_probabilities_are_flat() -> None:
    logits = np.array([[800.0, 0.0, 1.0], [801.0, 0.0, 1.0]])
    scores = Scores(logits)
    assert (scores.probabilities[:, 0] == 1.0).all()
    expected = logits[:, 0] - np.log1p(math.e)
    np.testing.assert_allclose(scores.log_odds[:, 0], expected, rtol=1e-15)
    assert np.isfinite(scores.log_odds).all()


def test_given_probabilities_of_0_and_1_have_infinite_log_odds() -> None:
    sure = Scores(np.array([[1.0, 0.0]]), "probabilities")
    np.testing.assert_array_equal(sure.log_odds, [[np.inf, -np.inf]])
    np.testing.assert_array_equal(sure.margins, [[np.inf, -np.inf]])
    one = Scores(np.array([1.0, 0.0]), "probabilities")
    np.testing.assert_array_equal(one.log_odds, [[-np.inf, np.inf], [np.inf, -np.inf]])


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_one_logit_is_that_of_class_1(shape: tuple[int, ...]) -> None:
    z = np.array([-900.0, -2.0, 0.0, 0.5, 900.0])
    scores = Scores(z.reshape(shape))
    np.testing.assert_array_equal(scores.logits, np.stack([-z, z], axis=1))
    np.testing.assert_allclose(scores.probabilities, special.expit(np.stack([-z, z], axis=1)), rtol=1e-15)
    np.testing.assert_array_equal(scores.log_odds, np.stack([-z, z], axis=1))
    np.testing.assert_array_equal(scores.margins, np.stack([-z, z], axis=1))
    np.testing.assert_array_equal(scores.predicted, [0, 0, 0, 1, 1])
    assert scores.n_classes == 2


def test_one_probability_is_that_of_class_1() -> None:
    p = np.array([0.01, 0.5, 0.75])
    scores = Scores(p, "probabilities")
    np.testing.assert_array_equal(scores.probabilities, np.stack([1 - p, p], axis=1))
    np.testing.assert_allclose(scores.log_odds[:, 1], special.logit(p), atol=1e-15)
    np.testing.assert_array_equal(scores.predicted, [0, 0, 1])


def test_one_logit_of_every_pixel_has_a_field_of_answers() -> None:
    z = RNG.normal(size=(4, 1, 3, 2))
    scores = Scores(z)
    np.testing.assert_allclose(scores.probabilities[:, 1], special.expit(z[:, 0]), rtol=1e-14)
    np.testing.assert_array_equal(scores.predicted, (z[:, 0] > 0).astype(np.int64))


def test_a_row_with_nan_is_nan_alone() -> None:
    logits = LOGITS.copy()
    logits[3, 2] = np.nan
    scores = Scores(logits)
    for found in (scores.probabilities, scores.log_probabilities, scores.log_odds, scores.margins):
        assert np.isnan(found[3]).all()
        assert np.isfinite(np.delete(found, 3, axis=0)).all()
    assert scores.predicted[3] == -1


def test_a_class_ruled_out_has_no_probability_and_the_others_keep_theirs() -> None:
    scores = Scores(np.array([[0.0, -np.inf, math.log(3.0)]]))
    np.testing.assert_allclose(scores.probabilities, [[0.25, 0.0, 0.75]])
    np.testing.assert_allclose(scores.log_odds, [[-math.log(3), -np.inf, math.log(3)]])
    alone = Scores(np.array([[0.0, -np.inf]]))
    np.testing.assert_array_equal(alone.log_odds, [[np.inf, -np.inf]])


def test_equal_scores_go_to_the_first_class() -> None:
    assert Scores(np.array([[1.0, 1.0, 0.0]])).predicted == 0
    # Different probabilities with one logarithm are still told apart.
    close = np.array([[0.2, np.nextafter(0.2, 1.0), 0.2, 0.2, 0.2]])
    assert np.log(close[0, 0]) == np.log(close[0, 1])
    assert Scores(close, "probabilities").predicted == 1


def test_what_is_given_is_not_touched() -> None:
    logits = LOGITS.copy()
    scores = Scores(logits)
    assert scores.log_odds.shape == scores.margins.shape == logits.shape
    np.testing.assert_array_equal(logits, LOGITS)


def test_entropy_of_scipy_from_both_kinds() -> None:
    p = special.softmax(LOGITS, axis=1)
    expected = stats.entropy(p, axis=1)
    np.testing.assert_allclose(Entropy().compute(Scores(LOGITS), None), expected, rtol=1e-12)
    np.testing.assert_allclose(Entropy().compute(Scores(p, "probabilities"), None), expected, rtol=1e-12)
    sure = Entropy().compute(Scores(np.array([[0.0, 40.0]])), None)
    np.testing.assert_allclose(sure, 41 * math.exp(-40), rtol=1e-12)
