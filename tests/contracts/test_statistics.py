"""What every statistic of the table must do, for every layout and estimator it accepts.

A new entry of the tables is tested at once; its author adds the plain NumPy formula to REFERENCES.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from parsl_sa import registry
from parsl_sa.errors import BundleShapeError, LayoutError, MergeError
from parsl_sa.records import Layout
from parsl_sa.stats import folding
from parsl_sa.stats.compile import BLOCK, FEW_CELLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Formula = Callable[..., dict[str, Any]]

LAYOUTS = {
    "one-way": Layout("pick-freeze", 3),
    "both-ways": Layout("pick-freeze", 3, both_ways=True),
    "one-parameter": Layout("pick-freeze", 1, both_ways=True),
    "monte-carlo": Layout("monte-carlo", 3),
    "one-at-a-time": Layout("one-at-a-time", 3),
}
SIZES = (1, 3, FEW_CELLS + 6, BLOCK + 70)
LEVEL = 0.95
PIVOT = 2.5
BUNDLES = 8

# --------------------------------------------------------------------------------------------------
# The formulas once more, in plain NumPy over stored rows: residuals instead of expanded products.


def observations(rows: np.ndarray, layout: Layout) -> np.ndarray:
    used = rows[:, :2] if layout.method == "pick-freeze" else rows[:, :1]
    return used.astype(np.float64)


def interval(name: str, value: np.ndarray, residuals: np.ndarray, weight: Any) -> dict[str, np.ndarray]:
    """Interval from residuals of replicates, shape (L, ...)."""
    n = len(residuals)
    half = student.ppf(0.5 + LEVEL / 2, n - 1) * np.sqrt(n / (n - 1) * (residuals**2).sum(0)) / weight
    return {name: value, f"{name}_conf": half, f"{name}_low": value - half, f"{name}_high": value + half}


def batch_moments(replicates: list[np.ndarray], layout: Layout) -> dict[str, np.ndarray]:
    parts = [observations(rows, layout).reshape(-1, rows.shape[2]) for rows in replicates]
    values = np.concatenate(parts)
    mean, n = values.mean(0), len(values)
    means = np.stack([(part - mean).sum(0) for part in parts])
    variances = np.stack([((part - mean) ** 2 - values.var(0)).sum(0) for part in parts])
    return interval("mean", mean, means, n) | interval("variance", values.var(0, ddof=1), variances, n)


def terms_moments(rows: np.ndarray, layout: Layout, pivot: np.ndarray) -> np.ndarray:
    shifted = observations(rows, layout) - pivot
    return np.stack([shifted, shifted**2]).reshape(2, -1, rows.shape[2])


def batch_extrema(replicates: list[np.ndarray], layout: Layout) -> dict[str, np.ndarray]:
    values = np.concatenate(replicates).astype(np.float64)
    return {"minimum": values.min((0, 1)), "maximum": values.max((0, 1))}


def effects_of(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64).swapaxes(0, 1)
    return rows[:1] - rows[1:]


def batch_effects(replicates: list[np.ndarray], layout: Layout) -> dict[str, np.ndarray]:
    parts = [effects_of(rows) for rows in replicates]
    every = np.concatenate(parts, axis=1)
    results: dict[str, np.ndarray] = {}
    for name, size in (("effect", lambda e: e), ("effect_abs", np.abs)):
        mean = size(every).mean(1)
        moved = np.stack([(size(part) - mean[:, None]).sum(1) for part in parts])
        results |= interval(name, mean, moved, every.shape[1])
    flat = np.zeros(every.shape[2], bool)
    return results | {"effect_sd": every.std(1, ddof=1), "flat": flat}


def terms_effects(rows: np.ndarray, layout: Layout, pivot: np.ndarray) -> np.ndarray:
    effects = effects_of(rows)
    return np.concatenate([effects, effects, effects**2])


def split_rows(rows: np.ndarray, d: int) -> tuple[np.ndarray, ...]:
    rows = rows.astype(np.float64).swapaxes(0, 1)
    return rows[:1], rows[1:2], rows[2 : 2 + d], rows[2 + d :]


def indices(replicates: list[np.ndarray], layout: Layout, formula: Formula) -> dict[str, np.ndarray]:
    """Indices and intervals of a plain formula over weighted bundles.

    What a replicate moves an index by is the derivative by its weight, here by a complex step.
    """
    rows = np.concatenate(replicates).astype(np.float64)
    owner = np.repeat(np.arange(len(replicates)), [len(part) for part in replicates])
    a, b, ab, ba = split_rows(rows, layout.d)
    results: dict[str, np.ndarray] = {}
    plain = formula(np.ones(len(rows)), a[0], b[0], ab, ba)
    steps = [formula(np.where(owner == r, 1.0 + 1e-30j, 1.0), a[0], b[0], ab, ba) for r in range(9)]
    for name, value in plain.items():
        moved = np.stack([step[name].imag / 1e-30 for step in steps])
        results |= interval(name, value, moved, 1.0)
    spread = [(a - b) ** 2 + ((ba - ab) ** 2 if formula is azzini_rosati else 0.0)]
    totals = np.stack([spread[0][:, owner == r].sum(1) for r in range(len(replicates))])
    share = totals / totals.sum(0)
    n = len(replicates)
    bound = (1 + np.sqrt((n - 1) * np.maximum(n * (share**2).sum(0) - 1, 0))) / n
    return results | {
        "undefined": np.zeros((layout.d, rows.shape[2]), bool),
        "precision_limited": np.zeros(rows.shape[2], bool),
        "dominant_replicate": (bound > 0.3).any(axis=0),
    }


def total(w: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Weighted sum over bundles of (..., n, n_cells)."""
    return np.einsum("n,...nc->...c", w, terms)


