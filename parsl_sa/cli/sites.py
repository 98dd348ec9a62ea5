"""`parsl-sa sites`."""

from __future__ import annotations

import typer


def command() -> None:
    """List the known site presets and where each was found."""
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415

    from parsl_sa.execution.presets import SITE_PATH, presets, read_site  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for column in ("site", "provider", "verified", "description"):
        table.add_column(column, overflow="fold")
    for name, path in presets().items():
        site = read_site(path)
        table.add_row(name, site.provider, site.verified_on or "not yet", site.description)
    Console().print(table)
    typer.echo(f"Your own presets: one JSON file a site, in a directory named by {SITE_PATH}.")
