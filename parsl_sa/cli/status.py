"""`parsl-sa status DIR`."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Annotated

import typer

from parsl_sa.studydir import StudyDir

_STALE_S = 10.0
_STALE_HERE_S = 2.0  # on the host of the run itself its lock tells the truth at once


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The study directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Show how far a study is, from any shell that sees its directory."""
    from parsl_sa.study import existing  # noqa: PLC0415 - heavy

    study: StudyDir = existing(directory)
    status = study.read_status()
    if not status:
        if as_json:
            typer.echo("{}")
        elif _is_locked(study):
            typer.echo("being started")
        else:
            typer.echo(f"not started yet; begin with: parsl-sa resume {directory}")
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import

    from parsl_sa.launch.progress import GONE, OVER, duration, panel  # noqa: PLC0415

    over = status["stage"] in OVER
    age_s = time.time() - status.get("updated_at", 0.0)
    here = study.read_jobs().get("host", socket.gethostname()) == socket.gethostname()
    stale = not over and age_s > (_STALE_HERE_S if here else _STALE_S)
    gone = stale and not _is_locked(study)
    if as_json:
        typer.echo(json.dumps({**status, "running": not over and not gone}))
        return
    Console().print(panel({"name": study.root.name, **status, **({"stage": GONE} if gone else {})}))
    if gone:
        typer.echo(
            f"no sign of life for {duration(age_s)}; go on with: parsl-sa resume {directory}\n"
            f"from the last checkpoint, at {status.get('durable', 0):,} bundles"
        )
    elif stale and age_s > _STALE_S:
        typer.echo(
            f"no news for {duration(age_s)}: it is being run, and may be in the middle of a long lease"
        )
    elif status["stage"] in {"stopped", "failed"}:
        typer.echo(f"go on with: parsl-sa resume {directory}")


def _is_locked(study: StudyDir) -> bool:
    """Tell whether somebody runs a study, as far as its lock can be asked."""
    try:
        with study.lock("supervisor.lock") as free:
            return not free
    except OSError:  # somebody else's directory
        return False
