"""Before a run: the study directory is made, the model tried, the plan frozen."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from parsl_sa.errors import Fault, SpecError, StudyError
from parsl_sa.execution.mpi import require_mpi
from parsl_sa.execution.presets import site_of
from parsl_sa.jsonfile import write_json
from parsl_sa.launch.trial import try_model
from parsl_sa.records import digest_of
from parsl_sa.spec import FarmSpec, load_spec, resolved, science
from parsl_sa.studydir import StudyDir, read_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from parsl_sa.execution.site import Site
    from parsl_sa.launch.trial import Trial
    from parsl_sa.records import Plan
    from parsl_sa.spec import StudySpec


_SHOWN = ("cases.json", "pictures.npy")  # no number depends on them


def read_spec(path: Path, site: str | None = None, ranks: int | None = None) -> StudySpec:
    """Read a spec, lay the command's choices over it, and resolve it.

    Raises
    ------
    SpecError
        With every fault of the spec, of what it asks of its site, and of the command's choices.
    """
    faults: list[Fault] = []
    spec, farm = None, None
    try:
        spec = load_spec(path)
        farm = spec.farm
    except SpecError as error:
        faults += error.faults
        farm = _farm_alone(path)
    if ranks is not None and ranks < 1:
        faults.append(Fault("--ranks", f"must be at least 1; it is {ranks}"))
    if farm is not None:
        farm = _overlaid(farm, site, ranks)
        faults += _site_faults(farm, "farm.site" if site is None else "--site")
    if spec is None or farm is None or faults:
        raise SpecError(faults)
    return resolved(spec.model_copy(update={"farm": farm}), path.resolve().parent)


def with_farm(spec: StudySpec, site: str | None = None, ranks: int | None = None) -> StudySpec:
    """Return a spec with another site or number of ranks.

    Raises
    ------
    SpecError
        If there is no such site, or the ranks are none.
    """
    if ranks is not None and ranks < 1:
        raise SpecError([Fault("ranks", f"must be at least 1; it is {ranks}")])
    farm = _overlaid(spec.farm, site, ranks)
    if faults := _site_faults(farm, "farm.site" if site is None else "site"):
        raise SpecError(faults)
    return spec.model_copy(update={"farm": farm})


def _farm_alone(path: Path) -> FarmSpec | None:
    """Return the farm of a spec that is faulty elsewhere, so that all faults are told at once."""
    try:
        return FarmSpec.model_validate(json.loads(path.read_text()).get("farm", {}))
    except (OSError, ValueError, AttributeError):
        return None


def _overlaid(farm: FarmSpec, site: str | None, ranks: int | None) -> FarmSpec:
    """Lay a command's choices over a farm."""
    if site is not None:
        farm = farm.model_copy(update={"site": site})
    if ranks is not None:
        farm = farm.model_copy(update={"clients": farm.clients.model_copy(update={"ranks": ranks})})
    return farm


def _site_faults(farm: FarmSpec, place: str) -> list[Fault]:
    try:
        site_of(farm)
    except SpecError as error:
        return [Fault(place, f.message) if f.place == "farm.site" else f for f in error.faults]
    return []


def check_spec(spec: StudySpec) -> Trial:
    """Find what can be found before a job starts, and what the study will take.

    Parameters
    ----------
    spec : StudySpec
        Resolved.

    Raises
    ------
    SpecError
        With every fault found. What only hinders a launch from this host is a warning where the site is
        elsewhere.
    """
    where = site_of(spec.farm)
    obstacles = _obstacles(spec, where)
    if obstacles and where.provider == "local":
        raise SpecError(obstacles)
    with tempfile.TemporaryDirectory(prefix="parsl-sa-check-") as scratch:
        trial = try_model(spec, where, Path(scratch))
    told = (f"on this host {fault}" for fault in obstacles)
    return replace(trial, warnings=(*trial.warnings, *told))


def _obstacles(spec: StudySpec, where: Site) -> list[Fault]:
    """Find what hinders a launch from this host, whatever the model."""
    faults: list[Fault] = []
    if where.provider == "none":
        return faults
    try:
        require_mpi(where, spec.farm.clients.ranks)
    except SpecError as error:
        faults += error.faults
    try:
        where.own_address()  # an address that is none should not wait for its coordinator
    except SpecError as error:
        faults += error.faults
    return faults


