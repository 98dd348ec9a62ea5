"""`parsl-sa`: the command line and its edge, where errors become one clear text and an exit status."""

from __future__ import annotations

import sys
import traceback
from importlib import metadata
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from parsl_sa.cli import check, init, launch, report, results, resume, schema, sites, status
from parsl_sa.cli.messages import report_error, say
from parsl_sa.errors import ParslSaError

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(
    name="parsl-sa",
    help="Explain a trained network by sensitivity analysis: which inputs drive which outputs, how surely.",
    epilog="Exit status: 0 done, 2 bad spec or arguments, 3 stopped by a budget, 4 failed, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "init": (init.command, "Write a first spec by looking at a model and its data."),
    "check": (check.command, "Try a spec and its model, and say what the study will take."),
    "launch": (launch.command, "Run a study to its end, and show its results."),
    "resume": (resume.command, "Go on with a study that was stopped or killed."),
    "status": (status.command, "Show how far a study is."),
    "results": (results.command, "Show the results of a study, finished or not."),
    "report": (report.command, "Write the report of a study: one HTML page, with its figures."),
    "sites": (sites.command, "List the machines that studies can run on."),
    "schema": (schema.command, "Print the JSON Schema of a spec."),
}


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"parsl-sa {metadata.version('parsl-sa')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


for name, (command, summary) in _COMMANDS.items():
    app.command(name, short_help=summary)(command)


def main() -> None:
    """Run the command line and exit.

    0 done, 2 bad input, 3 stopped early by a budget, 4 failed, 130 interrupted.
    """
    try:
        app(prog_name="parsl-sa")  # whoever starts it: a script, python -m, a test
    except ParslSaError as error:
        report_error(error, command=next(iter(sys.argv[1:]), ""))
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:  # no file of the user's: not a thing to tell without its traceback
            _report_bug()
        say(f"failed: {error.filename}: {error.strerror}")
        sys.exit(4)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
    except Exception:  # noqa: BLE001 - the edge: whatever else happens is a failure, with its traceback
        _report_bug()


def _report_bug() -> NoReturn:
    traceback.print_exc()
    say("failed: an error inside parsl-sa; please report it with the lines above")
    sys.exit(4)


if __name__ == "__main__":
    main()
