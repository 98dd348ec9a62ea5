"""`parsl-sa report DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parsl_sa.cli.messages import say
from parsl_sa.errors import Fault, SpecError


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The study directory.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder for the page and its figures; by default DIR/report.")
    ] = None,
) -> None:
    """Write the report of a study, finished or not: one HTML page, and its figures as PNG, SVG and CSV."""
    if to is not None and to.exists() and not to.is_dir():
        raise SpecError([Fault("--to", f"{to} is a file; name a folder")])
    from parsl_sa.study import Results  # noqa: PLC0415 - heavy

    results = Results.open(directory)
    if not results.attrs["finished"]:
        used, planned = results.attrs["n_used"], results.attrs["n_planned"]
        say(f"unfinished: n = {used} of {planned}, as of the last checkpoint")
    try:
        page = results.report(to)
    except OSError as error:
        text = f"cannot be written: {error.strerror}; name another folder with --to"
        raise SpecError([Fault(str(error.filename or to), text)]) from error
    typer.echo(f"report: {page if to is not None else directory / page.relative_to(results.directory)}")
