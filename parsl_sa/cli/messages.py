"""How errors and warnings read on the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from parsl_sa.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from parsl_sa.errors import ParslSaError


def report_error(error: ParslSaError) -> None:
    """Print an error: every fault of a spec on a line of its own."""
    if isinstance(error, SpecError):
        count = len(error.faults)
        head = "1 fault" if count == 1 else f"{count} faults"
        lines = "\n".join(f"  {fault}" for fault in error.faults)
        say(f"{head}; nothing was started\n{lines}")
    else:
        say(f"failed: {error}")


def report_warnings(warnings: Iterable[str]) -> None:
    """Print warnings, one a line."""
    for warning in warnings:
        say(f"warning: {warning}")


def say(text: str) -> None:
    """Print to standard error, so that standard output holds results only."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the command line speaks
