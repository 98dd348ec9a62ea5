"""`parsl-sa check SPEC`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parsl_sa.cli.messages import report_warnings
from parsl_sa.spec import load_spec, warnings

if TYPE_CHECKING:
    from rich.console import RenderableType


_CONDITIONAL = (
    "the inputs are correlated: S1_full is the share of an input with what it tells of the others, "
    "ST_independent its share once all others are known, and may be the smaller one"
)


def command(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The spec file.")],
    site: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where to run, instead of the spec's farm.site.")
    ] = None,
    ranks: Annotated[
        int | None,
        typer.Option(metavar="N", help="MPI ranks of a client, instead of the spec's farm.clients.ranks."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Check a spec, try its model, and report what the study takes."""
    from parsl_sa.launch.planning import check_spec, read_spec  # noqa: PLC0415 - `--help` need not wait
    from parsl_sa.launch.trial import describe as described  # noqa: PLC0415 - see above

    told = described(check_spec(read_spec(spec, site, ranks)))
    told["warnings"] = [*warnings(load_spec(spec)), *told["warnings"]]
    report_warnings(told["warnings"])
    if as_json:
        typer.echo(json.dumps(told))
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import

    Console().print(report(told))


def report(told: dict[str, Any]) -> RenderableType:
    """Lay the figures of a check out for a terminal of any width."""
    from rich.console import Group  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for label, text in describe(told):
        table.add_row(label, Text(text))
    head = f"{told['name']} on site {told['site']}: spec and model are sound"
    return Group(Text(head, style="bold"), table)


def describe(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the figures of a check as labelled lines."""
    from parsl_sa.launch.progress import duration  # noqa: PLC0415 - imports rich

    cells = "" if told["cells"] == len(told["outputs"]) else f", {told['cells']:,} cells together"
    bundles = f"{told['n']:,} bundles of {_count(told['rows'], 'row')}"
    lease = _count(told["lease_bundles"], "bundle")
    work = duration(max(1.0, told["duration_s"]))
    lines = [
        ("inputs", _inputs(told)),
        ("outputs", ", ".join(_output(*item) for item in told["outputs"].items()) + cells),
        *(("masked", _masked(*item)) for item in told["masked"].items()),
        ("design", f"n = {bundles}, in {_count(told['replicates'], 'replicate')}"),
        *(("noted", text) for text in told["notes"]),
        *(("indices", text) for text in [_CONDITIONAL] if told["conditional"]),
        ("forwards", f"{told['forwards']:,}, in batches of {told['batch']}"),
        ("leases", f"{told['leases']:,} of {lease}, {_time(told['lease_s'])} each"),
        *_processes(told),
        ("results", f"about {_size(told['results_memory_bytes'])} of memory, in the end"),
        ("checkpoints", f"{_size(told['checkpoint_disk_bytes'])} on disk"),
        (
            "estimated time",
            f"{work}, and about {told['start_s']:.0f} s to start" if told["start_s"] else work,
        ),
    ]
    if told["recommended_site"] != told["site"]:
        alone = duration(max(1.0, told["inline_s"]))
        advice = f"shorter than the start of its farm; --site {told['recommended_site']} takes about {alone}"
        lines.append(("advice", advice))
    return lines


def _processes(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what will run, and in how much memory."""
    memory = f"about {_size(told['client_memory_bytes'])} of memory"
    if not told["start_s"]:
        return [("process", f"this one, with {_count(told['threads'], 'thread')}, {memory}")]
    each = ", each" if told["clients"] > 1 else ","
    return [
        ("clients", f"{told['clients']} of {_count(told['ranks'], 'rank')}{each} {memory}"),
        ("reducer", f"about {_size(told['reducer_memory_bytes'])} of memory"),
    ]


def _count(n: int, what: str) -> str:
    """Write a number of things.

    Examples
    --------
    >>> _count(1, "rank"), _count(4096, "bundle")
    ('1 rank', '4,096 bundles')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _inputs(told: dict[str, Any]) -> str:
    """Count what varies, and name the groups.

    Examples
    --------
    >>> _inputs({"parameters": 3, "factors": 2, "groups": {"flow": ["Re", "mach"]}, "cases": 1})
    '3 uncertain parameters in 2 factors; flow is Re, mach'
    """
    parameters = _count(told["parameters"], "uncertain parameter")
    if told["cases"] > 1:
        parameters += f", each row for {_count(told['cases'], 'base input')}"
    if not told["groups"]:
        return parameters
    groups = "; ".join(f"{group} is {', '.join(names)}" for group, names in told["groups"].items())
    return f"{parameters} in {_count(told['factors'], 'factor')}; {groups}"


def _output(name: str, dims: dict[str, int]) -> str:
    """Name an output and its axes.

    Examples
    --------
    >>> _output("CL", {}), _output("theta", {"side": 2, "x": 32})
    ('CL', 'theta (side 2, x 32)')
    """
    return f"{name} ({', '.join(f'{dim} {length}' for dim, length in dims.items())})" if dims else name


def _masked(name: str, cells: int) -> str:
    """Tell of cells that hold no numbers.

    Examples
    --------
    >>> _masked("depth", 1200)
    '1,200 cells of depth, finite for no probed input: their statistics will be NaN'
    """
    return f"{_count(cells, 'cell')} of {name}, finite for no probed input: their statistics will be NaN"


def _time(seconds: float) -> str:
    """Write a short time.

    Examples
    --------
    >>> _time(0.0042), _time(1.46), _time(90.0)
    ('4.2 ms', '1.5 s', '1 min 30 s')
    """
    from parsl_sa.launch.progress import duration  # noqa: PLC0415 - imports rich

    if seconds >= 60:
        return duration(seconds)
    return f"{seconds:.2g} s" if seconds >= 0.1 else f"{1000 * seconds:.2g} ms"


def _size(size_bytes: float) -> str:
    """Write a size for people.

    Examples
    --------
    >>> _size(900), _size(3.2e6), _size(999.6e6)
    ('900 B', '3.2 MB', '1 GB')
    """
    for unit in ("B", "kB", "MB"):
        if size_bytes < 999.5:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} GB"
