"""`parsl-sa status DIR`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from parsl_sa.studydir import StudyDir

_STALE_S = 10.0


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The study directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Show how far a study is, from any shell that sees its directory."""
    from parsl_sa.study import existing  # noqa: PLC0415 - heavy

    study: StudyDir = existing(directory)
    status = study.read_status()
    if as_json:
        typer.echo(json.dumps(status))
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import

    from parsl_sa.launch.progress import duration, panel  # noqa: PLC0415

    Console().print(panel({"name": study.root.name, **status}))
    age_s = time.time() - status.get("updated_at", 0.0)
    if status.get("stage") in {"probing", "starting", "running", "finishing"} and age_s > _STALE_S:
        typer.echo(f"no sign of life for {duration(age_s)}; go on with: parsl-sa resume {directory}")