def prepare(
    path: Path,
    directory: Path,
    site: str | None = None,
    ranks: int | None = None,
    plan: Path | None = None,
    *,
    warn: Callable[[Iterable[str]], None] | None = None,
    tell: Callable[[Iterable[str]], None] | None = None,
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
    warn : callable, optional
        Called with what trying the model has shown and may go wrong.
    tell : callable, optional
        Called with what it has shown beside, and is as it should be.

    Raises
    ------
    SpecError
        With every fault found; no directory is left behind then.
    """
    return prepare_spec(read_spec(path, site, ranks), directory, plan, warn=warn, tell=tell)


def prepare_spec(
    spec: StudySpec,
    directory: Path,
    plan: Path | None = None,
    *,
    bring: bool = False,
    warn: Callable[[Iterable[str]], None] | None = None,
    tell: Callable[[Iterable[str]], None] | None = None,
) -> StudyDir:
    """Make the study directory of a resolved spec; see `prepare`. With `bring`, the model's file moves in."""
    where = site_of(spec.farm)
    if obstacles := _obstacles(spec, where):
        raise SpecError(obstacles)
    study = StudyDir(directory.resolve())
    study.require_free()
    with tempfile.TemporaryDirectory(prefix="parsl-sa-plan-") as scratch:
        made = Path(scratch)
        if plan is not None:
            _reuse(plan, spec, made, ranks=spec.farm.clients.ranks if where.provider != "none" else 1)
        elif where.probe == "here":
            trial = try_model(spec, where, made)
            if warn is not None:
                warn(trial.warnings)
            if tell is not None:
                tell(trial.notes)
        study.create()
        for name in ("plan.json", "pivots.npy", "weights.npy", *_SHOWN):
            if (made / name).exists():
                shutil.copy(made / name, study.root / name)
    if bring:
        inside = shutil.copy(spec.model.file, study.root)
        spec = spec.model_copy(update={"model": spec.model.model_copy(update={"path": str(inside)})})
    write_json(study.spec, spec.plain(), durable=True)
    return study


def _reuse(path: Path, spec: StudySpec, out: Path, ranks: int) -> None:
    """Copy a frozen plan if it is a plan of this spec."""
    if path.is_dir():
        path /= "plan.json"
    if not path.is_file():
        raise SpecError([Fault("--plan", f"{path}: no such file; give the plan.json of a study")])
    try:
        plan = read_plan(path)
    except StudyError as error:
        raise SpecError([Fault("--plan", str(error))]) from error
    if plan.science != digest_of({**science(spec), "files": plan.model_hashes}):
        text = "is the plan of another study: model, inputs, design, outputs or statistics differ"
        raise SpecError([Fault("--plan", f"{path} {text}")])
    if changed := changed_files(spec, plan):
        text = f"is the plan of another model: {', '.join(changed)} changed since it was frozen"
        raise SpecError([Fault("--plan", f"{path} {text}")])
    if ranks > plan.lanes:
        text = f"{path} has lanes for {plan.lanes} ranks, not {ranks}; use fewer --ranks"
        raise SpecError([Fault("--plan", text)])
    _copy_plan(path, plan, out)


def _copy_plan(path: Path, plan: Plan, out: Path) -> None:
    """Copy a plan with the files that belong to it."""
    needed = ["pivots.npy", "weights.npy"] if plan.weights_digest else ["pivots.npy"]
    for name in needed:
        if not (path.parent / name).is_file():
            raise SpecError([Fault("--plan", f"{path.parent / name} is missing; it belongs to the plan")])
    shutil.copy(path, out / "plan.json")
    for name in (*needed, *_SHOWN):
        if (path.parent / name).is_file():
            shutil.copy(path.parent / name, out / name)


def changed_files(spec: StudySpec, plan: Plan) -> list[str]:
    """List the files beside a model that are not those its plan was frozen with.

    Only a look from outside: whoever loads the model compares its weights too.
    """
    changed = []
    for name, digest in plan.model_hashes.items():
        there = [folder / name for folder in spec.model.folders if (folder / name).is_file()]
        if there and digest not in map(_digest, there):
            changed.append(name)
    return changed


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
