"""`parsl-sa resume DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parsl_sa.cli.launch import conclude, run_watched
from parsl_sa.cli.messages import say


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The study directory.")],
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines instead of the live view.")] = False,
) -> None:
    """Go on with a study from its last checkpoint, and show its results."""
    from parsl_sa.study import existing  # noqa: PLC0415 - heavy

    study = existing(directory)
    if study.read_status().get("stage") == "done":
        say(f"{directory}: this study is finished")
        conclude(study, directory, 0)
    conclude(study, directory, run_watched(study, plain))
