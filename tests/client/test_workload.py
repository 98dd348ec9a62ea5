"""One rank's share of a lease: what is folded, what is dropped, what is found at fault."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa.client.workload import Workload
from parsl_sa.errors import StudyError
from parsl_sa.spec import load_spec
from parsl_sa.stats import merge_nodes

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.client.workload import Share
    from parsl_sa.studydir import StudyDir

LEASE = 3
LANES = range(8)


def workload_of(study: StudyDir, **options: Any) -> Workload:
    """Load the study's workload; options change the model, as its plan does not know."""
    spec = load_spec(study.spec)
    model = spec.model.model_copy(update={"options": options})
    return Workload(spec.model_copy(update={"model": model}), study.read_plan(), study.read_pivots())


def partials_of(workload: Workload, share: Share) -> list[npt.NDArray[np.float64]]:
    root = merge_nodes(share.nodes, 8, workload.accumulator.combine_partials)
    assert root.n_bundles + len(share.dropped) == 16 - len(share.poisoned)
    return root.partials


def direct(workload: Workload, keep: list[int]) -> list[npt.NDArray[np.float64]]:
    """Fold the bundles of the lease one rank would, without chunks, lanes or trees."""
    first, last = workload.plan.bundles(LEASE)
    rows = workload.evaluate(workload.sampler.rows(first, last))
    mask = np.isin(np.arange(first, last), keep)
    workload.accumulator.update(rows, mask)
    partials, _ = workload.accumulator.take_partials()
    return partials


def assert_close(one: list[npt.NDArray[np.float64]], other: list[npt.NDArray[np.float64]]) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-10)


def test_a_whole_lease_is_the_sum_of_its_bundles(study: StudyDir) -> None:
    workload = workload_of(study)
    share = workload.share(LEASE, LANES, ())
    assert (share.dropped, share.poisoned, share.error) == ([], [], "")
    assert_close(partials_of(workload, share), direct(workload, list(range(48, 64))))


def test_ranks_share_a_lease_without_a_rest(study: StudyDir) -> None:
    workload = workload_of(study)
    whole = partials_of(workload, workload.share(LEASE, LANES, ()))
    parts = [workload.share(LEASE, lanes, ()) for lanes in (range(3), range(3, 8))]
    nodes = {place: node for part in parts for place, node in part.nodes.items()}
    root = merge_nodes(nodes, 8, workload.accumulator.combine_partials)
    assert [p.tobytes() for p in root.partials] == [p.tobytes() for p in whole]


def test_an_excluded_bundle_leaves_the_bits_of_the_others(study: StudyDir) -> None:
    workload = workload_of(study)
    share = workload.share(LEASE, LANES, (50, 55))
    root = merge_nodes(share.nodes, 8, workload.accumulator.combine_partials)
    assert root.n_bundles == 14
    assert_close(root.partials, direct(workload, [b for b in range(48, 64) if b not in {50, 55}]))


def test_the_model_never_sees_an_excluded_bundle(study: StudyDir) -> None:
    largest = workload_of(study).sampler.rows(48, 64)[:, :, 0].max(axis=1)
    worst = np.argsort(largest)[-2:]
    strict = workload_of(study, raise_above=float(largest[worst].mean()))
    assert strict.share(LEASE, LANES, ()).poisoned == [48 + worst[1]]
    assert strict.share(LEASE, LANES, [48 + int(worst[1])]).error == ""


def test_bundles_with_a_non_finite_value_are_left_out_whole(study: StudyDir) -> None:
    plain = workload_of(study)
    largest = plain.sampler.rows(48, 64)[:, :, 1].max(axis=1)
    order = np.argsort(largest)
    bound = float(largest[order[-3:-1]].mean())  # between the third and the second largest
    workload = workload_of(study, nan_above=bound)
    share = workload.share(LEASE, LANES, ())
    assert sorted(share.dropped) == sorted((48 + order[-2:]).tolist())
    assert share.error == ""
    kept = [b for b in range(48, 64) if b not in share.dropped]
    assert_close(partials_of(workload, share), direct(plain, kept))


def test_the_bundles_that_raise_alone_are_found(study: StudyDir, capsys: pytest.CaptureFixture[str]) -> None:
    plain = workload_of(study)
    largest = plain.sampler.rows(48, 64)[:, :, 0].max(axis=1)
    order = np.argsort(largest)
    bound = float(largest[order[-4:-2]].mean())
    share = workload_of(study, raise_above=bound).share(LEASE, LANES, ())
    assert sorted(share.poisoned) == sorted((48 + order[-3:]).tolist())
    assert share.error == "ValueError: x1 is more than this model can bear"
    assert "Traceback" in capsys.readouterr().err  # for the log of the client


def test_a_model_that_raises_now_and_then_poisons_nothing(study: StudyDir) -> None:
    workload = workload_of(study)
    evaluate, calls = workload.evaluate, []

    def moody(inputs: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        calls.append(len(inputs))
        if len(calls) == 2:
            raise RuntimeError("out of memory, this once")
        return evaluate(inputs)

    workload.evaluate = moody  # type: ignore[method-assign]
    share = workload.share(LEASE, LANES, ())
    assert share.poisoned == []
    assert "out of memory" in share.error


def test_another_model_than_the_plan_s_is_refused(study: StudyDir, tmp_path: Path) -> None:
    spec = load_spec(study.spec)
    path = Path(spec.model.path.rpartition(":")[0])
    other = tmp_path / path.name
    other.write_text(path.read_text() + "\n# changed\n")
    moved = spec.model.model_copy(update={"path": f"{other}:load"})
    with pytest.raises(StudyError, match=r"changed since the plan was frozen: slow_model\.py"):
        Workload(spec.model_copy(update={"model": moved}), study.read_plan(), study.read_pivots())


def test_other_shapes_than_the_plan_s_are_refused(study: StudyDir) -> None:
    plan = study.read_plan()
    other = dataclasses.replace(plan, dtype="float32")
    with pytest.raises(StudyError, match="other shapes or types"):
        Workload(load_spec(study.spec), other, study.read_pivots())
    assert json.loads(study.plan.read_text())["dtype"] == "float64"
