"""Finding and naming study directories."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from parsl_sa.errors import Fault, SpecError
from parsl_sa.launch.planning import changed_files
from parsl_sa.spec import load_spec, science
from parsl_sa.studydir import StudyDir

if TYPE_CHECKING:
    from parsl_sa.spec import StudySpec


def existing(directory: Path) -> StudyDir:
    """Return the study in a directory.

    Raises
    ------
    SpecError
        If there is none.
    """
    study = StudyDir(directory.resolve())
    if study.exists():
        return study
    if not study.root.exists():
        text = "no such directory"
    elif not study.root.is_dir():
        text = "is a file, not a study directory"
    else:
        text = "is not a study directory (no spec.json and journal.jsonl)"
    raise SpecError([Fault(str(directory), f"{text}; give the one that parsl-sa launch named")])


def finished(spec: StudySpec, directory: Path) -> StudyDir | None:
    """Return the study in a directory if it is that of a spec, finished; None if the directory is free.

    Parameters
    ----------
    spec : StudySpec
        Resolved.
    directory : Path
        Where the study is to be.

    Raises
    ------
    SpecError
        If the directory holds this study unfinished, or another one.
    """
    study = StudyDir(directory.resolve())
    if not study.exists():
        study.require_free()
        return None
    require_same(study, spec)
    if study.read_status().get("stage") == "done":
        return study
    raise SpecError(
        [Fault(str(directory), f"holds this study, unfinished; go on with: parsl-sa resume {directory}")]
    )


def require_same(study: StudyDir, spec: StudySpec) -> None:
    """See that a study is that of a spec.

    Raises
    ------
    SpecError
        If model, inputs, design, outputs or statistics differ.
    """
    held, asked = load_spec(study.spec), science(spec)
    found = science(held)
    if held.model.loader != spec.model.loader == "live":  # the file that a live module was exported to
        found, asked = {**found, "model": None}, {**asked, "model": None}
    changed = changed_files(spec, study.read_plan()) if study.plan.exists() else []
    if found != asked:
        text = "holds another study: model, inputs, design, outputs or statistics differ"
    elif changed:
        text = f"holds a study of another model: {', '.join(changed)} changed since"
    else:
        return
    raise SpecError([Fault(str(study.root), f"{text}; choose another directory (--dir)")])


def new_directory(name: str, base: Path = Path("runs")) -> Path:
    """Return the next free directory for a study: `runs/NAME-001`, `runs/NAME-002`, ...

    Examples
    --------
    >>> new_directory("wing", Path("nowhere")).as_posix()
    'nowhere/wing-001'
    """
    pattern = re.compile(re.escape(name) + r"-(\d{3,})")
    taken = [int(match[1]) for path in base.glob(f"{name}-*") if (match := pattern.fullmatch(path.name))]
    return base / f"{name}-{max(taken, default=0) + 1:03d}"
