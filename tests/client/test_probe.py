"""The probe freezes a plan in which nothing is left open, and finds what would go wrong later."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa.arrays import checksum
from parsl_sa.client import probe as probing
from parsl_sa.client.probe import main, probe
from parsl_sa.errors import SpecError
from parsl_sa.jsonfile import write_json
from parsl_sa.launch.planning import read_spec
from parsl_sa.studydir import StudyDir
from support.small_study import MODEL, SPEC, edited, write_study

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.client.probe import Probe


def probed(folder: Path, spec: dict[str, Any] = SPEC, model: str = MODEL, ranks: int = 2) -> Probe:
    return probe(read_spec(write_study(folder, spec, model)), ranks, threads=1)


def faults(folder: Path, spec: dict[str, Any] = SPEC, model: str = MODEL) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        probed(folder, spec, model)
    return [(fault.place, fault.message) for fault in caught.value.faults]


def test_the_plan_says_everything(tmp_path: Path) -> None:
    found = probed(tmp_path)
    plan = found.plan
    assert [(q.name, q.dims, q.shape, q.start) for q in plan.quantities] == [
        ("CL", (), (), 0),
        ("cp", ("x",), (3,), 1),
    ]
    assert (plan.layout.method, plan.layout.d, plan.layout.n_rows) == ("pick-freeze", 2, 4)
    assert (plan.replicates, plan.replicate_bundles, plan.n_bundles) == (8, 16, 128)
    assert (plan.dtype, plan.seed, plan.threads, plan.shards, plan.contribution) == (
        *("float32", 0, 1, 1),
        "partial",
    )
    assert plan.replicate_bundles % plan.lease_bundles == 0
    assert plan.batch <= plan.chunk_bundles * plan.layout.n_rows
    assert set(plan.model_hashes) == {"model.py", "(weights)"}
    assert {"torch", "numba", "parsl-sa", "python"} <= set(plan.versions)
    assert plan.hardware
    assert found.warnings == []


def test_pivots_are_near_the_mean_and_belong_to_the_plan(tmp_path: Path) -> None:
    found = probed(tmp_path)
    assert found.pivots.shape == (4,)
    assert checksum(found.pivots) == found.plan.pivots_digest
    # 32 rows of alpha on [0, 1): standard error 0.05
    assert abs(found.pivots[0] - 0.5) < 0.3


def test_costs_are_plausible(tmp_path: Path) -> None:
    figures = probed(tmp_path).figures
    assert 0 < figures["bundle_s"] < 1
    assert 50e6 < figures["rank_bytes"] < 8e9
    assert 0 < figures["lease_bytes"] < 1e5
    assert 0 < figures["state_bytes"] < 1e5


def test_a_slow_model_is_found_slow_and_cut_small(tmp_path: Path) -> None:
    slow = MODEL.replace("lift = ", "__import__('time').sleep(0.02 * len(x)); lift = ")
    spec = edited(("design.n", 4096), ("design.replicates", 8))
    found = probed(tmp_path, spec, slow)
    # Four rows a bundle: 0.08 s, so a lease of 1.5 s on two ranks is 32 bundles; the clock may be a bit off.
    assert 0.08 <= found.figures["bundle_s"] < 0.12
    assert found.plan.lease_bundles in {16, 32}
    assert found.plan.replicate_bundles == 512


def test_a_small_study_is_not_tried_in_batches_that_it_cannot_fill(tmp_path: Path) -> None:
    seen = tmp_path / "batches.txt"
    told = MODEL.replace("lift = ", f"print(len(x), file=open({str(seen)!r}, 'a')); lift = ")
    assert probed(tmp_path / "study", model=told).plan.batch <= 8  # two bundles of four rows in a lane
    # A and B of 16 bundles are the probe's own sample; the rate of so small a model grows far beyond
    assert max(map(int, seen.read_text().split())) == 32


def test_seed_and_design_do_not_change_how_a_spec_is_known(tmp_path: Path) -> None:
    plan = probed(tmp_path / "a").plan
    assert probed(tmp_path / "b").plan.science == plan.science
    assert probed(tmp_path / "c", edited(("design.seed", 1))).plan.science != plan.science
    assert probed(tmp_path / "d", SPEC, MODEL.replace("0.1", "0.2")).plan.science != plan.science


def test_monte_carlo_has_one_row_a_bundle(tmp_path: Path) -> None:
    found = probed(tmp_path, edited(("design", {"method": "monte-carlo", "n": 256, "replicates": 8})))
    assert found.plan.layout.n_rows == 1
    assert found.plan.n_forwards == 256


@pytest.mark.parametrize("rows", [1, 3, 7, 64])
def test_a_fixed_batch_is_the_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    load = probing.models.load

    def fixed(*arguments: Any) -> Any:
        model = load(*arguments)
        object.__setattr__(model, "fixed_batch", rows)
        object.__setattr__(model, "smallest_batch", rows)
        object.__setattr__(model, "largest_batch", rows)
        return model

    monkeypatch.setattr(probing.models, "load", fixed)
    assert probed(tmp_path).plan.batch == rows


def test_some_values_that_are_not_finite_are_a_warning(tmp_path: Path) -> None:
    holes = MODEL.replace("lift = x[:, 0]", "lift = torch.where(x[:, 0] > 0.75, torch.nan, x[:, 0])")
    found = probed(tmp_path, SPEC, holes)
    lift, field = found.warnings
    assert lift.startswith("outputs[0]: 'CL' is not finite for 8 of 32 probed inputs, so about 68 %")
    assert field.startswith("outputs[1]: 'cp' is not finite for 8 of 32")
    assert np.isfinite(found.pivots).all()


def test_an_output_that_no_probed_input_changes_is_a_warning(tmp_path: Path) -> None:
    constant = MODEL.replace('{"CL": lift', '{"CL": 0 * lift')
    (told,) = probed(tmp_path, SPEC, constant).warnings
    assert told.startswith("outputs[0]: 'CL' is the same for all 32 probed inputs")


def test_cells_that_never_are_finite_are_masked(tmp_path: Path) -> None:
    masked = MODEL.replace('return {"CL"', 'wall[:, 1:] = torch.nan\n        return {"CL"')
    found = probed(tmp_path, SPEC, masked)
    assert found.plan.masked == {"cp": 2}
    assert np.isnan(found.pivots).sum() == 2
    assert found.warnings == []


def test_a_design_that_no_sampler_can_make_is_a_fault(tmp_path: Path) -> None:
    far = {"name": "a", "distribution": "truncated-normal", "mean": 0.0, "sd": 1.0, "low": 1e200}
    ((place, message),) = faults(tmp_path, edited(("inputs.parameters.0", far)))
    assert place == "inputs.parameters[0].low"
    assert "no mass in doubles" in message


def test_the_program_writes_plan_pivots_and_figures(tmp_path: Path) -> None:
    spec = read_spec(write_study(tmp_path))
    out = StudyDir(tmp_path / "out")
    out.root.mkdir()
    write_json(out.spec, spec.plain())
    write_json(out.root / "faults.json", [{"place": "model", "message": "of an earlier attempt"}])
    assert main([str(out.spec), str(out.root), "--ranks", "1", "--threads", "1"]) == 0
    assert sorted(path.name for path in out.root.iterdir()) == [
        *("figures.json", "pivots.npy", "plan.json"),
        "spec.json",
    ]
    assert out.read_pivots().shape == (out.read_plan().n_cells,)
    figures = json.loads((out.root / "figures.json").read_text())
    assert set(figures) == {"costs", "warnings", "notes"}


def test_the_program_writes_faults_and_the_users_own_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = "def load(x):\n    return helper(x)\ndef helper(x):\n    raise ValueError('too steep')\n"
    spec = read_spec(write_study(tmp_path, SPEC, broken))
    write_json(tmp_path / "resolved.json", spec.plain())
    assert main([str(tmp_path / "resolved.json"), str(tmp_path), "--ranks", "1", "--threads", "1"]) == 2
    (fault,) = json.loads((tmp_path / "faults.json").read_text())
    assert fault["place"] == "model"
    assert "ValueError: too steep" in fault["message"]
    told = capsys.readouterr().err
    assert "in helper" in told
    assert not (tmp_path / "plan.json").exists()
