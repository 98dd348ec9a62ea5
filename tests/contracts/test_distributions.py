"""What every distribution owes, asked of each with ordinary and with hostile fields."""

from __future__ import annotations

import inspect
import math
import pickle

import numpy as np
import pytest
from scipy import stats

from parsl_sa.design.sequences import ScrambledSobol
from parsl_sa.errors import DesignError
from parsl_sa.registry import names, resolve

EPS = 2.0**-52
INF = math.inf


def truncated(mean, sd, low, high):
    return stats.truncnorm((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)


MEASURED = stats.rv_discrete(values=([1, 2, 4], [0.25, 0.5, 0.25]))

# name, fields, the same in scipy.stats (None: no such thing), bounds of the support
CASES = [
    ("uniform", {"low": -2.0, "high": 5.0}, stats.uniform(-2, 7), (-2, 5)),
    ("uniform", {"low": 1e8, "high": 1e8 + 1}, stats.uniform(1e8, 1), (1e8, 1e8 + 1)),
    ("loguniform", {"low": 5e5, "high": 5e6}, stats.loguniform(5e5, 5e6), (5e5, 5e6)),
    ("loguniform", {"low": 1e-150, "high": 1e150}, stats.loguniform(1e-150, 1e150), (1e-150, 1e150)),
    ("normal", {"mean": 3.0, "sd": 0.5}, stats.norm(3, 0.5), (-INF, INF)),
    ("normal", {"mean": 0.0, "sd": 1e-9}, stats.norm(0, 1e-9), (-INF, INF)),
    ("truncated-normal", {"mean": 0.0, "sd": 1.0, "low": -1.0, "high": 2.0}, truncated(0, 1, -1, 2), (-1, 2)),
    (
        "truncated-normal",
        {"mean": 2.0, "sd": 0.5, "low": None, "high": 3.0},
        truncated(2, 0.5, -INF, 3),
        (-INF, 3),
    ),
    ("truncated-normal", {"mean": 2.0, "sd": 0.5, "low": 1.5}, truncated(2, 0.5, 1.5, INF), (1.5, INF)),
    ("truncated-normal", {"mean": -1.0, "sd": 2.0}, stats.norm(-1, 2), (-INF, INF)),
    ("truncated-normal", {"mean": 0.0, "sd": 1.0, "low": 5.0, "high": 8.0}, truncated(0, 1, 5, 8), (5, 8)),
    (
        "truncated-normal",
        {"mean": 0.0, "sd": 1.0, "low": -8.0, "high": -5.0},
        truncated(0, 1, -8, -5),
        (-8, -5),
    ),
    ("truncated-normal", {"mean": 0.0, "sd": 1.0, "low": 30.0}, truncated(0, 1, 30, INF), (30, INF)),
    ("lognormal", {"mean_log": 0.5, "sd_log": 0.75}, stats.lognorm(0.75, scale=math.exp(0.5)), (0, INF)),
    ("triangular", {"low": 1.0, "mode": 2.0, "high": 5.0}, stats.triang(0.25, 1, 4), (1, 5)),
    ("triangular", {"low": 0.0, "mode": 0.0, "high": 1.0}, stats.triang(0, 0, 1), (0, 1)),
    ("triangular", {"low": 0.0, "mode": 1.0, "high": 1.0}, stats.triang(1, 0, 1), (0, 1)),
    ("integer", {"low": 1, "high": 3}, stats.randint(1, 4), (1, 3)),
    ("integer", {"low": -7, "high": 92}, stats.randint(-7, 93), (-7, 92)),
    ("choice", {"values": [4.0, 1.0, 2.5]}, None, (1, 4)),
    ("choice", {"values": [0.0, 1.0], "weights": [1.0, 3.0]}, stats.bernoulli(0.75), (0, 1)),
    (
        "discrete",
        {"values": [-1.0, 2.0, 5.0], "probabilities": [0.2, 0.3, 0.5]},
        stats.rv_discrete(values=([-1, 2, 5], [0.2, 0.3, 0.5])),
        (-1, 5),
    ),
    ("categorical", {"levels": ["rough", "smooth"]}, stats.bernoulli(0.5), (0, 1)),
    (
        "categorical",
        {"levels": ["oak", "ash", "elm"], "weights": [1.0, 2.0, 5.0]},
        stats.rv_discrete(values=([0, 1, 2], [0.125, 0.25, 0.625])),
        (0, 2),
    ),
    ("ordinal", {"levels": ["low", "high"], "weights": [3.0, 1.0]}, stats.bernoulli(0.25), (0, 1)),
    ("ordinal", {"levels": [8, 16.5, 32]}, stats.randint(0, 3), (0, 2)),
    ("beta", {"alpha": 2.0, "beta": 5.0}, stats.beta(2, 5), (0, 1)),
    ("beta", {"alpha": 0.5, "beta": 0.5, "low": -1.0, "high": 3.0}, stats.beta(0.5, 0.5, -1, 4), (-1, 3)),
    ("beta", {"alpha": 80.0, "beta": 0.1, "low": 0.0, "high": 1.0}, stats.beta(80, 0.1), (0, 1)),
    ("scipy", {"family": "gumbel_r", "shapes": {}}, stats.gumbel_r(), (-INF, INF)),
    ("scipy", {"family": "gamma", "shapes": {"a": 0.3}, "scale": 2.0}, stats.gamma(0.3, scale=2), (0, INF)),
    ("scipy", {"family": "t", "shapes": {"df": 9.0}, "loc": 5.0}, stats.t(9, loc=5), (-INF, INF)),
    ("scipy", {"family": "burr12", "shapes": {"d": 9.0, "c": 2.0}}, stats.burr12(2, 9), (0, INF)),
    ("empirical", {"values": [2.0, 1.0, 2.0, 4.0], "interpolate": False}, MEASURED, (1, 4)),
    ("empirical", {"values": [7.0], "interpolate": False}, None, (7, 7)),
    ("empirical", {"values": [2.0, 1.0, 1.5, 4.0], "interpolate": True}, None, (1, 4)),
    ("constant", {"value": 7.5}, None, (7.5, 7.5)),
    ("switch", {"on": 1.0, "off": 0.0}, stats.bernoulli(0.5), (0, 1)),
    ("switch", {"on": -2.0, "off": 3.0}, None, (-2, 3)),
]
DISCRETE = ("integer", "choice", "discrete", "categorical", "ordinal", "empirical", "constant", "switch")

every_case = pytest.mark.parametrize(
    ("name", "fields", "reference", "bounds"),
    CASES,
    ids=lambda value: value if isinstance(value, str) else "",
)


def lattice():
    """Unit samples as sequences give them, dense at both ends, rising and apart."""
    tail = 2.0 ** -np.arange(2.0, 53.0)
    grid = np.arange(1, 1000) / 1000
    unit = np.concatenate([tail, 1 - tail, grid])
    return np.unique(np.floor(unit * 2.0**52) * EPS + EPS / 2).clip(EPS / 2, 1 - EPS / 2)


def test_every_distribution_of_the_table_is_here():
    # "joint" is the mark of a parameter that has none; see test_dependence.py.
    assert {case[0] for case in CASES} | {"joint"} == set(names("distribution"))


@every_case
def test_quantiles_equal_those_of_scipy(name, fields, reference, bounds):
    """Relative to the quantile, and to the scale where it comes as a sum of terms that cancel.

    scipy.stats goes by 1 - u or other transforms of its own, so its own rounding is part of the band:
    64 units in the last place, and as many as a relative error of EPS in u would make.
    """
    if reference is None:
        return
    unit = lattice()
    quantiles = resolve("distribution", name)(**fields).from_unit(unit)
    if name in DISCRETE:
        # A border of a discrete quantile function may fall either way within an EPS of probability.
        clear = reference.ppf(unit - 2 * EPS) == reference.ppf(unit + 2 * EPS)
        assert clear.sum() > 900
        assert (quantiles[clear] == reference.ppf(unit)[clear]).all()
        return
    expected = reference.ppf(unit)
    scale = np.abs(expected)
    if name not in {"loguniform", "lognormal"}:
        scale = np.maximum(scale, reference.std())
    if name == "loguniform":
        scale = scale * math.log(fields["high"] / fields["low"])
    wiggle = np.abs(reference.ppf(unit * (1 + EPS)) - expected)
    assert (np.abs(quantiles - expected) <= 64 * EPS * scale + 4 * wiggle).all()


@every_case
def test_quantiles_rise_within_the_bounds(name, fields, reference, bounds):
    quantiles = resolve("distribution", name)(**fields).from_unit(lattice())
    assert np.isfinite(quantiles).all()
    assert quantiles.min() >= bounds[0]
    assert quantiles.max() <= bounds[1]
    if (
        name not in {"choice", "discrete"} and fields.get("on") != -2.0
    ):  # whose values stand in the order of the spec
        assert (np.diff(quantiles) >= -4 * EPS * np.abs(quantiles[1:])).all()


@every_case
def test_moments_of_sobol_points_are_the_distributions(name, fields, reference, bounds):
    """Means over 32 independent replicates: within five standard errors of their own spread."""
    if reference is None:
        return
    replicates, n = 32, 1024
    sequence = ScrambledSobol(1, n, seed=5)
    unit = np.stack([sequence.points(r, 0, n)[:, 0] for r in range(replicates)])
    x = resolve("distribution", name)(**fields).from_unit(unit.ravel()).reshape(unit.shape)
    centre, spread = float(reference.mean()), float(reference.std())
    if not np.isfinite([centre, spread]).all() or spread > 1e100:
        return  # a density over 300 decades has no variance in doubles
    for power, expected in ((1, 0.0), (2, 1.0)):
        means = (((x - centre) / spread) ** power).mean(axis=1)
        standard_error = means.std(ddof=1) / math.sqrt(replicates)
        # The term besides: scipy's moments and the division by the spread, rounded relative to the centre.
        rounding = 1e-10 + 16 * EPS * abs(centre) / spread
        assert abs(means.mean() - expected) < 5 * standard_error + rounding


@every_case
def test_shape_dtype_and_elementwise(name, fields, reference, bounds):
    distribution = resolve("distribution", name)(**fields)
    unit = lattice()[:1000]
    quantiles = distribution.from_unit(unit)
    assert quantiles.shape == unit.shape
    assert quantiles.dtype == np.float64
    assert distribution.from_unit(unit[:0]).shape == (0,)
    for start in (0, 1, 7, 499):
        assert (distribution.from_unit(unit[start : start + 3]) == quantiles[start : start + 3]).all()
    assert (distribution.from_unit(unit.reshape(10, 100)) == quantiles.reshape(10, 100)).all()


@every_case
def test_record_compares_hashes_and_pickles(name, fields, reference, bounds):
    distribution = resolve("distribution", name)(**fields)
    again = resolve("distribution", name)(**fields)
    assert distribution == again
    assert hash(distribution) == hash(again)
    copy = pickle.loads(pickle.dumps(distribution))
    assert copy == distribution
    assert (copy.from_unit(lattice()) == distribution.from_unit(lattice())).all()
    assert distribution.uncertain is (name != "constant")


@every_case
@pytest.mark.parametrize("bad", [math.nan, math.inf, "1", None])
def test_a_field_that_is_no_finite_number_is_refused(name, fields, reference, bounds, bad):
    for field in fields:
        if (field == "weights" and bad is None) or (field == "levels" and bad == "1"):
            continue
        if name == "truncated-normal" and field in {"low", "high"} and bad is None:
            continue
        broken: object = [bad] if field in LISTS else {"a": bad} if field == "shapes" else bad
        with pytest.raises(DesignError, match=rf"^{field}: "):
            resolve("distribution", name)(**{**fields, field: broken})


LISTS = ("values", "weights", "probabilities", "levels")


def test_numbers_are_required_where_the_spec_requires_them():
    """A forgotten field is an error of the call, but for those that a spec may leave out."""
    optional = {
        (name, field.name)
        for name in names("distribution")
        for field in inspect.signature(resolve("distribution", name)).parameters.values()
        if field.default is not inspect.Parameter.empty
    }
    assert optional == {
        *(("truncated-normal", "low"), ("truncated-normal", "high")),
        *(("choice", "weights"), ("categorical", "weights"), ("ordinal", "weights")),
        *(("beta", "low"), ("beta", "high"), ("empirical", "interpolate")),
        *(("scipy", "shapes"), ("scipy", "loc"), ("scipy", "scale")),
        *(("switch", "on"), ("switch", "off")),
    }
