"""From checkpoints to results: which prefix is used, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from parsl_sa.client.workload import Workload
from parsl_sa.errors import StudyError
from parsl_sa.reducer import checkpoints
from parsl_sa.reducer.harvest import common_prefix, harvest, write_results
from parsl_sa.results import store
from parsl_sa.spec import load_spec
from parsl_sa.studydir import append_record
from support.slow_study import PLACES, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.studydir import StudyDir


@pytest.fixture
def own(tmp_path: Path) -> StudyDir:
    """Return a study that a test may write into."""
    return prepare(tmp_path)


def fold(study: StudyDir, leases: int, drop: int | None = None) -> None:
    """Evaluate the first leases and write a checkpoint, as a reducer would."""
    plan = study.read_plan()
    workload = Workload(load_spec(study.spec), plan, study.read_pivots())
    for lease in range(leases):
        first, last = plan.bundles(lease)
        keep = np.arange(first, last) != (-1 if drop is None else drop)
        workload.accumulator.update(workload.evaluate(workload.sampler.rows(first, last)), keep)
        if (lease + 1) % plan.leases_per_replicate == 0:
            workload.accumulator.close_replicate()
    checkpoints.save(
        study.checkpoints(0),
        workload.accumulator.state(),
        plan=plan.digest,
        prefix=leases,
        epoch=1,
        incarnation=1,
    )


def test_nothing_durable_gives_no_results(own: StudyDir) -> None:
    with pytest.raises(StudyError, match="no checkpoint yet"):
        harvest(own)


def test_whole_replicates_of_an_unfinished_study_are_reported(own: StudyDir) -> None:
    fold(own, 4 * 9 + 3)
    datasets, attrs = harvest(own)
    assert (attrs["n_used"], attrs["n_planned"], attrs["finished"]) == (9 * 64, 768, False)
    assert attrs["n_forwards"] == 9 * 64 * 8
    assert list(datasets) == ["y", "field"]
    assert datasets["field"]["S1"].dims == ("parameter", "place")
    assert datasets["field"]["S1"].shape == (3, PLACES)
    assert datasets["field"]["undefined"].values[:, 3].all()
    assert np.isnan(datasets["field"]["S1"].values[:, 3]).all()
    assert np.isfinite(datasets["y"]["S1_conf"].values).all()


def test_the_newest_sound_prefix_is_used(own: StudyDir) -> None:
    fold(own, 8)
    fold(own, 12)
    newest = checkpoints.generations(own.checkpoints(0))[-1]
    assert common_prefix(own, own.read_plan()) == 12
    newest.path.write_bytes(newest.path.read_bytes()[:-1])
    assert common_prefix(own, own.read_plan()) == 8
    assert harvest(own)[1]["n_used"] == 128


def test_drops_within_the_reported_part_are_listed(own: StudyDir) -> None:
    fold(own, 4, drop=20)
    for lease, bundle in ((1, 20), (9, 150)):
        record = {"record": "drop", "lease": lease, "bundles": [bundle], "reason": "non-finite output"}
        append_record(own.journal, record)
    _, attrs = harvest(own)
    assert attrs["n_used"] == 63
    assert attrs["dropped"] == [{"bundle": 20, "reason": "non-finite output"}]


def test_results_are_written_with_where_they_come_from(own: StudyDir) -> None:
    fold(own, 48)
    attrs = write_results(own)
    datasets, read = store.open_store(own.results)
    assert read["finished"]
    assert read["n_used"] == 768
    assert read["study"] == own.study_id() == attrs["study"]
    assert read["model_hashes"].keys() == {"slow_model.py"}
    assert read["seed"] == 7
    assert set(datasets) == {"y", "field"}
