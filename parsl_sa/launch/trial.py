"""Trying a model in a process of its own, and what that says about its study."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psutil

from parsl_sa.errors import Fault, SpecError, StudyError
from parsl_sa.jsonfile import write_json
from parsl_sa.launch.slots import slots_of, threads_of
from parsl_sa.launch.threads import fixed_threads
from parsl_sa.protocol.intake import room_for
from parsl_sa.studydir import read_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from parsl_sa.execution.site import Site
    from parsl_sa.records import Plan
    from parsl_sa.spec import StudySpec

INLINE = "inline"
FARM_START_S = 10.0
"""Time that a farm on this machine takes to start; a study that is shorter runs better inline."""

_LONG_S = 3.0  # work in one process that is worth trying with more threads
_WELL_WORTH = 0.8  # small networks are slower with several threads, and the machine has others to serve
_REDUCER_BYTES = 200e6  # a reducer before it has any cells
_HARVEST_BYTES = 220e6  # what makes results, before it has any cells: xarray, Zarr and pandas
_SOCKET_BYTES = 128 << 20  # what waits in the sockets of one client, at most
_RESULTS = 2.5  # results take their time and, beside the statistics, as much again and half of it
_CHECKPOINTS = 3  # two generations and the one being written


@dataclass(frozen=True)
class Trial:
    """A probed spec: its plan, and what running it will take.

    Parameters
    ----------
    spec : StudySpec
        Resolved.
    site : Site
        Where it will run.
    plan : Plan
        Frozen.
    figures : dict
        Costs as the probe measured them.
    warnings : tuple of str
        What the probe found that may go wrong later.
    notes : tuple of str
        What it found that is good to know.
    """

    spec: StudySpec
    site: Site
    plan: Plan
    figures: dict[str, float]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def slots(self) -> int:
        """Clients at a time."""
        return slots_of(self.spec, self.site)

    @property
    def ranks(self) -> int:
        """Processes that share a lease."""
        return self.spec.farm.clients.ranks if self.site.provider != "none" else 1

    @property
    def inline_s(self) -> float:
        """Estimated time of the work in one process."""
        return self.plan.n_bundles * self.figures["bundle_s"]

    @property
    def duration_s(self) -> float:
        """Estimated time of the work alone, without start-up."""
        return self.inline_s / (self.ranks * self.slots)

    @property
    def start_s(self) -> float:
        """Time until the work begins, more or less."""
        return 0.0 if self.site.provider == "none" else FARM_START_S


def describe(trial: Trial) -> dict[str, Any]:
    """Return what `check` reports of a trial, as plain values."""
    plan, figures = trial.plan, trial.figures
    if trial.site.provider == "none":  # one process is client and reducer
        client_bytes, reducer_bytes = figures["rank_bytes"] + figures["state_bytes"], 0
    else:
        client_bytes = figures["rank_bytes"] * trial.ranks + figures["lead_bytes"]
        reducer_bytes = _reducer_bytes(trial)
    return {
        "name": trial.spec.name,
        "site": trial.site.name,
        "parameters": len(trial.spec.uncertain),
        "factors": plan.layout.d,
        "groups": trial.spec.groups_plain(),
        "conditional": plan.layout.method == "conditional",
        "outputs": {q.name: dict(zip(q.dims, q.shape, strict=True)) for q in plan.quantities},
        "cells": plan.n_cells,
        "masked": plan.masked,
        "n": plan.n_bundles,
        "rows": plan.layout.n_rows,
        "replicates": plan.replicates,
        "forwards": plan.n_forwards,
        "lease_bundles": plan.lease_bundles,
        "leases": plan.n_leases,
        "batch": plan.batch,
        "clients": trial.slots,
        "ranks": trial.ranks,
        "threads": plan.threads,
        "client_memory_bytes": int(client_bytes),
        "reducer_memory_bytes": int(reducer_bytes),
        "results_memory_bytes": int(_HARVEST_BYTES + _RESULTS * figures["state_bytes"]),
        "checkpoint_disk_bytes": int(_CHECKPOINTS * figures["state_bytes"]),
        "lease_s": plan.lease_bundles * figures["bundle_s"] / trial.ranks,
        "duration_s": trial.duration_s,
        "start_s": trial.start_s,
        "inline_s": trial.inline_s,
        "recommended_site": INLINE if trial.inline_s < FARM_START_S else trial.site.name,
        "cases": plan.cases,
        "warnings": list(trial.warnings),
        "notes": list(trial.notes),
    }


def _reducer_bytes(trial: Trial) -> int:
    """Return what a reducer takes: to be started again, or with every place taken and every socket full."""
    state, lease = trial.figures["state_bytes"], trial.figures["lease_bytes"]
    sockets = min(2 * lease, _SOCKET_BYTES) * trial.slots
    return int(_REDUCER_BYTES + state + max(state, room_for(int(lease)) * lease + sockets))


def try_model(spec: StudySpec, site: Site, out: Path) -> Trial:
    """Probe the model; `plan.json` and `pivots.npy` appear in `out`.

    Inline studies are probed in this process, the others in one of their own with the threads of a rank.

    Raises
    ------
    SpecError
        If the model is not what the spec says.
    StudyError
        If the probe died.
    """
    threads = threads_of(spec, site)
    if site.provider == "none":
        return _try_here(spec, site, out)
    write_json(out / "spec.json", spec.plain())
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    done = subprocess.run(  # noqa: S603 - our own program
        [*probe_command(spec, threads), str(out / "spec.json"), str(out)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **dict.fromkeys(names, str(threads))},
    )
    read_faults(out)
    if done.returncode or not (out / "plan.json").exists():
        raise StudyError(_died(done))
    found = json.loads((out / "figures.json").read_text())
    told, plan = (tuple(found["warnings"]), tuple(found["notes"])), read_plan(out / "plan.json")
    trial = Trial(spec, site, plan, found["costs"], *told)
    return replace(trial, warnings=(*trial.warnings, *_memory_warnings(trial)))


def _try_here(spec: StudySpec, site: Site, out: Path) -> Trial:
    """Probe in this process: with one thread, and with those of all cores where that could pay."""
    from parsl_sa.client.probe import probe, save  # noqa: PLC0415 - torch and numba, for inline studies only

    most = threads_of(spec, site)
    first = most if spec.farm.clients.threads else 1
    with fixed_threads(first):
        found = probe(spec, 1, first)
    if first < most and found.figures["bundle_s"] * found.plan.n_bundles > _LONG_S:
        with fixed_threads(most):
            wide = probe(spec, 1, most)
        if wide.figures["bundle_s"] < _WELL_WORTH * found.figures["bundle_s"]:
            found = wide
    save(found, out)
    return Trial(spec, site, found.plan, found.figures, tuple(found.warnings), tuple(found.notes))


def _memory_warnings(trial: Trial) -> Iterator[str]:
    """Tell of programs that this machine has no room for; another machine is not known from here."""
    told, has_bytes = describe(trial), psutil.virtual_memory().total
    wants_bytes = told["clients"] * told["client_memory_bytes"] + told["reducer_memory_bytes"]
    if trial.site.provider == "local" and wants_bytes > has_bytes:
        yield (
            f"farm.clients: {told['clients']} of {told['ranks']} ranks and the reducer take about "
            f"{wants_bytes / 1e9:.3g} GB, but this machine has {has_bytes / 1e9:.3g} GB; take fewer ranks"
        )


def _died(done: subprocess.CompletedProcess[str]) -> str:
    """Word the end of a probe that told nothing."""
    code = done.returncode
    if code == -signal.SIGKILL:
        return "the process that tried the model was killed; most often the machine has run out of memory"
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    last = f"; its last words: {' / '.join(lines[-3:])}" if lines else ", without a word"
    return f"the process that tried the model ended {how}{last}. Run the model by itself to see why"


def probe_command(spec: StudySpec, threads: int) -> list[str]:
    """Return the command of a probe, without its spec and directory."""
    ranks = spec.farm.clients.ranks
    return [sys.executable, "-m", "parsl_sa.client.probe", "--ranks", str(ranks), "--threads", str(threads)]


def read_faults(out: Path) -> None:
    """Raise what a probe has found wrong, if anything."""
    path = out / "faults.json"
    if path.exists():
        raise SpecError([Fault(str(f["place"]), str(f["message"])) for f in json.loads(path.read_text())])
