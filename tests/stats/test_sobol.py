"""Sobol' indices against exact answers, theory and SALib; the interval's measured coverage.

Repeats are cells: one field whose cells are independent repeats of one study, each replicate of each
with a scrambling of its own.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom, qmc

from parsl_sa.errors import LayoutError
from parsl_sa.records import Layout
from parsl_sa.stats import Accumulator, assemble
from parsl_sa.stats.sobol import Sobol
from support.repeated import g8, ishigami, pick_freeze, scrambled

REPEATS = 2000
REPLICATES = 16


ISHIGAMI = {
    "S1": np.array([0.3139051911, 0.4424111448, 0.0]),
    "ST": np.array([0.5575888552, 0.4424111448, 0.2436836641]),
    "mean": np.array(3.5),
    "variance": np.array(13.8445879407),
}


def g8_exact() -> dict[str, np.ndarray]:
    v = 1.0 / (3.0 * (1.0 + np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0])) ** 2)
    variance = np.prod(1.0 + v) - 1.0
    return {
        "S1": v / variance,
        "ST": v * np.prod(1.0 + v) / (1.0 + v) / variance,
        "mean": np.array(1.0),
        "variance": np.array(variance),
    }


@cache
def repeated_study(function: str, estimator: str) -> dict[str, np.ndarray]:
    """Results of REPEATS independent studies of n = 1024 in 16 replicates, one a cell."""
    model, d, repeats = (ishigami, 3, REPEATS) if function == "ishigami" else (g8, 8, REPEATS // 4)
    layout = Layout("pick-freeze", d, both_ways=estimator == "azzini-rosati")
    study = assemble(["moments", {"name": "sobol", "estimator": estimator}], layout, repeats)
    rng = np.random.default_rng(20240)
    for _ in range(REPLICATES):
        points = scrambled(2 * d, 1024 // REPLICATES, repeats, rng)
        study.update(model(pick_freeze(points, both_ways=layout.both_ways)))
        study.close_replicate()
    return study.result()


ESTIMATORS = [
    "jansen-paired",
    "azzini-rosati",
    "jansen",
    "martinez",
    "saltelli-2010",
    "janon-monod",
    "saltelli-jansen",
]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("function", ["ishigami", "g8"])
def test_estimates_centre_on_the_exact_answer(function: str, estimator: str) -> None:
    exact = ISHIGAMI if function == "ishigami" else g8_exact()
    result = repeated_study(function, estimator)
    for name, truth in exact.items():
        values = result[name]
        standard_error = values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])
        # A ratio of sums is biased by about its variance over its denominator: far below its spread.
        bias = 3.0 * values.var(axis=-1) + 1e-12
        assert np.all(np.abs(values.mean(axis=-1) - truth) < 4.5 * standard_error + bias), name


@pytest.mark.parametrize(("function", "published"), [("ishigami", 0.010), ("g8", 0.0021)])
def test_error_of_azzini_rosati_is_the_published_one(function: str, published: float) -> None:
    exact = ISHIGAMI if function == "ishigami" else g8_exact()
    errors = repeated_study(function, "azzini-rosati")["S1"] - exact["S1"][:, np.newaxis]
    seen = np.sqrt((errors**2).mean(axis=-1)).mean()  # over the parameters, as published
    # Two digits from at least 600 repeats: 5 % for rounding, and 4 standard errors of the two together.
    assert abs(seen / published - 1.0) < 0.05 + 4.0 * np.sqrt(0.5 / 600 + 0.5 / errors.shape[-1])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_error_falls_as_the_interval_says(estimator: str) -> None:
    result = repeated_study("ishigami", estimator)
    t = 2.131449545559323  # quantile .975 with 15 degrees of freedom
    for name in ("S1", "ST", "mean", "variance"):
        stated = np.sqrt(((result[f"{name}_conf"] / t) ** 2).mean(axis=-1))
        seen = result[name].std(axis=-1, ddof=1)
        # Relative standard errors: of the seen spread 1/sqrt(2 R); of the stated one far less.
        # The linearisation and kurtosis may cost a few per cent more.
        np.testing.assert_allclose(stated, seen, rtol=5.0 / np.sqrt(2.0 * REPEATS) + 0.03, err_msg=name)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_intervals_of_95_percent_cover_as_often(estimator: str) -> None:
    result = repeated_study("ishigami", estimator)
    covered = np.concatenate([
        np.atleast_1d(np.sum(np.abs(result[name].T - truth) <= result[f"{name}_conf"].T, axis=0))
        for name, truth in ISHIGAMI.items()
    ])  # fmt: skip
    # No index is inert, so each count is binomial if the interval is exact. Both sides at one in
    # a thousand over all indices of both estimators together.
    alpha = 1e-3 / (2 * len(ESTIMATORS) * len(covered))
    low, high = binom.ppf(alpha, REPEATS, 0.95), binom.isf(alpha, REPEATS, 0.95)
    assert np.all((covered >= low) & (covered <= high)), covered / REPEATS


def study_of(rows: np.ndarray, layout: Layout, estimator: str) -> Accumulator:
    study = assemble(["moments", {"name": "sobol", "estimator": estimator}], layout, rows.shape[2])
    study.update(rows)
    study.close_replicate()
    return study


def test_totals_agree_with_salib_up_to_the_variance_it_divides_by() -> None:
    sobol = pytest.importorskip("SALib.analyze.sobol")
    points = qmc.Sobol(6, rng=np.random.default_rng(3)).random(256)
    rows = ishigami(pick_freeze(points, both_ways=False))[..., np.newaxis]
    study = study_of(rows, Layout("pick-freeze", 3), "jansen-paired")
    A, B = rows[:, 0, 0], rows[:, 1, 0]
    q = np.mean((A - B) ** 2) / 2.0
    theirs = [sobol.total_order(A, rows[:, 2 + i, 0], B) for i in range(3)]
    ours = study.result()["ST"][:, 0] * q / np.var(np.concatenate([A, B]))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_an_additive_function_has_its_exact_total_from_every_bundle() -> None:
    # y = 3 x1 with an inert x2: each difference is all or nothing, so no sampling error is left.
    rng = np.random.default_rng(5)
    rows = 3.0 * pick_freeze(rng.random((64, 4)), both_ways=True)[..., :1]
    for estimator in ("jansen-paired", "azzini-rosati"):
        result = study_of(rows, Layout("pick-freeze", 2, both_ways=True), estimator).result()
        np.testing.assert_allclose(result["S1"][:, 0], [1.0, 0.0], atol=1e-14)
        np.testing.assert_array_equal(result["ST"][:, 0], [1.0, 0.0])


def test_the_estimator_follows_the_layout_unless_named() -> None:
    both, one = Layout("pick-freeze", 3, both_ways=True), Layout("pick-freeze", 3)
    assert Sobol(both, 1).estimator == "azzini-rosati"
    assert Sobol(one, 1).estimator == "saltelli-jansen"
    assert Sobol(Layout("conditional", 3), 1).estimator == "jansen-paired"
    assert Sobol(both, 1, estimator="jansen-paired").estimator == "jansen-paired"
    with pytest.raises(LayoutError, match="both_ways to true"):
        Sobol(one, 1, estimator="azzini-rosati")
    with pytest.raises(LayoutError, match="both_ways to true"):
        Sobol(one, 1, second_order=True)
    with pytest.raises(LayoutError, match="pick-freeze"):
        Sobol(Layout("monte-carlo", 3), 1)


@pytest.mark.parametrize(
    ("estimator", "rows"),
    [
        ("jansen-paired", (13, 38)),
        ("azzini-rosati", (18, 48)),
        ("jansen", (15, 69)),
        ("saltelli-jansen", (15, 57)),
        ("martinez", (29, 190)),
    ],
)
def test_state_is_as_small_as_promised(estimator: str, rows: tuple[int, int]) -> None:
    layout = Layout("pick-freeze", 6, both_ways=True)
    state = Sobol(layout, 2, estimator=estimator).state()
    assert (len(state["open"]), len(state["closed"])) == rows
