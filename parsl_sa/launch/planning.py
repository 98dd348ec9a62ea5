"""Before a run: the study directory is made, the model tried, the plan frozen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault, SpecError, StudyError
from parsl_sa.execution.mpi import require_mpi
from parsl_sa.execution.presets import site_of
from parsl_sa.launch.slots import slots_of, threads_of
from parsl_sa.records import Plan, digest_of
from parsl_sa.spec import load_spec, resolved, science
from parsl_sa.studydir import StudyDir, read_plan, write_json

if TYPE_CHECKING:
    from parsl_sa.execution.site import Site
    from parsl_sa.spec import StudySpec


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
    """

    spec: StudySpec
    site: Site
    plan: Plan
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def slots(self) -> int:
        """Clients at a time."""
        return slots_of(self.spec, self.site)

    @property
    def duration_s(self) -> float:
        """Estimated time of the forwards alone, without start-up."""
        rate = self.figures["batch"] / self.figures["forward_s"]
        return self.plan.n_forwards / (rate * self.spec.farm.clients.ranks * self.slots)


def read_spec(path: Path, site: str | None = None, ranks: int | None = None) -> StudySpec:
    """Read a spec, lay the command's choices over it, and resolve it.

    Raises
    ------
    SpecError
        With every fault found.
    """
    return resolved(with_farm(load_spec(path), site, ranks), path.resolve().parent)


def with_farm(spec: StudySpec, site: str | None = None, ranks: int | None = None) -> StudySpec:
    """Return a spec with another site or number of ranks.

    Raises
    ------
    SpecError
        If the number of ranks is none.
    """
    farm = spec.farm
    if site is not None:
        farm = farm.model_copy(update={"site": site})
    if ranks is not None:
        if ranks < 1:
            raise SpecError([Fault("--ranks", "must be at least 1")])
        farm = farm.model_copy(update={"clients": farm.clients.model_copy(update={"ranks": ranks})})
    return spec.model_copy(update={"farm": farm})


def try_model(spec: StudySpec, site: Site, out: Path) -> Trial:
    """Probe the model; `plan.json` and `pivots.npy` appear in `out`.

    Inline studies are probed in this process, the others in one of their own, with the threads of a rank.

    Raises
    ------
    SpecError
        If the model is not what the spec says.
    StudyError
        If the probe died.
    """
    threads = threads_of(spec, site)
    if site.provider == "none":
        return _try_here(spec, site, threads, out)
    write_json(out / "spec.json", spec.plain())
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    done = subprocess.run(  # noqa: S603 - our own program
        [*probe_command(spec, threads), str(out / "spec.json"), str(out)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **dict.fromkeys(names, str(threads))},
    )
    read_faults(out)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise StudyError(
            f"the probe of the model died (exit status {done.returncode}): {' / '.join(lines[-3:])}"
        )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return Trial(spec, site, read_plan(out / "plan.json"), figures)


def _try_here(spec: StudySpec, site: Site, threads: int, out: Path) -> Trial:
    from parsl_sa.client.probe import probe, save  # noqa: PLC0415 - torch and numba, for inline studies only

    found = probe(spec, 1, threads)
    save(found, out)
    return Trial(spec, site, found.plan, found.figures)


def probe_command(spec: StudySpec, threads: int) -> list[str]:
    """Return the command of a probe, without its spec and directory."""
    ranks = spec.farm.clients.ranks
    return [sys.executable, "-m", "parsl_sa.client.probe", "--ranks", str(ranks), "--threads", str(threads)]


def read_faults(out: Path) -> None:
    """Raise what a probe has found wrong, if anything."""
    path = out / "faults.json"
    if path.exists():
        raise SpecError([Fault(str(f["place"]), str(f["message"])) for f in json.loads(path.read_text())])


def check_spec(spec: StudySpec) -> Trial:
    """Find what can be found before a job starts, and what the study will take.

    Parameters
    ----------
    spec : StudySpec
        Resolved.

    Raises
    ------
    SpecError
        With every fault found.
    """
    where = site_of(spec.farm)
    with tempfile.TemporaryDirectory(prefix="parsl-sa-check-") as scratch:
        return try_model(spec, where, Path(scratch))


def prepare(
    path: Path, directory: Path, site: str | None = None, ranks: int | None = None, plan: Path | None = None
) -> StudyDir:
    """Make the study directory of a spec, with its plan unless the site probes in a block.

    Parameters
    ----------
    path : Path
        The spec.
    directory : Path
        The study directory; new or empty.
    site, ranks : optional
        Instead of what the spec says.
    plan : Path, optional
        A frozen plan to use again.

    Raises
    ------
    SpecError
        With every fault found; no directory is left behind then.
    """
    return prepare_spec(read_spec(path, site, ranks), directory, plan)


def prepare_spec(spec: StudySpec, directory: Path, plan: Path | None = None, bring: bool = False) -> StudyDir:
    """Make the study directory of a resolved spec; see `prepare`. With `bring`, the model's file moves in."""
    where = site_of(spec.farm)
    require_mpi(where, spec.farm.clients.ranks)
    study = StudyDir(directory.resolve())
    with tempfile.TemporaryDirectory(prefix="parsl-sa-plan-") as scratch:
        made = Path(scratch)
        if plan is not None:
            _reuse(plan, spec, made)
        elif where.probe == "here":
            try_model(spec, where, made)
        study.create()
        for name in ("plan.json", "pivots.npy"):
            if (made / name).exists():
                shutil.copy(made / name, study.root / name)
    if bring:
        inside = shutil.copy(spec.model.file, study.root)
        spec = spec.model_copy(update={"model": spec.model.model_copy(update={"path": str(inside)})})
    write_json(study.spec, spec.plain(), durable=True)
    return study


def _reuse(path: Path, spec: StudySpec, out: Path) -> None:
    """Copy a frozen plan if it is a plan of this spec."""
    try:
        plan = read_plan(path)
    except StudyError as error:
        raise SpecError([Fault("--plan", str(error))]) from error
    if plan.science != digest_of({**science(spec), "files": plan.model_hashes}):
        text = "is the plan of another study: model, inputs, design, outputs or statistics differ"
        raise SpecError([Fault("--plan", f"{path} {text}")])
    if spec.farm.clients.ranks > plan.lanes:
        text = f"must be at most {plan.lanes}, the lanes of the plan that is used again"
        raise SpecError([Fault("farm.clients.ranks", text)])
    pivots = path.parent / "pivots.npy"
    if not pivots.is_file():
        raise SpecError([Fault("--plan", f"{pivots} is missing; it belongs to the plan")])
    shutil.copy(path, out / "plan.json")
    shutil.copy(pivots, out / "pivots.npy")


def describe(trial: Trial) -> dict[str, Any]:
    """Return what `check` reports of a trial, as plain values."""
    plan, figures = trial.plan, trial.figures
    return {
        "name": trial.spec.name,
        "site": trial.site.name,
        "parameters": plan.layout.d,
        "outputs": {quantity.name: list(quantity.shape) for quantity in plan.quantities},
        "n": plan.n_bundles,
        "replicates": plan.replicates,
        "forwards": plan.n_forwards,
        "lease_bundles": plan.lease_bundles,
        "leases": plan.n_leases,
        "batch": plan.batch,
        "clients": trial.slots,
        "ranks": trial.spec.farm.clients.ranks,
        "client_memory_bytes": int(figures["rank_bytes"]) * trial.spec.farm.clients.ranks,
        "reducer_memory_bytes": int(figures["reducer_bytes"] + 10 * figures["lease_bytes"]),
        "duration_s": trial.duration_s,
    }
