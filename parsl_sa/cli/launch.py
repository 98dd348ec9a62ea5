"""`parsl-sa launch SPEC`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parsl_sa.cli.messages import report_notes, report_warnings, say
from parsl_sa.errors import Fault, SpecError
from parsl_sa.spec import load_spec, warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from parsl_sa.studydir import StudyDir

Plain = Annotated[bool, typer.Option("--plain", help="Plain lines instead of the live view.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Results, warnings and errors only.")]
AsEvents = Annotated[
    bool, typer.Option("--json-events", help="One JSON object a line on standard output, and no results.")
]


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
    plain: Plain = False,
    quiet: Quiet = False,
    as_events: AsEvents = False,
) -> None:
    """Run a study to its end and show its results.

    A directory that holds this very study, finished, shows its results again; go on with an unfinished one by
    `parsl-sa resume`.
    """
    style = chosen_style(plain=plain, quiet=quiet, as_events=as_events)
    from parsl_sa import study as studies  # noqa: PLC0415 - `--help` need not wait for it
    from parsl_sa.launch import planning  # noqa: PLC0415 - see above

    read = planning.read_spec(spec, site, ranks)
    report_warnings(warnings(load_spec(spec)))
    where = directory or studies.new_directory(read.name)
    study = studies.finished(read, where)
    if study is not None:
        say(f"{where} holds this study, finished")
        conclude(study, where, 0, style)
    if plan is None and style != "quiet":
        say(f"{read.name}: trying the model")
    study = planning.prepare(spec, where, site, ranks, plan, warn=report_warnings, tell=_teller(style))
    if style != "quiet":
        say(f"{read.name}: study directory {where}")
    conclude(study, where, run_watched(study, style), style)


def _teller(style: str) -> Callable[[Iterable[str]], None] | None:
    return None if style == "quiet" else report_notes


def chosen_style(*, plain: bool, quiet: bool, as_events: bool) -> str:
    """Return the style of the view that a command's options ask for.

    Raises
    ------
    SpecError
        If they ask for several.

    Examples
    --------
    >>> chosen_style(plain=False, quiet=True, as_events=False)
    'quiet'
    """
    asked = {"--plain": ("plain", plain), "--quiet": ("quiet", quiet), "--json-events": ("events", as_events)}
    chosen = [(option, style) for option, (style, wanted) in asked.items() if wanted]
    if len(chosen) > 1:
        others = " and ".join(option for option, _ in chosen[1:])
        raise SpecError([Fault(chosen[0][0], f"excludes {others}; give one of them")])
    return chosen[0][1] if chosen else "auto"


def run_watched(study: StudyDir, style: str) -> int:
    """Run a study under a view; return the exit status."""
    from parsl_sa.launch.views import view_for  # noqa: PLC0415 - rich
    from parsl_sa.study import run  # noqa: PLC0415 - heavy

    view = view_for(style)
    try:
        return run(study, view.show)
    finally:
        view.close()


def conclude(study: StudyDir, shown: Path, code: int, style: str) -> None:
    """Print the results, write the report, say how to go on, and exit."""
    status = study.read_status()
    if code in {2, 4}:
        log = Path(status.get("last_log") or study.logs / "coordinator.log")
        told = f"\n  log: {log}" if log.exists() and log.stat().st_size else ""
        cure = f"when that is mended, go on with: {_how_to_go_on(study, shown)}"
        new = "a study with other inputs or outputs is a new one: launch it into another directory"
        say(f"failed: {status.get('reason', '')}{told}\n  {cure}\n  {new}")
        raise typer.Exit(code)
    if study.results.exists() and style != "events":  # whose reader wants JSON lines and nothing else
        _show_results(study, shown)
    if code in {3, 130}:
        say(f"stopped: {status.get('reason', '')}\ngo on with: {_how_to_go_on(study, shown)}")
    raise typer.Exit(code)


def _how_to_go_on(study: StudyDir, shown: Path) -> str:
    if load_spec(study.spec).model.loader == "live":
        return f"Study.from_function(function, ...).resume({str(shown)!r}), in Python"
    return f"parsl-sa resume {shown}"


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
    if (study.report / "indices.png").is_file():  # a design without indices has none
        typer.echo(f"picture: {shown / study.report.name / 'indices.png'}")
    for maps in sorted(study.report.glob("*-attribution.png")):
        typer.echo(f"map: {shown / maps.relative_to(study.root)}")
    typer.echo(f"report: {shown / page.relative_to(study.root)}")
