"""The two sequences beyond the contract of samplers: SciPy's own points, no warnings, cheap order."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy.stats import qmc

from parsl_sa.design.sequences import SOBOL_DIMENSIONS, CounterRandom, ScrambledSobol, bundle_points
from parsl_sa.errors import DesignError

BOTH = pytest.mark.parametrize("sequence", [ScrambledSobol, CounterRandom])


@pytest.mark.parametrize(("seed", "case", "replicate"), [(0, 0, 0), (0, 0, 3), (7, 2, 1), (2**130, 0, 0)])
def test_points_are_scipys_of_52_digits_half_a_step_on(seed, case, replicate):
    source = np.random.SeedSequence(entropy=seed, spawn_key=(case, replicate))
    expected = qmc.Sobol(5, bits=52, rng=np.random.default_rng(source)).random_base2(6)
    points = ScrambledSobol(5, 64, seed, case).points(replicate, 0, 64)
    assert (points - 2.0**-53 == expected).all()


def test_random_words_are_philox_by_counter():
    """Pinned, since numpy guarantees this stream: a change here changes every frozen random study."""
    points = CounterRandom(6, 8, seed=0).points(2, 3, 5)
    key = np.random.SeedSequence(entropy=0, spawn_key=(0, 2)).generate_state(2, np.uint64)
    words = np.random.Philox(key=key).random_raw(5 * 8)[3 * 8 :].reshape(2, 8)[:, :6]
    assert (points == ((words >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52).all()


def test_no_draw_warns_of_balance():
    sequence = ScrambledSobol(3, 64, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for first, last in ((0, 3), (0, 64), (0, 1), (0, 63), (5, 12), (1, 1), (63, 64)):
            assert len(sequence.points(0, first, last)) == last - first


def test_consecutive_leases_draw_nothing_twice(monkeypatch):
    drawn, built = [], []
    draw, build = qmc.Sobol.random, qmc.Sobol.__init__

    def counting_draw(self, n=1, **options):
        drawn.append(n)
        return draw(self, n, **options)

    def counting_build(self, *args, **options):
        built.append(1)
        build(self, *args, **options)

    monkeypatch.setattr(qmc.Sobol, "random", counting_draw)
    monkeypatch.setattr(qmc.Sobol, "__init__", counting_build)
    sequence = ScrambledSobol(4, 1024, seed=0)
    for first in range(0, 1024, 64):
        sequence.points(0, first, first + 64)
    assert (sum(drawn), sum(built)) == (1024, 1)
    sequence.points(0, 64, 128)  # back: from the start again, with the scrambling kept
    assert (sum(drawn), sum(built)) == (1024 + 128, 1)
    sequence.points(1, 0, 64)
    assert sum(built) == 2


def test_skipping_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr("parsl_sa.design.sequences._SKIP_VALUES", 12)
    sequence = ScrambledSobol(5, 64, seed=0)
    assert (sequence.points(0, 50, 53) == ScrambledSobol(5, 64, seed=0).points(0, 0, 64)[50:53]).all()


def test_the_limit_on_dimensions_is_scipys_and_names_the_cure():
    assert SOBOL_DIMENSIONS == qmc.Sobol.MAXDIM
    ScrambledSobol(SOBOL_DIMENSIONS, 16, seed=0)
    with pytest.raises(DesignError, match='21201 dimensions and this design needs 21202; use "random"'):
        ScrambledSobol(SOBOL_DIMENSIONS + 1, 16, seed=0)
    CounterRandom(SOBOL_DIMENSIONS + 1, 16, seed=0).points(0, 0, 1)


@BOTH
def test_bundles_are_counted_over_replicates(sequence):
    points = bundle_points(sequence(3, 8, 0), 6, 25)
    parts = [sequence(3, 8, 0).points(*part) for part in ((0, 6, 8), (1, 0, 8), (2, 0, 8), (3, 0, 1))]
    assert (points == np.concatenate(parts)).all()
    assert bundle_points(sequence(3, 8, 0), 8, 8).shape == (0, 3)


@BOTH
@pytest.mark.parametrize("part", [(-1, 0, 1), (0, -1, 1), (0, 2, 1), (0, 0, 9)])
def test_points_that_a_replicate_has_not_are_refused(sequence, part):
    with pytest.raises(DesignError, match="has no points"):
        sequence(3, 8, 0).points(*part)


@BOTH
def test_repr_is_the_call(sequence):
    text = repr(sequence(3, 8, 1, case=2))
    assert text == f"{sequence.__name__}(dimensions=3, replicate_bundles=8, seed=1, case=2)"


def test_the_room_is_imported_without_scipy_stats():
    """`scipy.stats` takes half a second: only who draws Sobol' points pays it."""
    program = """
import sys
from parsl_sa.design import assemble
parameters = [{"name": "x", "distribution": "normal", "mean": 0.0, "sd": 1.0}]
assemble({"method": "pick-freeze", "sequence": "random", "seed": 0}, parameters, 8).rows(0, 9)
assemble({"method": "pick-freeze", "sequence": "sobol", "seed": 0}, parameters, 8)
sys.exit("scipy.stats" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
