"""A field on the farm: its indices, its mask, its history, and the memory that `check` announced."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from parsl_sa.study import Results, Study
from support import analytic_field
from support.runs import launched, members

if TYPE_CHECKING:
    from support.runs import Run

N_CELLS, D, EVERY = 100_000, 6, 50


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    model = str(Path(analytic_field.__file__).resolve())
    plain: Any = analytic_field.spec(model, N_CELLS, D, 256, masked_every=EVERY)
    plain["outputs"][1].update(coords={"t": {"values": "t.npy", "unit": "s"}}, weights="volume.npy", unit="K")
    np.save(tmp_path / "t.npy", (np.arange(N_CELLS) + 0.5) / N_CELLS)
    np.save(tmp_path / "volume.npy", np.linspace(1.0, 3.0, N_CELLS))
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(plain))
    return path


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.timeout(300)
def test_rows_on_a_farm_give_the_bits_of_sums(tmp_path: Path) -> None:
    model = str(Path(analytic_field.__file__).resolve())
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(analytic_field.spec(model, 3000, 3, 128, masked_every=EVERY)))
    study = Study.load(path)
    sums = study.launch(tmp_path / "sums")
    plan = json.loads((tmp_path / "sums" / "plan.json").read_text())
    assert plan["contribution"] == "partial"
    made = tmp_path / "made"
    made.mkdir()
    shutil.copy(tmp_path / "sums" / "pivots.npy", made)
    (made / "plan.json").write_text(json.dumps({**plan, "contribution": "rows"}))
    rows = study.launch(tmp_path / "rows", plan=made / "plan.json")
    for name in sums.names:
        assert set(sums[name].variables) == set(rows[name].variables)
        for variable in sums[name].data_vars:
            left, right = sums[name][variable].values, rows[name][variable].values
            assert left.tobytes() == right.tobytes(), (name, variable)


def watch(run: Run) -> dict[str, dict[int, int]]:
    """Return the highest resident memory of every process of a run, by role, in bytes."""
    peaks: dict[str, dict[int, int]] = {}
    while run.process.poll() is None:
        for role, processes in members(run.study).items():
            for process in processes:
                with contextlib.suppress(OSError, psutil.Error):
                    told = Path(f"/proc/{process.pid}/status").read_text()
                    high = re.search(r"VmHWM:\s+(\d+) kB", told)
                    if high:
                        peaks.setdefault(role, {})[process.pid] = 1024 * int(high[1])
        time.sleep(0.1)
    return peaks


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.timeout(400)
def test_a_field_runs_in_the_memory_that_was_announced(spec: Path, where: Path) -> None:
    told = Study.load(spec).check()
    assert told["masked"] == {"field": N_CELLS // EVERY}
    with launched(where, "launch", str(spec), "--dir", str(where), "--plain") as run:
        peaks = watch(run)
        ended = run.finish()
        assert ended.code == 0, run.account()
    assert len(peaks["rank"]) == told["ranks"]
    assert sum(peaks["rank"].values()) < told["client_memory_bytes"]
    assert max(peaks["reducer"].values()) < told["reducer_memory_bytes"]
    assert max(peaks["coordinator"].values()) < told["results_memory_bytes"]
    # What is announced is not so much that it says nothing.
    assert sum(peaks["rank"].values()) > 0.4 * told["client_memory_bytes"]
    assert max(peaks["reducer"].values()) > 0.3 * told["reducer_memory_bytes"]
    _check_results(Results.open(where))


def _check_results(results: Results) -> None:
    ds, masked = results["field"], analytic_field.masked_cells(N_CELLS, EVERY)
    np.testing.assert_array_equal(ds["masked"].values, masked)
    assert np.isnan(ds["S1"].values[:, masked]).all()
    assert not ds["undefined"].values.any()
    assert ds["t"].attrs["units"] == "s"
    exact = analytic_field.exact(N_CELLS, D)
    for name in ("S1", "ST"):
        error = np.abs(ds[name].values - exact[name])[:, ~masked]
        # Every cell of 6e5 within 5 half-widths, which are 2.1 standard errors each; most within one.
        assert np.all(error <= 5 * ds[f"{name}_conf"].values[:, ~masked] + 1e-6)
        assert np.mean(error <= ds[f"{name}_conf"].values[:, ~masked] + 1e-6) > 0.8
    weights = ds["weight"].values * ~masked
    np.testing.assert_array_equal(ds["weight"].values, np.linspace(1.0, 3.0, N_CELLS))
    for name, value in analytic_field.aggregated(N_CELLS, D, weights).items():
        assert np.all(np.abs(ds[f"{name}_aggregated"] - value) < 3 * ds[f"{name}_aggregated_conf"])
        np.testing.assert_array_equal(ds[f"{name}_look"][-1], ds[f"{name}_aggregated"])
    assert ds["look"].values.tolist() == [16 * look for look in range(1, 17)]
    first = results["first"]
    np.testing.assert_array_equal(first["mean_look"][-1], first["mean"])
    np.testing.assert_array_equal(first["ST_conf_look"][-1], first["ST_conf"])
