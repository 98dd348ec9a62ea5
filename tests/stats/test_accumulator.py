"""The statistics of a study together: one flat state, one set of verbs, and a rehearsal of its kernels."""

from __future__ import annotations

import numpy as np
import pytest

from parsl_sa.errors import MergeError
from parsl_sa.records import Layout
from parsl_sa.registry import UnknownPluginError
from parsl_sa.stats import Accumulator, assemble, prewarm
from parsl_sa.stats.extrema import Extrema

LAYOUT = Layout("pick-freeze", 2, both_ways=True)
NAMES = ["moments", "extrema", {"name": "sobol", "level": 0.9}]


def filled(seed: int = 0, n_cells: int = 4, replicates: int = 9) -> Accumulator:
    rng = np.random.default_rng(seed)
    study = assemble(NAMES, LAYOUT, n_cells, np.full(n_cells, 0.25))
    for _ in range(replicates):
        study.update(rng.normal(size=(8, 6, n_cells)))
        study.close_replicate()
    study.update(rng.normal(size=(3, 6, n_cells)))
    return study


def test_a_client_and_a_reducer_get_what_one_accumulator_gets() -> None:
    rows = np.random.default_rng(1).normal(size=(9, 8, 6, 4)).astype(np.float32)
    alone, client, reducer = (assemble(NAMES, LAYOUT, 4) for _ in range(3))
    for replicate in rows:
        alone.update(replicate)
        alone.close_replicate()
        for lease in np.split(replicate, 2):
            client.update(lease)
            partials, n_bundles = client.take_partials()
            reducer.add_partials(partials, n_bundles)
        reducer.close_replicate()
    assert (reducer.n_bundles, reducer.n_replicates, client.n_bundles_open) == (72, 9, 0)
    mine, theirs = reducer.result(), alone.result()
    assert mine.keys() == theirs.keys()
    for key, value in mine.items():
        np.testing.assert_allclose(value, theirs[key], rtol=1e-9, atol=1e-12)


def test_partials_have_the_shapes_that_were_announced() -> None:
    study = filled()
    assert study.partial_shapes() == [part.shape for part in study.partials()]


def test_state_is_flat_and_loads_again() -> None:
    study = filled()
    state = study.state()
    assert {"moments.open", "extrema.closed", "sobol.counts"} <= state.keys()
    again = assemble(NAMES, LAYOUT, 4, np.full(4, 0.25))
    again.load_state({key: array.copy() for key, array in state.items()})
    assert all(array.tobytes() == state[key].tobytes() for key, array in again.state().items())
    assert (again.n_bundles, again.n_bundles_open, again.n_replicates) == (72, 3, 9)
    assert sum(a.nbytes for k, a in state.items() if not k.endswith("counts")) == study.memory_bytes()


def test_a_loaded_state_is_a_copy() -> None:
    study, again = filled(), filled(1)
    again.load_state(study.state())
    before = study.state()["moments.closed"].copy()
    again.close_replicate()
    np.testing.assert_array_equal(study.state()["moments.closed"], before)


def test_a_state_with_unknown_or_missing_arrays_is_refused() -> None:
    study = filled()
    state = study.state()
    with pytest.raises(MergeError, match=r"quantiles\.open"):
        study.load_state({**state, "quantiles.open": np.zeros(1)})
    with pytest.raises(MergeError, match=r"sobol\.closed"):
        study.load_state({key: array for key, array in state.items() if key != "sobol.closed"})


def test_wrong_partials_change_nothing() -> None:
    study = filled()
    before = {key: array.copy() for key, array in study.state().items()}
    good = [part.copy() for part in study.partials()]
    for bad in (good[:-1], [*good[:-1], good[-1][:, :3]], [part.astype(np.float32) for part in good]):
        with pytest.raises(MergeError, match="partials"):
            study.add_partials(bad, 3)
    with pytest.raises(MergeError):
        study.add_partials(good, -1)
    assert all(array.tobytes() == before[key].tobytes() for key, array in study.state().items())


