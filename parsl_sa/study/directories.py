"""Finding and naming study directories."""

from __future__ import annotations

import re
from pathlib import Path

from parsl_sa.errors import Fault, SpecError
from parsl_sa.studydir import StudyDir


def existing(directory: Path) -> StudyDir:
    """Return the study in a directory.

    Raises
    ------
    SpecError
        If there is none.
    """
    study = StudyDir(directory.resolve())
    if not study.exists():
        raise SpecError([Fault(str(directory), "is not a study directory (no spec.json and journal.jsonl)")])
    return study


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