def pooled_variance(w: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    mean = total(w, a + b) / (2 * w.sum())
    return (total(w, a * a) + total(w, b * b)) / (2 * w.sum()) - mean**2


def jansen_paired(w: Any, a: Any, b: Any, ab: Any, ba: Any) -> dict[str, Any]:
    q = total(w, (a - b) ** 2)
    return {"S1": 1 - total(w, (b - ab) ** 2) / q, "ST": total(w, (a - ab) ** 2) / q}


def azzini_rosati(w: Any, a: Any, b: Any, ab: Any, ba: Any) -> dict[str, Any]:
    q = total(w, (a - b) ** 2 + (ba - ab) ** 2)
    both = (b - ba) ** 2 + (a - ab) ** 2
    return {"S1": 2 * total(w, (ba - b) * (a - ab)) / q, "ST": total(w, both) / q}


def jansen(w: Any, a: Any, b: Any, ab: Any, ba: Any) -> dict[str, Any]:
    v = 2 * w.sum() * pooled_variance(w, a, b)
    return {"S1": 1 - total(w, (b - ab) ** 2) / v, "ST": total(w, (a - ab) ** 2) / v}


def saltelli(w: Any, a: Any, b: Any, ab: Any, ba: Any) -> dict[str, Any]:
    v = w.sum() * pooled_variance(w, a, b)
    return {"S1": total(w, (b - PIVOT) * (ab - a)) / v, "ST": total(w, (a - ab) ** 2) / (2 * v)}


def saltelli_jansen(w: Any, a: Any, b: Any, ab: Any, ba: Any) -> dict[str, Any]:
    everything = [a, b, *ab]
    n, mean = len(everything) * w.sum(), sum(total(w, y) for y in everything)
    v = sum(total(w, y * y) for y in everything) / n - (mean / n) ** 2
    return {
        "S1": 2 * total(w, (b - PIVOT) * (ab - a)) / total(w, (a - b) ** 2),
        "ST": total(w, (a - ab) ** 2) / (2 * w.sum() * v),
    }


def martinez(w: Any, a: Any, b: Any, ab: Any, ba: Any) -> dict[str, Any]:
    def correlation(x: Any, y: Any) -> Any:
        mx, my = total(w, x) / w.sum(), total(w, y) / w.sum()
        cxy, cxx, cyy = (total(w, u * v) for u, v in ((x, y), (x, x), (y, y)))
        n = w.sum()
        return (cxy - n * mx * my) / np.sqrt((cxx - n * mx**2) * (cyy - n * my**2))

    return {"S1": correlation(b, ab), "ST": 1 - correlation(a, ab)}


def janon_monod(w: Any, a: Any, b: Any, ab: Any, ba: Any) -> dict[str, Any]:
    def correlation(x: Any, y: Any) -> Any:
        n, mean = w.sum(), total(w, x + y) / (2 * w.sum())
        return (total(w, x * y) - n * mean**2) / (total(w, x * x + y * y) / 2 - n * mean**2)

    return {"S1": correlation(b, ab), "ST": 1 - correlation(a, ab)}


def terms_jansen_paired(rows: np.ndarray, layout: Layout, pivot: np.ndarray) -> np.ndarray:
    a, b, ab, _ = split_rows(rows, layout.d)
    return np.concatenate([(a - b) ** 2, (b - ab) ** 2, (a - ab) ** 2])


def terms_azzini_rosati(rows: np.ndarray, layout: Layout, pivot: np.ndarray) -> np.ndarray:
    a, b, ab, ba = split_rows(rows, layout.d)
    return np.concatenate([
        (ba - b) * (a - ab),
        (b - ba) ** 2 + (a - ab) ** 2,
        (a - b) ** 2 + (ba - ab) ** 2,
    ])  # fmt: skip


def terms_jansen(rows: np.ndarray, layout: Layout, pivot: np.ndarray) -> np.ndarray:
    a, b, _, _ = split_rows(rows - pivot, layout.d)
    both = np.concatenate([np.abs(a) + np.abs(b), a**2 + b**2])
    return np.concatenate([terms_jansen_paired(rows, layout, pivot), both])


def terms_saltelli_jansen(rows: np.ndarray, layout: Layout, pivot: np.ndarray) -> np.ndarray:
    a, b, ab, _ = split_rows(rows - pivot, layout.d)
    everything = np.concatenate([a, b, ab])
    powers = np.stack([np.abs(everything).sum(0), (everything**2).sum(0)])
    return np.concatenate([(a - b) ** 2, b * (ab - a), (a - ab) ** 2, powers])


def terms_products(rows: np.ndarray, layout: Layout, pivot: np.ndarray) -> np.ndarray:
    a, b, ab, _ = split_rows(rows - pivot, layout.d)
    return np.concatenate([a, a**2, b, b**2, ab, ab**2, a * ab, b * ab, (a - b) ** 2])


@dataclass(frozen=True)
class Reference:
    """`batch` gives the results; `terms` (k, n_terms, n_cells) what the open sums add up, or None."""

    batch: Callable[[list[np.ndarray], Layout], dict[str, np.ndarray]]
    terms: Callable[[np.ndarray, Layout, np.ndarray], np.ndarray] | None = None


REFERENCES = {
    "moments": Reference(batch_moments, terms_moments),
    "extrema": Reference(batch_extrema),
    "effects": Reference(batch_effects, terms_effects),
    "jansen-paired": Reference(partial(indices, formula=jansen_paired), terms_jansen_paired),
    "azzini-rosati": Reference(partial(indices, formula=azzini_rosati), terms_azzini_rosati),
    "saltelli-jansen": Reference(partial(indices, formula=saltelli_jansen), terms_saltelli_jansen),
    "jansen": Reference(partial(indices, formula=jansen), terms_jansen),
    "martinez": Reference(partial(indices, formula=martinez), terms_products),
    "saltelli-2010": Reference(partial(indices, formula=saltelli), terms_products),
    "janon-monod": Reference(partial(indices, formula=janon_monod), terms_products),
}

# --------------------------------------------------------------------------------------------------
# The cases: statistic x estimator x layout, as far as the layout is accepted.


@dataclass(frozen=True)
class Case:
    name: str
    options: tuple[tuple[str, Any], ...]
    layout: Layout

    @property
    def key(self) -> str:
        return dict(self.options).get("estimator", self.name)

    def build(self, n_cells: int, pivot: np.ndarray | None = None) -> Any:
        return registry.resolve("statistic", self.name)(
            self.layout, n_cells, pivot=pivot, **dict(self.options)
        )

    def from_state(self, state: dict[str, np.ndarray], like: Any) -> Any:
        return type(like).from_state(state, self.layout, like.n_cells, pivot=like.pivot, **like.options)


def cases() -> Iterator[Any]:
    for name in registry.names("statistic"):
        estimators = registry.names("estimator") if name == "sobol" else [None]
        for estimator in estimators:
            options = (("estimator", estimator),) if estimator else ()
            for label, layout in LAYOUTS.items():
                case = Case(name, options, layout)
                try:
                    case.build(1)
                except LayoutError:
                    continue
                yield pytest.param(case, id=f"{case.key}-{label}")


def make_rows(case: Case, n: int, n_cells: int, seed: int = 0, dtype: str = "float64") -> np.ndarray:
    """Rows whose AB_i and BA_i go with A and B, so that indices are neither 0 nor 1."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(2.0, 1.0, (n, case.layout.n_rows, n_cells))
    rows[:, 1:] += 0.5 * rows[:, :1]
    return rows.astype(dtype)


def fold(statistic: Any, replicates: list[np.ndarray]) -> Any:
    for rows in replicates:
        statistic.update(rows)
        statistic.close_replicate()
    return statistic


def assert_same_bits(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    assert left.keys() == right.keys()
    for key, array in left.items():
        assert array.dtype == right[key].dtype, key
        assert array.shape == right[key].shape, key
        assert array.tobytes() == right[key].tobytes(), key


def absolute_terms(case: Case, statistic: Any, opened: np.ndarray, closed: list[np.ndarray]) -> Any:
    """Sum of absolute terms behind each entry of the state; None where merging is exact."""
    terms = REFERENCES[case.key].terms
    if terms is None:
        return None
    pivot = np.zeros(statistic.n_cells)
    totals = [np.abs(terms(rows, case.layout, pivot)).sum(1) for rows in closed]
    k = statistic.partial_rows
    with_count = [
        np.vstack([total, np.full(statistic.n_cells, len(rows) * statistic.observations)])
        for total, rows in zip(totals, closed, strict=True)
    ]
    products = sum((w[statistic.pairs[:, 0]] * w[statistic.pairs[:, 1]] for w in with_count), 0.0)
    assert len(statistic.state()["closed"]) == k + len(statistic.pairs)
    return {
        "open": np.abs(terms(opened, case.layout, pivot)).sum(1),
        "closed": np.concatenate([sum(totals), products]),
    }


def assert_same_sums(case: Case, left: Any, right: Any, opened: np.ndarray, closed: list[np.ndarray]) -> None:
    scale = absolute_terms(case, left, opened, closed)
    a, b = left.state(), right.state()
    np.testing.assert_array_equal(a["counts"], b["counts"])
    for key in ("open", "closed"):
        if scale is None:
            np.testing.assert_array_equal(a[key], b[key])
        else:
            assert np.all(np.abs(a[key] - b[key]) <= 1e-12 * scale[key]), key


every = pytest.mark.parametrize("case", list(cases()))
quick = settings(max_examples=12, deadline=None, derandomize=True)


def test_every_entry_has_a_reference() -> None:
    wanted = {n for n in registry.names("statistic") if n != "sobol"} | set(registry.names("estimator"))
    assert wanted == set(REFERENCES), "write the plain NumPy formula of the new entry into REFERENCES"


@pytest.mark.parametrize("estimator", registry.names("estimator"))
@pytest.mark.parametrize("label", LAYOUTS)
def test_a_layout_that_cannot_carry_an_estimator_is_refused_with_its_cure(estimator: str, label: str) -> None:
    layout = LAYOUTS[label]
    refused = layout.method != "pick-freeze" or (estimator == "azzini-rosati" and not layout.both_ways)
    case = Case("sobol", (("estimator", estimator),), layout)
    if refused:
        with pytest.raises(LayoutError, match=r"design\.(method|both_ways)"):
            case.build(1)
    else:
        assert case.build(1).name == "sobol"


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_cells", SIZES)
def test_equals_the_numpy_batch_value(case: Case, dtype: str, n_cells: int) -> None:
    replicates = [make_rows(case, BUNDLES + r % 2, n_cells, r, dtype) for r in range(9)]
    result = fold(case.build(n_cells, np.full(n_cells, PIVOT)), replicates).result()
    expected = REFERENCES[case.key].batch(replicates, case.layout)
    assert result.keys() == expected.keys()
    for key, value in expected.items():
        assert result[key].shape == value.shape, key
        np.testing.assert_allclose(result[key], value, rtol=1e-9, atol=1e-12, err_msg=key)


@every
@quick
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 5), tail=st.integers(0, BUNDLES))
def test_merge_equals_one_pass(case: Case, seed: int, cut: int, tail: int) -> None:
    n_cells = 4
    closed = [make_rows(case, BUNDLES, n_cells, seed + r) for r in range(5)]
    opened = make_rows(case, BUNDLES, n_cells, seed + 5)
    whole = fold(case.build(n_cells), closed)
    whole.update(opened)
    left, right = fold(case.build(n_cells), closed[:cut]), fold(case.build(n_cells), closed[cut:])
    left.update(opened[:tail])
    right.update(opened[tail:])
    left.merge(right)
    assert_same_sums(case, left, whole, opened, closed)


@every
@quick
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(range(4)))
def test_leases_of_a_replicate_come_in_any_order(case: Case, seed: int, order: list[int]) -> None:
    n_cells = 4
    rows = make_rows(case, 4 * BUNDLES, n_cells, seed)
    leases = []
    for lease in np.split(rows, 4):
        client = case.build(n_cells)
        client.update(lease)
        leases.append((client.take_partial(), len(lease)))
    one_pass, folded = case.build(n_cells), case.build(n_cells)
    one_pass.update(rows)
    for index in order:
        folded.add_partial(*leases[index])
    assert folded.n_bundles_open == len(rows)
    assert_same_sums(case, folded, one_pass, rows, [rows])
    folded.close_replicate()
    one_pass.close_replicate()
    assert_same_sums(case, folded, one_pass, rows[:0], [rows])


@every
@pytest.mark.parametrize("n_cells", SIZES)
def test_the_size_of_an_update_does_not_reach_the_bits(case: Case, n_cells: int) -> None:
    rows = make_rows(case, 12, n_cells)
    whole, parts = case.build(n_cells), case.build(n_cells)
    whole.update(rows)
    for part in np.split(rows, [1, 2, 7, 7]):
        parts.update(part)
    assert_same_bits(whole.state(), parts.state())


@every
def test_state_survives_bytes(case: Case) -> None:
    statistic = fold(case.build(5, np.full(5, 2.0)), [make_rows(case, BUNDLES, 5, r) for r in range(9)])
    statistic.update(make_rows(case, 3, 5, 99))
    raw = {key: (array.tobytes(), array.dtype, array.shape) for key, array in statistic.state().items()}
    assert all(key == "counts" or shape[-1] == 5 for key, (_, _, shape) in raw.items())
    state = {key: np.frombuffer(b, dtype).reshape(shape) for key, (b, dtype, shape) in raw.items()}
    again = case.from_state(state, statistic)
    for folding_on in (statistic, again):
        folding_on.update(make_rows(case, 5, 5, 100))
        folding_on.close_replicate()
    assert_same_bits(statistic.state(), again.state())
    assert_same_bits(statistic.result(), again.result())


@every
@pytest.mark.parametrize("key", ["open", "closed", "counts"])
def test_a_state_of_another_shape_is_refused(case: Case, key: str) -> None:
    statistic = case.build(5)
    state = {k: v.copy() for k, v in statistic.state().items()}
    with pytest.raises(MergeError, match=key):
        statistic.load_state({k: v for k, v in state.items() if k != key})
    with pytest.raises(MergeError, match=key):
        statistic.load_state(state | {key: state[key][..., :-1]})


@every
def test_no_bundle_and_one_bundle(case: Case) -> None:
    empty, single = case.build(3), fold(case.build(3), [make_rows(case, 1, 3)])
    for key, value in empty.result().items():
        assert not value.any() if value.dtype == bool else np.isnan(value).all(), key
    for key, value in single.result().items():
        if key in {"mean", "minimum", "maximum", "effect", "effect_abs"}:
            assert np.isfinite(value).all(), key
        else:
            assert not value.any() if value.dtype == bool else np.isnan(value).all(), key


@every
@pytest.mark.parametrize("n_cells", [3, FEW_CELLS + 6])
def test_a_constant_is_undefined_not_zero(case: Case, n_cells: int) -> None:
    """Shares of nothing are undefined; an effect in the unit of the output is 0, and the cell is flagged."""
    rows = make_rows(case, BUNDLES, n_cells)
    rows[..., 1] = 7.25
    result = fold(case.build(n_cells), [rows] * 9).result()
    exact = {"mean": 7.25, "variance": 0.0, "minimum": 7.25, "maximum": 7.25}
    for key, value in result.items():
        if key.startswith("effect"):
            assert (value[:, 1] == 0.0).all(), key
        elif key in {"undefined", "flat"}:
            assert value[..., 1].all()
            assert not np.delete(value, 1, axis=-1).any()
        elif key in exact:
            assert value[1] == exact[key], key
        elif value.ndim == 2:
            assert np.isnan(value[:, 1]).all(), key
            assert np.isfinite(np.delete(value, 1, axis=-1)).all(), key


@every
@pytest.mark.parametrize("n_cells", [3, FEW_CELLS + 6])
def test_bundles_not_kept_leave_no_trace(case: Case, n_cells: int) -> None:
    rows = make_rows(case, 12, n_cells)
    keep = np.ones(12, bool)
    keep[[0, 5, 11]] = False
    clean = case.build(n_cells)
    clean.update(rows[keep])
    rows[0], rows[5, 0], rows[11, :, -1] = np.nan, np.inf, -np.inf
    masked = case.build(n_cells)
    masked.update(rows, keep)
    assert_same_bits(masked.state(), clean.state())
    assert masked.n_bundles_open == 9


@every
def test_nan_stays_in_its_cell(case: Case) -> None:
    replicates = [make_rows(case, BUNDLES, 4, r) for r in range(9)]
    clean = fold(case.build(4), replicates).result()
    for rows in replicates:
        rows[..., 2] = np.nan
    hurt = fold(case.build(4), replicates).result()
    for key, value in hurt.items():
        assert not value[..., 2].any() if value.dtype == bool else np.isnan(value[..., 2]).all(), key
        np.testing.assert_array_equal(value[..., [0, 1, 3]], clean[key][..., [0, 1, 3]])


@every
def test_a_mean_of_1e8_spreads_costs_nothing_about_a_pivot(case: Case) -> None:
    far = [1e8 + make_rows(case, BUNDLES, 3, r) for r in range(9)]
    near = [rows - 1e8 for rows in far]  # exact: the subtraction of doubles within a factor 2
    result = fold(case.build(3, np.full(3, 1e8 + 2.0)), far).result()
    expected = fold(case.build(3, np.full(3, 2.0)), near).result()
    for key, value in result.items():
        places = {"mean", "mean_low", "mean_high", "minimum", "maximum"}
        if key in places:
            np.testing.assert_allclose(
                value - 1e8, expected[key], atol=3e-8
            )  # two units in the last place of 1e8
        else:
            np.testing.assert_allclose(value, expected[key], rtol=1e-12, atol=1e-13, err_msg=key)


@every
def test_indices_do_not_change_with_the_unit(case: Case) -> None:
    replicates = [make_rows(case, BUNDLES, 3, r) for r in range(9)]
    result = fold(case.build(3), replicates).result()
    scaled = fold(case.build(3), [-1024.0 * rows for rows in replicates]).result()
    powers = {"variance": 1024.0**2, "S1": 1.0, "ST": 1.0, "effect_abs": 1024.0}
    for name, factor in powers.items():
        for key in (name, f"{name}_conf"):
            if key in result:
                np.testing.assert_array_equal(scaled[key], factor * result[key])
    if "minimum" in result:
        np.testing.assert_array_equal(scaled["minimum"], -1024.0 * result["maximum"])


@every
def test_pickles(case: Case) -> None:
    statistic = fold(case.build(5, np.full(5, 2.0)), [make_rows(case, BUNDLES, 5, r) for r in range(8)])
    statistic.update(make_rows(case, 2, 5, 50))
    again = pickle.loads(pickle.dumps(statistic))
    assert_same_bits(again.state(), statistic.state())
    again.merge(statistic)
    assert again.n_bundles == 2 * statistic.n_bundles


@every
def test_memory_is_fixed_in_n(case: Case) -> None:
    def held(statistic: Any) -> int:
        return sum(array.nbytes for key, array in statistic.state().items() if key != "counts")

    empty = case.build(5)
    full = fold(case.build(5), [make_rows(case, BUNDLES, 5, r) for r in range(30)])
    assert held(empty) == held(full) == full.memory_bytes()
    assert empty.state()["counts"].nbytes == full.state()["counts"].nbytes


@every
@quick
@given(cuts=st.lists(st.integers(0, BLOCK + 70), max_size=3))
def test_slabs_do_not_reach_the_bits(case: Case, cuts: list[int]) -> None:
    n_cells = BLOCK + 70
    edges = [0, *sorted(cuts), n_cells]
    replicates = [make_rows(case, 3, n_cells, r, "float32") for r in range(8)]
    whole = fold(case.build(n_cells, np.linspace(1.0, 3.0, n_cells)), replicates)
    for first, last in pairwise(edges):
        slab = case.build(last - first, np.linspace(1.0, 3.0, n_cells)[first:last])
        fold(slab, [rows[..., first:last] for rows in replicates])
        for key, array in slab.state().items():
            expected = whole.state()[key]
            assert array.tobytes() == (expected if key == "counts" else expected[..., first:last]).tobytes()
        for key, array in slab.result().items():
            np.testing.assert_array_equal(array, whole.result()[key][..., first:last])


@every
def test_threads_do_not_reach_the_bits(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    n_cells = 3 * BLOCK + 11
    rows = make_rows(case, 3, n_cells)
    client = case.build(n_cells)
    client.update(rows)
    states = []
    for threads, smallest in [(1, 1 << 60), (1, 0), (numba.config.NUMBA_NUM_THREADS, 0)]:
        monkeypatch.setattr(folding, "PARALLEL_SIZE", smallest)
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        statistic = case.build(n_cells)
        for _ in range(3):
            statistic.add_partial(client.partial(), 3)
            statistic.add_partial(client.partial(), 3)
            statistic.close_replicate()
        numba.set_num_threads(before)
        states.append({key: array.copy() for key, array in statistic.state().items()})
    assert_same_bits(states[0], states[1])
    assert_same_bits(states[0], states[2])


@every
def test_partials_combine_by_slices(case: Case) -> None:
    parts = []
    for seed in range(2):
        statistic = case.build(90)
        statistic.update(make_rows(case, 4, 90, seed))
        parts.append(statistic.take_partial())
        assert statistic.n_bundles_open == 0
        assert_same_bits({"open": statistic.partial()}, {"open": case.build(90).partial()})
    whole = parts[0].copy()
    statistic.combine(whole, parts[1])
    for cells in (slice(0, 7), slice(7, 90)):
        statistic.combine(parts[0][:, cells], parts[1][:, cells])
    assert whole.tobytes() == parts[0].tobytes()


@every
def test_an_empty_replicate_is_not_counted(case: Case) -> None:
    replicates = [make_rows(case, BUNDLES, 3, r) for r in range(9)]
    statistic, reference = case.build(3), fold(case.build(3), replicates)
    for rows in [*replicates[:4], None, *replicates[4:]]:
        if rows is None:
            statistic.update(make_rows(case, BUNDLES, 3), np.zeros(BUNDLES, bool))
        else:
            statistic.update(rows)
        statistic.close_replicate()
    assert statistic.n_replicates == 9
    assert_same_bits(statistic.result(), reference.result())


@every
def test_intervals_need_eight_replicates(case: Case) -> None:
    for n_replicates in (7, 8):
        result = fold(case.build(3), [make_rows(case, 4, 3, r) for r in range(n_replicates)]).result()
        for key in result:
            if key.endswith(("_conf", "_low", "_high")):
                assert np.isfinite(result[key]).all() == (n_replicates == 8), key


@every
def test_rows_of_another_shape_are_refused(case: Case) -> None:
    statistic = case.build(3)
    rows = make_rows(case, 4, 3)
    wrong = [rows[0], rows[:, :, :2], np.concatenate([rows, rows], axis=1), rows.astype(np.int64)]
    for array in wrong:
        with pytest.raises(BundleShapeError, match="expected"):
            statistic.update(array)
    with pytest.raises(BundleShapeError, match="keep"):
        statistic.update(rows, np.ones(3, bool))
    assert statistic.n_bundles_open == 0
    statistic.update(np.asfortranarray(rows))  # copied, not misread
    straight = case.build(3)
    straight.update(rows)
    assert_same_bits(statistic.state(), straight.state())


@every
def test_unlike_statistics_do_not_merge(case: Case) -> None:
    statistic = case.build(3, np.full(3, 2.0))
    with pytest.raises(MergeError):
        statistic.merge(case.build(4))
    with pytest.raises(MergeError):
        statistic.add_partial(np.zeros((statistic.partial_rows + 1, 3)), 1)
    with pytest.raises(MergeError):
        statistic.add_partial(statistic.partial().astype(np.float32), 1)
    if statistic.pivot is not None:
        with pytest.raises(MergeError, match="pivot"):
            statistic.merge(case.build(3, np.full(3, 2.5)))
