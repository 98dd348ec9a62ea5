"""`parsl-sa launch SPEC`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parsl_sa.cli.messages import report_warnings, say
from parsl_sa.spec import load_spec, warnings

if TYPE_CHECKING:
    from parsl_sa.studydir import StudyDir


def command(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The spec file.")],
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="The study directory; by default runs/NAME-001, -002, ..."),
    ] = None,
    site: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where to run, instead of the spec's farm.site.")
    ] = None,
    ranks: Annotated[
        int | None,
        typer.Option(metavar="N", help="MPI ranks of a client, instead of the spec's farm.clients.ranks."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="plan.json of an earlier study of this spec, for identical bits."),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines instead of the live view.")] = False,
) -> None:
    """Run a study to its end and show its results.

    A directory that holds this very study, finished, shows its results again; go on with an unfinished one by
    `parsl-sa resume`.
    """
    from parsl_sa import study as studies  # noqa: PLC0415 - `--help` need not wait for it
    from parsl_sa.launch import planning  # noqa: PLC0415 - see above

    read = planning.read_spec(spec, site, ranks)
    report_warnings(warnings(load_spec(spec)))
    where = directory or studies.new_directory(read.name)
    study = studies.finished(spec, where, site, ranks)
    if study is not None:
        say(f"{where} holds this study, finished")
        conclude(study, where, 0)
    if plan is None:
        say(f"{read.name}: trying the model")
    study = planning.prepare(spec, where, site, ranks, plan, warn=report_warnings)
    say(f"{read.name}: study directory {where}")
    conclude(study, where, run_watched(study, plain))


def run_watched(study: StudyDir, plain: bool) -> int:
    """Run a study under a view; return the exit status."""
    from parsl_sa.launch.progress import view_for  # noqa: PLC0415 - rich
    from parsl_sa.study import run  # noqa: PLC0415 - heavy

    view = view_for(plain)
    try:
        return run(study, view.show)
    finally:
        view.close()


def conclude(study: StudyDir, shown: Path, code: int) -> None:
    """Print the results, write the report, say how to go on, and exit."""
    status = study.read_status()
    if code in {2, 4}:
        log = status.get("last_log") or study.logs / "coordinator.log"
        say(f"failed: {status.get('reason', '')}\n  log: {log}\n  go on with: parsl-sa resume {shown}")
        raise typer.Exit(code)
    if study.results.exists():
        _show_results(study, shown)
    if code in {3, 130}:
        say(f"stopped: {status.get('reason', '')}\ngo on with: parsl-sa resume {shown}")
    raise typer.Exit(code)


def _show_results(study: StudyDir, shown: Path) -> None:
    from rich.console import Console  # noqa: PLC0415 - rich and xarray are slow to import

    from parsl_sa.report.tables import results_view, truth_table  # noqa: PLC0415
    from parsl_sa.study import Results  # noqa: PLC0415

    results = Results.open(study.root)
    console = Console()
    console.print(results_view(results.datasets, results.attrs))
    if study.truth.is_file():
        console.print("\nAgainst the exact answers:")
        console.print(truth_table(results.datasets, json.loads(study.truth.read_text())))
    typer.echo(f"\nresults: {shown / study.results.name}")
    page = results.report()  # takes a few seconds where there are fields
    typer.echo(f"report: {shown / page.relative_to(study.root)}")
