"""`parsl-sa launch SPEC`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parsl_sa.cli.messages import report_warnings, say
from parsl_sa.errors import Fault, SpecError
from parsl_sa.spec import load_spec, warnings

if TYPE_CHECKING:
    from parsl_sa.studydir import StudyDir


def command(
    spec: Annotated[Path, typer.Argument(help="The spec file.")],
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The study directory; by default runs/NAME-001, -002, ...")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Instead of the spec's farm.site.")] = None,
    ranks: Annotated[int | None, typer.Option(help="Instead of the spec's farm.clients.ranks.")] = None,
    plan: Annotated[
        Path | None, typer.Option(help="A frozen plan.json to use again, for identical bits.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines instead of the live view.")] = False,
) -> None:
    """Run a study to its end and show its results."""
    read = load_spec(spec)  # at once, before anything heavy is imported
    report_warnings(warnings(read))
    from parsl_sa import study as studies  # noqa: PLC0415 - a faulty spec should not wait for it

    where = directory or studies.new_directory(read.name)
    study = _known(spec, where, site, ranks)
    if study is None:
        say(f"{read.name}: trying the model")
        from parsl_sa.launch.planning import prepare  # noqa: PLC0415 - see above

        study = prepare(spec, where, site, ranks, plan)
        say(f"{read.name}: study directory {where}")
        code = run_watched(study, plain)
    else:
        say(f"{where} holds this study, finished")
        code = 0
    conclude(study, where, code)


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
    if code == 4:
        log = status.get("last_log") or study.logs / "coordinator.log"
        say(f"failed: {status.get('reason', '')}\n  log: {log}\n  go on with: parsl-sa resume {shown}")
        raise typer.Exit(code)
    if study.results.exists():
        _show_results(study, shown)
    if code in {3, 130}:
        say(f"stopped: {status.get('reason', '')}\ngo on with: parsl-sa resume {shown}")
    raise typer.Exit(code)


def _known(spec: Path, where: Path, site: str | None, ranks: int | None) -> StudyDir | None:
    """Return the study that a directory holds if it is this very one, finished; None if it is free."""
    from parsl_sa.launch.planning import read_spec  # noqa: PLC0415 - heavy
    from parsl_sa.spec import science  # noqa: PLC0415 - beside its use
    from parsl_sa.studydir import StudyDir  # noqa: PLC0415 - see above

    study = StudyDir(where.resolve())
    if not study.exists():
        return None
    same = science(load_spec(study.spec)) == science(read_spec(spec, site, ranks))
    if same and study.read_status().get("stage") == "done":
        return study
    what = "this study, unfinished" if same else "another study"
    cure = f"go on with: parsl-sa resume {where}" if same else "choose another --dir"
    raise SpecError([Fault("--dir", f"{where} holds {what}; {cure}")])


def _show_results(study: StudyDir, shown: Path) -> None:
    from rich.console import Console  # noqa: PLC0415 - rich and xarray are slow to import

    from parsl_sa.report.tables import results_view, truth_table  # noqa: PLC0415
    from parsl_sa.study import Results  # noqa: PLC0415

    results = Results.open(study.root)
    console = Console()
    console.print(results_view(results.datasets, results.attrs))
    if study.truth.is_file():
        console.print(truth_table(results.datasets, json.loads(study.truth.read_text())))
    page = results.report()
    typer.echo(f"results: {shown / study.results.name}")
    typer.echo(f"report: {shown / page.relative_to(study.root)}")
