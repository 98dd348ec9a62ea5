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

    from parsl_sa.launch.progress import OVER, duration, panel  # noqa: PLC0415

    if not status:
        typer.echo(f"not started yet; begin with: parsl-sa resume {directory}")
        return
    Console().print(panel({"name": study.root.name, **status}))
    age_s = time.time() - status.get("updated_at", 0.0)
    if status["stage"] in OVER or age_s < _STALE_S:
        return
    with study.lock("supervisor.lock") as free:
        gone = free
    if gone:
        typer.echo(f"no sign of life for {duration(age_s)}; go on with: parsl-sa resume {directory}")
    else:
        typer.echo(
            f"no news for {duration(age_s)}: it is being run, and may be in the middle of a long lease"
        )
