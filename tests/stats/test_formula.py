"""Derivatives of every index by its sums, and the scatter that follows from them."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.records import Layout
from parsl_sa.registry import names, resolve
from parsl_sa.stats.estimators.second_order import SecondOrder
from parsl_sa.stats.formula import COUNT, Correlation, Formula, LinearRatio, many, one, scatter

LAYOUT = Layout("pick-freeze", 3, both_ways=True)
N_BUNDLES, N_CELLS = 40, 5
FAMILIES = {name: resolve("estimator", name) for name in names("estimator")} | {"S2": SecondOrder}


def replicate_totals(family: str, replicates: int = 1) -> np.ndarray:
    """Sums of an estimator over bundles of correlated rows, (replicates, n_sums, n_cells)."""
    rng = np.random.default_rng(7)
    estimator = FAMILIES[family](LAYOUT)
    pivot = np.full(N_CELLS, 0.3)
    totals = np.zeros((replicates, estimator.n_sums, N_CELLS))
    for sums in totals:
        rows = rng.normal(size=(N_BUNDLES, LAYOUT.n_rows, N_CELLS)) + rng.normal(size=(N_BUNDLES, 1, N_CELLS))
        rows.flags.writeable = False
        estimator.fold(rows, np.arange(N_BUNDLES), pivot, sums)
    return totals


def arguments(formula: Formula, sums: np.ndarray, n: float = N_BUNDLES) -> list[np.ndarray]:
    return [np.full((1, 1), n) if row[0] == COUNT else sums[row] for row in formula.rows]


CASES = [
    pytest.param(family, whole, id=f"{family}-{'field' if whole else 'cells'}")
    for family in FAMILIES
    for whole in (False, True)
]
every_formula = pytest.mark.parametrize(("family", "whole"), CASES)


@every_formula
def test_derivatives_are_those_of_a_complex_step(family: str, whole: bool) -> None:
    sums = replicate_totals(family)[0]
    for formula in FAMILIES[family](LAYOUT).formulas(whole_field=whole):
        given = arguments(formula, sums)
        value, gradient = formula.function(*given)
        assert len(gradient) == len(given)
        for place, slope in enumerate(gradient):
            step = 1e-30 * np.abs(given[place]).max()
            moved = [v.astype(complex) for v in given]
            moved[place] = moved[place] + 1j * step
            expected = formula.function(*moved)[0].imag / step
            scale = np.abs(expected).max() * 1e-10 + 1e-15
            np.testing.assert_allclose(
                np.broadcast_to(slope, value.shape), expected, rtol=1e-9, atol=scale, err_msg=str(place)
            )


@every_formula
def test_twice_the_study_has_the_same_index_and_no_slope_along_itself(family: str, whole: bool) -> None:
    sums = replicate_totals(family)[0]
    for formula in FAMILIES[family](LAYOUT).formulas(whole_field=whole):
        given = arguments(formula, sums)
        value, gradient = formula.function(*given)
        doubled, _ = formula.function(*(2.0 * v for v in given))
        np.testing.assert_allclose(doubled, value, rtol=1e-12)
        along = sum(slope * v for slope, v in zip(gradient, given, strict=True))
        size = sum(np.abs(slope * v) for slope, v in zip(gradient, given, strict=True))
        assert np.all(np.abs(along) <= 1e-12 * size)


@every_formula
def test_the_scatter_is_that_of_what_each_replicate_moves_the_index_by(family: str, whole: bool) -> None:
    totals = replicate_totals(family, replicates=6)
    for formula in FAMILIES[family](LAYOUT).formulas(whole_field=whole):
        value, gradient = formula.function(*arguments(formula, totals.sum(axis=0), 6.0 * N_BUNDLES))
        each = [arguments(formula, part) for part in totals]
        moves = [sum(g * v for g, v in zip(gradient, part, strict=True)) for part in each]
        products = lambda u, v: sum(part[u] * part[v] for part in each)  # noqa: E731, B023 - used at once
        found = scatter(gradient, products, np.zeros_like(value))
        np.testing.assert_allclose(found, np.square(moves).sum(axis=0), rtol=1e-9)


def test_pairs_are_the_products_that_the_scatter_asks_for() -> None:
    formula = Formula("S1", (many(0, 2), one(4), one(COUNT)), LinearRatio((1.0, 1.0)))
    assert formula.pairs(5) == {(0, 0), (1, 1), (0, 4), (1, 4), (4, 4), (0, 5), (1, 5), (4, 5)}


def test_a_shift_leaves_the_count_alone() -> None:
    shifted = Formula("S1", (many(0, 2), one(COUNT)), LinearRatio((1.0,))).shifted(10)
    assert [row.tolist() for row in shifted.rows] == [[10, 11], [COUNT]]


def test_the_correlation_is_pearsons() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50)) + rng.normal(size=50)
    value, _ = Correlation(-1.0, 1.0)(x @ y, x.sum(), x @ x, y.sum(), y @ y, np.float64(50))
    assert value == pytest.approx(1.0 - np.corrcoef(x, y)[0, 1], rel=1e-12)
