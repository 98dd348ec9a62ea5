"""`parsl-sa init MODEL`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from parsl_sa.cli.messages import report_warnings, say
from parsl_sa.errors import Fault, SpecError


def command(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="The model: a file, a folder, or file.py:function.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Its inputs: a table (CSV, Parquet, NPY), an image, or a folder of images."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="SPEC", help="The spec file to write.")] = Path("spec.json"),
    architecture: Annotated[
        str | None,
        typer.Option(metavar="FILE:FUNCTION", help="What makes the module, for a file of weights."),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let the model's file run code of its own, as pickles do.")
    ] = False,
    empirical: Annotated[
        bool,
        typer.Option(
            "--empirical", help="Draw each column from the data's own values, not from a uniform range."
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the spec file.")] = False,
) -> None:
    """Write a first spec by looking at a model and its data; it runs as it is."""
    if out.exists() and not force:
        raise SpecError([Fault("--out", f"{out} is there already; choose another name, or add --force")])
    if not out.parent.is_dir():
        raise SpecError([Fault("--out", f"there is no folder {out.parent}")])
    from parsl_sa.study.draft import draft, written  # noqa: PLC0415 - heavy

    asked: dict[str, Any] = {"path": _relative(model, out.parent)}
    if architecture is not None:
        asked["architecture"] = _relative(architecture, out.parent)
    if trust:
        asked["trust"] = True
    made = draft(asked, data, out.parent.resolve(), empirical=empirical)
    out.write_text(f"{written(made.plain)}\n", encoding="utf-8")
    report_warnings(made.remarks)
    say(f"wrote {out}; look it over, then: parsl-sa check {out}, parsl-sa launch {out}")


def _relative(path: str, folder: Path) -> str:
    """Return a path as the spec's folder sees it, with the function behind it if there is one."""
    file, colon, function = path.rpartition(":")
    if not (colon and file.endswith(".py")):
        file, colon, function = path, "", ""
    if Path(file).is_absolute():
        return path
    return f"{Path(os.path.relpath(file, folder)).as_posix()}{colon}{function}"
