"""`parsl-sa schema`."""

from __future__ import annotations

import json

import typer

from parsl_sa.spec import json_schema


def command() -> None:
    """Print the JSON Schema of a spec, for editors and other programs."""
    typer.echo(json.dumps(json_schema(), indent=2))
