"""`parsl-sa check SPEC`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from parsl_sa.cli.messages import report_warnings
from parsl_sa.spec import load_spec, warnings

FARM_START_S = 10.0


def command(
    spec: Annotated[Path, typer.Argument(help="The spec file.")],
    site: Annotated[str | None, typer.Option(help="Instead of the spec's farm.site.")] = None,
    ranks: Annotated[int | None, typer.Option(help="Instead of the spec's farm.clients.ranks.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a spec, try its model, and report what the study takes."""
    read = load_spec(spec)  # at once, before anything heavy is imported
    report_warnings(warnings(read))
    from parsl_sa.study import Study  # noqa: PLC0415 - a faulty spec should not wait for it

    told = Study.load(spec).check(site, ranks)
    if as_json:
        typer.echo(json.dumps(told))
        return
    for label, text in describe(told):
        typer.echo(f"{label:>16}  {text}")


def describe(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the figures of a check as labelled lines."""
    from parsl_sa.launch.progress import duration  # noqa: PLC0415 - imports rich

    outputs = ", ".join(f"{name}{tuple(shape) or ''}" for name, shape in told["outputs"].items())
    lines = [
        ("study", f"{told['name']} on site {told['site']}"),
        ("inputs", f"{told['parameters']} uncertain parameters"),
        ("outputs", outputs),
        ("design", f"n = {told['n']} bundles in {told['replicates']} replicates"),
        ("forwards", f"{told['forwards']:,} in batches of {told['batch']}"),
        ("leases", f"{told['leases']} of {told['lease_bundles']} bundles"),
        ("clients", f"{told['clients']} of {told['ranks']} ranks, {_size(told['client_memory_bytes'])} each"),
        ("reducer", f"{_size(told['reducer_memory_bytes'])} of statistics and buffers"),
        ("estimated time", f"{duration(told['duration_s'])}, and about {FARM_START_S:.0f} s to start"),
    ]
    if told["duration_s"] < FARM_START_S:
        lines.append(("note", "the study is shorter than the start of its farm"))
    return lines


def _size(size_bytes: float) -> str:
    """Write a size for people.

    Examples
    --------
    >>> _size(900), _size(3.2e6)
    ('900 B', '3.2 MB')
    """
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} GB"
