"""`parsl-sa results DIR`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from parsl_sa.cli.messages import say
from parsl_sa.errors import Fault, SpecError


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The study directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
    as_csv: Annotated[
        bool,
        typer.Option("--csv", help="Print CSV: one row an output and parameter, one column a statistic."),
    ] = False,
) -> None:
    """Show the results of a study, finished or not, as a table, JSON or CSV."""
    if as_json and as_csv:
        raise SpecError([Fault("--json", "excludes --csv; give one of them")])
    from parsl_sa.study import Results  # noqa: PLC0415 - heavy

    results = Results.open(directory)
    if not results.attrs["finished"]:
        used, planned = results.attrs["n_used"], results.attrs["n_planned"]
        say(f"unfinished: n = {used} of {planned}, as of the last checkpoint")
    if as_json:
        typer.echo(json.dumps(results.to_json(), allow_nan=False))
    elif as_csv:
        results.to_dataframe().to_csv(sys.stdout, index=False)
    else:
        from rich.console import Console  # noqa: PLC0415 - slow to import

        from parsl_sa.report.tables import results_view  # noqa: PLC0415

        Console().print(results_view(results.datasets, results.attrs))
