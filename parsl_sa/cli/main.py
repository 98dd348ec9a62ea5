"""`parsl-sa`: the command line and its edge, where errors become one clear text and an exit status."""

from __future__ import annotations

import sys

import typer

from parsl_sa.cli import check, launch, report, results, resume, schema, sites, status
from parsl_sa.cli.messages import report_error
from parsl_sa.errors import ParslSaError

app = typer.Typer(
    name="parsl-sa",
    help="Explain a trained network by sensitivity analysis: which inputs drive which outputs, how surely.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("check", help="Try a spec and its model, and say what the study will take.")(check.command)
app.command("launch", help="Run a study to its end.")(launch.command)
app.command("resume", help="Go on with a study that was stopped or killed.")(resume.command)
app.command("status", help="Show how far a study is.")(status.command)
app.command("results", help="Show the results of a study, finished or not.")(results.command)
app.command("report", help="Write the report of a study: one HTML page, with its figures.")(report.command)
app.command("sites", help="List the machines that studies can run on.")(sites.command)
app.command("schema", help="Print the JSON Schema of a spec.")(schema.command)


def main() -> None:
    """Run the command line and exit.

    0 done, 2 bad input, 3 stopped early by a budget, 4 failed, 130 interrupted.
    """
    try:
        app()
    except ParslSaError as error:
        report_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
