"""A study of a field with masks, weights and drops: sums or rows, one rank or several, give the same bits."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa.client import probe as probing
from parsl_sa.client.cut import Cut
from parsl_sa.client.probe import probe
from parsl_sa.client.workload import Workload, lanes_of
from parsl_sa.launch.planning import read_spec
from parsl_sa.stats import PARTIAL, ROWS, for_plan
from support import analytic_field
from support.thread_ranks import in_threads

if TYPE_CHECKING:
    from parsl_sa.client.probe import Probe
    from parsl_sa.client.ranks import Ranks
    from parsl_sa.spec import StudySpec

N_CELLS, D, EVERY = 2500, 3, 7
LANES = 4


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudySpec, Probe]:
    folder = tmp_path_factory.mktemp("field")
    np.save(folder / "volume.npy", np.linspace(1.0, 2.0, N_CELLS))
    model = str(Path(analytic_field.__file__).resolve())
    plain: Any = analytic_field.spec(model, N_CELLS, D, 128, masked_every=EVERY)
    plain["outputs"][1]["weights"] = "volume.npy"
    (folder / "spec.json").write_text(json.dumps(plain))
    spec = read_spec(folder / "spec.json")
    found = probe(spec, ranks=1, threads=1)
    plan = dataclasses.replace(
        found.plan, replicates=8, replicate_bundles=16, lease_bundles=8, lanes=LANES, chunk_bundles=1
    )
    return spec, dataclasses.replace(found, plan=plan)


def test_the_probe_finds_masks_and_weights(probed: tuple[StudySpec, Probe]) -> None:
    _, found = probed
    masked = analytic_field.masked_cells(N_CELLS, EVERY)
    np.testing.assert_array_equal(np.isnan(found.pivots), [False, *masked])
    assert found.plan.masked == {"field": int(masked.sum())}
    np.testing.assert_array_equal(found.weights, [1.0, *np.linspace(1.0, 2.0, N_CELLS)])
    assert found.plan.weights_digest
    assert found.warnings == []


def test_few_bundles_of_many_cells_are_sent_as_rows(
    probed: tuple[StudySpec, Probe], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, _ = probed
    kinds = []
    for bundles in (1, 2, 16):
        cut = Cut(lease_bundles=bundles, lanes=1, chunk_bundles=1, batch=8)
        monkeypatch.setattr(probing, "cut", lambda *_, chosen=cut: chosen)
        kinds.append(probe(spec, ranks=1, threads=1).plan.contribution)
    # 8 rows of 4 bytes a bundle and cell, against 13 sums of 8 bytes.
    assert kinds == [ROWS, ROWS, PARTIAL]


def fold(probed: tuple[StudySpec, Probe], kind: str, ranks: int) -> dict[str, np.ndarray]:
    """Compute every lease on so many ranks, fold them, and return the state."""
    spec, found = probed
    plan = dataclasses.replace(found.plan, contribution=kind)
    reducer = for_plan(
        spec.statistics_plain(), plan, found.pivots, found.weights, slab=slice(0, plan.n_cells)
    )
    loaded = [Workload(spec, plan, found.pivots, found.weights) for _ in range(ranks)]

    def lease_of(number: int, exclude: tuple[int, ...]) -> Any:
        def work(team: Ranks) -> Any:
            workload = loaded[team.rank]
            share = workload.share(number, lanes_of(team.rank, team.size, LANES), exclude)
            assert share.error == ""
            assert share.dropped == []
            return team.collect(share, workload)

        first, *others = in_threads(ranks, work)
        assert others == [None] * (ranks - 1)
        return first

    for number in range(plan.n_leases):
        begin, last = plan.bundles(number)
        exclude = (begin + 1, begin + 6) if number % 3 == 1 else ()
        buffer = lease_of(number, exclude)
        form = loaded[0].form
        assert buffer.nbytes == form.size_bytes
        form.fold(reducer, buffer, ~np.isin(np.arange(begin, last), exclude))
        if (number + 1) % plan.leases_per_replicate == 0:
            reducer.close_replicate()
    return {key: array.copy() for key, array in reducer.state().items()}


@pytest.fixture(scope="module")
def alone(probed: tuple[StudySpec, Probe]) -> dict[str, np.ndarray]:
    return fold(probed, PARTIAL, 1)


@pytest.mark.parametrize(
    ("kind", "ranks"),  # six ranks are more than there are lanes
    [(ROWS, 1), (PARTIAL, 2), (ROWS, 2), (PARTIAL, 3), (ROWS, 4), (PARTIAL, 6), (ROWS, 6)],
)
def test_neither_ranks_nor_the_kind_of_contribution_reach_the_bits(
    probed: tuple[StudySpec, Probe], alone: dict[str, np.ndarray], kind: str, ranks: int
) -> None:
    found = fold(probed, kind, ranks)
    assert found.keys() == alone.keys()
    for key, array in found.items():
        assert array.tobytes() == alone[key].tobytes(), key


def test_the_whole_field_has_its_exact_indices(
    probed: tuple[StudySpec, Probe], alone: dict[str, np.ndarray]
) -> None:
    spec, found = probed
    reducer = for_plan(
        spec.statistics_plain(), found.plan, found.pivots, found.weights, slab=slice(0, found.plan.n_cells)
    )
    reducer.load_state(alone)
    weights = np.linspace(1.0, 2.0, N_CELLS) * ~analytic_field.masked_cells(N_CELLS, EVERY)
    exact, whole = analytic_field.aggregated(N_CELLS, D, weights), reducer.aggregates.result()
    for name, value in exact.items():
        # The half-width is about 2.4 standard errors at 8 replicates.
        assert np.all(np.abs(whole[name][:, 0] - value) < 2.5 * whole[f"{name}_conf"][:, 0])
    assert np.all(whole["S1_conf"] < 0.15)


@pytest.mark.parametrize("kind", [PARTIAL, ROWS])
def test_a_bundle_is_dropped_for_cells_that_are_not_masked_alone(
    probed: tuple[StudySpec, Probe], kind: str
) -> None:
    spec, found = probed
    workload = Workload(spec, dataclasses.replace(found.plan, contribution=kind), found.pivots, found.weights)
    evaluate = workload.evaluate

    def holed(inputs: np.ndarray, into: Any = None) -> np.ndarray:
        outputs = evaluate(inputs, into)
        outputs[:, :, 1 + EVERY - 1] = np.inf  # a masked cell
        outputs[inputs[:, 0, 0] > 0.5, 2, 5] = np.nan
        return outputs

    workload.evaluate = holed  # type: ignore[method-assign]
    share = workload.share(2, range(LANES), ())
    inputs = workload.sampler.rows(*found.plan.bundles(2))[:, 0, 0]
    expected = found.plan.bundles(2)[0] + np.flatnonzero(inputs > 0.5)
    assert 0 < len(expected) < 8
    assert share.dropped == expected.tolist()
    if kind == ROWS:
        lost = share.dropped[0] - found.plan.bundles(2)[0]
        assert not share.rows[lost].any()
