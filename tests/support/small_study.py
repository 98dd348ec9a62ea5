"""A small study: its spec and model in a folder, and its run inside the process of the test."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.studydir import StudyDir

MODEL = """
import torch
from torch import nn


class Wing(nn.Module):
    def forward(self, x):
        lift = x[:, 0] + 0.1 * x[:, 1]
        wall = torch.stack([lift, x[:, 1], lift * x[:, 1]], dim=1)
        return {"CL": lift, "CD": lift**2, "wall": {"cp": wall}}


def load():
    return Wing()
"""

SPEC: dict[str, Any] = {
    "spec_version": 1,
    "name": "wing",
    "model": {"loader": "python", "path": "model.py:load"},
    "inputs": {
        "parameters": [
            {"name": "alpha", "distribution": "uniform", "low": 0.0, "high": 1.0, "unit": "deg"},
            {"name": "mach", "distribution": "normal", "mean": 0.0, "sd": 1.0},
        ]
    },
    "design": {"method": "pick-freeze", "n": 128, "replicates": 8},
    "outputs": [{"name": "CL", "select": "CL"}, {"name": "cp", "select": "wall.cp", "dims": {"x": 3}}],
    "farm": {"clients": {"ranks": 1, "slots": 1, "threads": 1}},
}


def edited(*edits: tuple[str, Any]) -> dict[str, Any]:
    """Return the spec after some edits, each a dotted place and its new value; ``...`` removes it."""
    spec = copy.deepcopy(SPEC)
    for place, value in edits:
        *parents, last = place.split(".")
        here: Any = spec
        for step in parents:
            here = here[int(step)] if isinstance(here, list) else here[step]
        key: Any = int(last) if isinstance(here, list) else last
        if value is ...:
            del here[key]
        elif isinstance(here, list) and key == len(here):
            here.append(value)
        else:
            here[key] = value
    return spec


def write_study(folder: Path, spec: dict[str, Any] | str = SPEC, model: str | None = MODEL) -> Path:
    """Write a spec (a text as it is) and its model into a folder, and return the path of the spec."""
    folder.mkdir(parents=True, exist_ok=True)
    if model is not None:
        (folder / "model.py").write_text(model)
    path = folder / "spec.json"
    path.write_text(spec if isinstance(spec, str) else json.dumps(spec))
    return path


def run_here(spec: Path, directory: Path, leases: int | None = None) -> StudyDir:
    """Run a study, or its first leases, without any farm; the directory is what a farm leaves."""
    # Here, because most tests that write a spec run it in another process, or not at all.
    import numpy as np

    from parsl_sa.client.probe import probe
    from parsl_sa.client.workload import Workload
    from parsl_sa.jsonfile import write_json
    from parsl_sa.launch.planning import read_spec
    from parsl_sa.reducer import checkpoints
    from parsl_sa.reducer.harvest import write_results
    from parsl_sa.stats import merge_nodes
    from parsl_sa.studydir import StudyDir

    read = read_spec(spec)
    found = probe(read, ranks=1, threads=1)
    plan, study = found.plan, StudyDir(directory.resolve())
    study.create()
    write_json(study.spec, read.plain())
    write_json(study.plan, plan.to_json())
    np.save(study.pivots, found.pivots)
    workload = Workload(read, plan, found.pivots)
    accumulator = workload.accumulator
    last = plan.n_leases if leases is None else leases
    for lease in range(last):
        nodes = workload.share(lease, range(plan.lanes), ()).nodes
        root = merge_nodes(nodes, plan.lanes, accumulator.combine_partials)
        accumulator.add_partials(root.partials, root.n_bundles)
        if (lease + 1) % plan.leases_per_replicate == 0:
            accumulator.close_replicate()
    if last:
        life = {"plan": plan.digest, "prefix": last, "epoch": 1, "incarnation": 1}
        checkpoints.save(study.checkpoints(0), accumulator.state(), **life)
    done = last == plan.n_leases
    if done:
        write_results(study)
    folded = last * plan.lease_bundles
    told = {"name": read.name, "n_bundles": plan.n_bundles, "folded": folded, "n_rows": plan.layout.n_rows}
    write_json(study.status, {**told, "stage": "done" if done else "stopped", "updated_at": 0.0})
    return study
