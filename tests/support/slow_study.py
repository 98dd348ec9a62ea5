"""A study of some seconds whose processes can be killed in the middle, and its undisturbed run."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.client.probe import probe
from parsl_sa.jsonfile import write_json
from parsl_sa.spec import load_spec, resolved
from parsl_sa.studydir import StudyDir, read_plan
from support.runs import events, launched

if TYPE_CHECKING:
    import pytest

    from parsl_sa.records import Plan

N = 768
REPLICATES = 12
LEASE_BUNDLES = 16
PLACES = 11
PAUSE_S = 0.02
MODEL = Path(__file__).parent / "slow_model.py"


def write_spec(folder: Path, *, options: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Write a spec and its model into a folder.

    Parameters
    ----------
    folder : Path
        Made if missing.
    options : dict, optional
        Of the model, instead of a pause.
    changes : dict
        Sections of the spec by name, merged into what stands here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(MODEL, folder / MODEL.name)
    span = {"distribution": "uniform", "low": -math.pi, "high": math.pi}
    spec: dict[str, Any] = {
        "spec_version": 1,
        "name": "slow",
        "model": {
            "loader": "python",
            "path": f"{MODEL.name}:load",
            "options": {"pause_s": PAUSE_S} if options is None else options,
            "dtype": "float64",
            "arrays": "numpy",
        },
        "inputs": {"parameters": [{"name": f"x{i}", **span} for i in (1, 2, 3)]},
        "design": {"n": N, "replicates": REPLICATES, "both_ways": True, "seed": 7},
        "outputs": [
            {"name": "y", "select": "y"},
            {"name": "field", "select": "field", "dims": {"place": PLACES}},
        ],
        "farm": {"clients": {"ranks": 2, "slots": 1, "threads": 1}, "reducer": {"checkpoint_s": 1}},
    }
    for name, section in changes.items():
        spec[name] = merged(spec.get(name, {}), section)
    path = folder / "spec.json"
    path.write_text(json.dumps(spec))
    return path


def merged(into: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Merge two nested dicts."""
    both = dict(into)
    for key, value in other.items():
        both[key] = merged(both.get(key, {}), value) if isinstance(value, dict) else value
    return both


def write_plan(spec: Path, lease_bundles: int = LEASE_BUNDLES) -> Path:
    """Probe a spec, and cut its plan into leases of a size that no clock has chosen."""
    out = spec.parent
    shutil.copy(spec, out / "probed.json")
    resolved = json.loads(spec.read_text())
    resolved["model"]["path"] = f"{out / MODEL.name}:load"
    write_json(out / "probed.json", resolved)
    words = [str(out / "probed.json"), str(out), "--ranks", "2", "--threads", "1"]
    subprocess.run([sys.executable, "-m", "parsl_sa.client.probe", *words], check=True, capture_output=True)
    write_json(out / "plan.json", cut_to(read_plan(out / "plan.json"), lease_bundles).to_json())
    return out / "plan.json"


def cut_to(plan: Plan, lease_bundles: int) -> Plan:
    """Return a plan cut into leases of that size."""
    lanes = min(8, lease_bundles)
    chunk = lease_bundles // lanes
    batch = chunk * plan.layout.n_rows
    return dataclasses.replace(
        plan, lease_bundles=lease_bundles, lanes=lanes, chunk_bundles=chunk, batch=batch
    )


def prepare(folder: Path, **options: Any) -> StudyDir:
    """Make a study directory with its plan, for what runs inside the process of a test; it does not pause."""
    spec = write_spec(folder / "spec", options=options)
    study = StudyDir(folder / "study")
    study.create()
    loaded = resolved(load_spec(spec), spec.parent)
    write_json(study.spec, loaded.plain())
    found = probe(loaded, 2, 1)
    write_json(study.plan, cut_to(found.plan, LEASE_BUNDLES).to_json())
    np.save(study.pivots, found.pivots)
    return study


@dataclasses.dataclass(frozen=True)
class SlowStudy:
    """A spec, its plan, and the directory of a run that nobody disturbed."""

    spec: Path
    plan: Path
    directory: Path

    @property
    def startup_s(self) -> float:
        """Time from the first program to the first client that is up."""
        told = events(StudyDir(self.directory))
        up = next(event for event in told if event["event"] == "client-up")
        began, ended = (datetime.fromisoformat(event["at"]) for event in (told[0], up))
        return (ended - began).total_seconds()

    def words(self, directory: Path, *more: str, spec: Path | None = None) -> tuple[str, ...]:
        """Return what to tell `parsl-sa` to run it again elsewhere."""
        where = ("--dir", str(directory), "--plan", str(self.plan), "--plain")
        return ("launch", str(spec or self.spec), *where, *more)


@functools.cache
def undisturbed(base: Path) -> SlowStudy:
    """Run the study once a session."""
    spec = write_spec(base / "slow-spec")
    study = SlowStudy(spec, write_plan(spec), base / "slow-run")
    with launched(study.directory, *study.words(study.directory)) as run:
        ended = run.finish()
    assert ended.code == 0, ended.err
    return study


def undisturbed_of_session(factory: pytest.TempPathFactory) -> SlowStudy:
    """Return the one undisturbed run of a test session."""
    return undisturbed(factory.getbasetemp())
