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
        elif study.is_run():
            typer.echo("being started")
        else:
            typer.echo(f"not started yet; begin with: parsl-sa resume {directory}")
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import

    from parsl_sa.launch.progress import GONE, OVER, duration, panel  # noqa: PLC0415

    is_run = study.is_run()
    if is_run is False:
        status = study.read_status()  # it may have ended in between
    over = status["stage"] in OVER and not is_run  # a run that is resumed has not written anything yet
    age_s = time.time() - status.get("updated_at", 0.0)
    here = study.read_jobs().get("host") == socket.gethostname()
    # Only on the host of the run itself, and where locks work, does a free lock tell at once that it is gone.
    gone = not over and is_run is False and age_s > (_STALE_HERE_S if here else _STALE_S)
    if as_json:
        typer.echo(json.dumps({**status, "running": not over and not gone}))
        return
    if status["stage"] in OVER and not over:
        typer.echo("being started again; what follows is how it stood before")
    Console().print(panel({"name": study.root.name, **status, **({"stage": GONE} if gone else {})}))
    if gone:
        typer.echo(
            f"no sign of life for {duration(age_s)}; go on with: parsl-sa resume {directory}\n"
            f"from the last checkpoint, at {status.get('durable', 0):,} bundles"
        )
    elif not over and age_s > _STALE_S:
        known = "it is being run" if is_run else "whether it is being run cannot be told from here"
        typer.echo(f"no news for {duration(age_s)}: {known}, and it may be in the middle of a long lease")
    elif status["stage"] in {"stopped", "failed"}:
        typer.echo(f"go on with: parsl-sa resume {directory}")