def test_partials_may_be_read_only_and_unaligned_bytes() -> None:
    study, plain = filled(), filled()
    parts = [part.copy() for part in study.partials()]
    raw = [np.frombuffer(b"x" + part.tobytes(), np.float64, offset=1).reshape(part.shape) for part in parts]
    study.add_partials(raw, 3)
    plain.add_partials(parts, 3)
    for left, right in zip(study.partials(), plain.partials(), strict=True):
        assert left.tobytes() == right.tobytes()


def test_merge_asks_for_the_same_statistics_and_options() -> None:
    study = filled()
    study.merge(filled(2))
    assert study.n_bundles == 144
    others = [
        assemble(["moments"], LAYOUT, 4),
        assemble(["moments", "extrema", {"name": "sobol", "level": 0.8}], LAYOUT, 4, np.full(4, 0.25)),
        assemble(
            ["moments", "extrema", {"name": "sobol", "estimator": "jansen-paired", "level": 0.9}],
            LAYOUT,
            4,
            np.full(4, 0.25),
        ),
    ]
    for other in others:
        with pytest.raises(MergeError):
            study.merge(other)


def test_faulty_requests_say_what_is_wrong() -> None:
    with pytest.raises(UnknownPluginError, match="known: moments"):
        assemble(["kurtosis"], LAYOUT, 1)
    with pytest.raises(ValueError, match="twice"):
        assemble(["moments", {"name": "moments", "level": 0.9}], LAYOUT, 1)
    with pytest.raises(ValueError, match="at least one"):
        Accumulator([])
    with pytest.raises(ValueError, match="share"):
        Accumulator([*assemble(["moments"], LAYOUT, 1).statistics, Extrema(LAYOUT, 2)])
    with pytest.raises(TypeError, match="colour"):
        assemble([{"name": "moments", "colour": 1}], LAYOUT, 1)


def test_no_cells_is_a_slab_too() -> None:
    study = assemble(NAMES, LAYOUT, 0)
    study.update(np.zeros((3, 6, 0)))
    study.close_replicate()
    assert all(value.size == 0 for value in study.result().values())


@pytest.mark.parametrize(
    ("n_cells", "estimator", "second_order"),
    [
        *((n_cells, "azzini-rosati", False) for n_cells in (1, 200, 1 << 16)),
        (1 << 16, "jansen-paired", True),
        (1 << 16, "jansen", False),
        *((n_cells, "martinez", False) for n_cells in (1, 1 << 16)),
    ],
)
def test_prewarm_leaves_nothing_to_compile(n_cells: int, estimator: str, second_order: bool) -> None:
    from parsl_sa.stats import aggregates, finite, folding
    from parsl_sa.stats.kernels import both_ways, correlated, paired, powers
    from parsl_sa.stats.kernels import second_order as pairs_of_parameters

    sobol = {"name": "sobol", "estimator": estimator, "second_order": second_order}
    study = assemble(["moments", "extrema", sobol], LAYOUT, n_cells, fields=[slice(0, n_cells)])
    prewarm(study, "float32")
    kernels = [
        kernel
        for module in (
            aggregates,
            finite,
            folding,
            powers,
            both_ways,
            correlated,
            paired,
            pairs_of_parameters,
        )
        for kernel in vars(module).values()
        if hasattr(kernel, "signatures")
    ]
    compiled = [len(kernel.signatures) for kernel in kernels]
    rows = np.zeros((5, 6, n_cells), np.float32)  # four bundles in one pass and one by itself
    for array in (rows, np.frombuffer(rows.tobytes(), np.float32).reshape(rows.shape)):
        study.update(array, finite.whole_bundles(array))
        study.add_partials(*study.take_partials())
        study.close_replicate()
    assert [len(kernel.signatures) for kernel in kernels] == compiled
    assert study.n_bundles == 10
