"""Studies of many base inputs: exact indices of each, together and alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa import Study

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    import xarray as xr

N_CASES, SIDE, GRID = 5, 6, 3
RNG = np.random.default_rng(4)
IMAGES = RNG.uniform(0, 255, (N_CASES, SIDE, SIDE, 3))
WEIGHTS = RNG.normal(size=(3, SIDE, SIDE))
MASK = {"kind": "mask", "grid": [GRID, GRID], "baseline": "zero"}


class Linear(torch.nn.Module):
    """A weighted sum of the pixels: cells of a mask have exact indices."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * torch.as_tensor(WEIGHTS, dtype=x.dtype)).sum((1, 2, 3))


def exact_shares() -> npt.NDArray[np.float64]:
    """Return S1 = ST of every cell of the mask, shape (GRID * GRID, N_CASES)."""
    k = SIDE // GRID
    sums = (IMAGES * WEIGHTS.transpose(1, 2, 0)).reshape(N_CASES, GRID, k, GRID, k, 3).sum((2, 4, 5))
    squares = sums.reshape(N_CASES, -1).T ** 2
    shares: npt.NDArray[np.float64] = squares / squares.sum(0)
    return shares


def launch(folder: Path, n: int = 512, **base: Any) -> xr.Dataset:
    np.save(folder / "images.npy", IMAGES)
    inputs = {"base": {"path": str(folder / "images.npy"), "layout": "HWC", **base}, "perturbations": [MASK]}
    study = Study.from_function(Linear(), inputs, n=n, name="masks")
    return study.launch(folder / "run", progress=False)["y"]


def test_every_case_has_its_exact_indices(tmp_path: Path) -> None:
    found = launch(tmp_path)
    assert found["S1"].dims == ("parameter", "case")
    exact = exact_shares()
    for index in ("S1", "ST"):
        # 45 intervals of 95 %: 10 outside has a chance below 1e-4
        outside = np.abs(found[index].values - exact) > found[f"{index}_conf"].values
        assert outside.sum() < 10
        # three half-widths of 95 % are 5.9 standard errors
        assert (np.abs(found[index].values - exact) < 3 * found[f"{index}_conf"].values + 1e-3).all()
    variances = found["variance"].values
    together = (exact * variances).sum(1) / variances.sum()
    error = np.abs(found["S1_aggregated"].values - together)
    assert (error < 3 * found["S1_aggregated_conf"].values + 1e-3).all()


def test_a_case_among_others_is_the_case_alone(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    together = launch(tmp_path / "all", n=256)
    for row in (0, 3):
        folder = tmp_path / str(row)
        folder.mkdir()
        alone = launch(folder, n=256, rows=row)
        assert alone["S1"].dims == ("parameter",)
        np.testing.assert_allclose(alone["ST"].values, together["ST"].sel(case=row).values, atol=2e-5)


@pytest.mark.filterwarnings("ignore::parsl_sa.study.advice.StudyWarning")
def test_many_cases_do_not_mean_many_leases(tmp_path: Path) -> None:
    rows = RNG.normal(size=(20_000, 4))
    np.save(tmp_path / "rows.npy", rows)
    inputs = {
        "base": {"path": str(tmp_path / "rows.npy"), "layout": "F"},
        "perturbations": [{"kind": "mask", "grid": [4], "baseline": "zero"}],
    }
    study = Study.from_function(lambda x: x.sum(1), inputs, n=32, name="many", statistics=["sobol"])
    study.launch(tmp_path / "run", progress=False)
    plan = study.check()
    assert plan["forwards"] == 32 * 10 * 20_000
    assert plan["leases"] <= 32
    assert sum(1 for path in (tmp_path / "run").rglob("*") if path.is_file()) < 200


@pytest.mark.filterwarnings("ignore::parsl_sa.study.advice.StudyWarning")
@pytest.mark.parametrize("batch_of", [1, 7])
def test_a_batch_may_end_within_a_row(tmp_path: Path, batch_of: int) -> None:
    from parsl_sa import models

    np.save(tmp_path / "images.npy", IMAGES)
    inputs = {
        "base": {"path": str(tmp_path / "images.npy"), "layout": "HWC"},
        "perturbations": [MASK],
    }
    study = Study.from_function(Linear(), inputs, n=32, name="masks")
    spec = study.spec
    evaluator = models.evaluator(**spec.evaluator_plain())
    rows = RNG.uniform(size=(4, GRID * GRID))
    evaluator.probe(rows)
    whole = evaluator.evaluate(rows, 4 * N_CASES)
    np.testing.assert_allclose(evaluator.evaluate(rows, batch_of), whole, rtol=1e-5)
    assert whole.shape == (4, N_CASES)


@pytest.mark.parametrize(
    ("changed", "said"), [("images.npy", "has changed since"), ("cells.npy", "cells.npy")]
)
def test_a_study_does_not_go_on_with_other_files(tmp_path: Path, changed: str, said: str) -> None:
    from parsl_sa.client.workload import Workload
    from parsl_sa.errors import ParslSaError
    from parsl_sa.spec import load_spec
    from parsl_sa.studydir import StudyDir

    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "cells.npy", np.arange(SIDE * SIDE).reshape(SIDE, SIDE) // 12)
    mask = {"kind": "mask", "segments": str(tmp_path / "cells.npy"), "baseline": "zero"}
    base = {"path": str(tmp_path / "images.npy"), "layout": "HWC"}
    study = Study.from_function(Linear(), {"base": base, "perturbations": [mask]}, n=256, name="masks")
    study.launch(tmp_path / "run", progress=False)
    kept = StudyDir(tmp_path / "run")
    frozen = (load_spec(kept.spec), kept.read_plan(), kept.read_pivots())
    Workload(*frozen)
    np.save(tmp_path / changed, np.load(tmp_path / changed)[::-1].copy())
    with pytest.raises(ParslSaError, match=said):
        Workload(*frozen)


def test_outputs_stand_side_by_side_each_over_all_cases(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ROWS := RNG.normal(size=(3, 2)))
    inputs = {
        "base": {"path": str(tmp_path / "rows.npy"), "layout": "F"},
        "perturbations": [{"kind": "mask", "grid": [2], "baseline": "zero"}],
    }
    outputs = [{"name": "first", "select": "a"}, {"name": "second", "select": "b", "dims": {"k": 2}}]
    study = Study.from_function(
        lambda x: {"a": x[:, 0] + 0 * x[:, 1], "b": np.stack([x[:, 1], 10 * x[:, 0] + x[:, 1]], 1)},
        inputs, n=256, outputs=outputs, name="two", model={"arrays": "numpy"},
    )  # fmt: skip
    found = study.launch(tmp_path / "run", progress=False)
    assert found["first"]["mean"].dims == ("case",)
    assert found["second"]["mean"].dims == ("case", "k")
    # half of a feature is kept on average, and its variance is a twelfth of its square
    for values, exact in (
        (found["first"]["variance"], ROWS[:, 0] ** 2),
        (found["second"]["variance"][:, 0], ROWS[:, 1] ** 2),
        (found["second"]["variance"][:, 1], 100 * ROWS[:, 0] ** 2 + ROWS[:, 1] ** 2),
    ):
        np.testing.assert_allclose(values, exact / 12, rtol=0.1)
    np.testing.assert_allclose(found["first"]["ST"].sel(parameter="mask[0]"), 1.0, atol=1e-6)
    np.testing.assert_allclose(found["second"]["ST"].sel(parameter="mask[1]")[:, 0], 1.0, atol=1e-6)
