"""How errors and warnings read on the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from parsl_sa.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from parsl_sa.errors import ParslSaError


# Commands that would have started something.
_STARTERS = frozenset({"check", "launch", "resume"})


def report_error(error: ParslSaError, command: str) -> None:
    """Print an error of a command: every fault on a line of its own."""
    if not isinstance(error, SpecError):
        say(f"failed: {error}")
    elif command in _STARTERS:
        count = len(error.faults)
        head = "1 fault" if count == 1 else f"{count} faults"
        lines = "\n".join(f"  {fault}" for fault in error.faults)
        say(f"{head}; nothing was started\n{lines}")
    else:
        say("\n".join(f"error: {fault}" for fault in error.faults))


def report_warnings(warnings: Iterable[str]) -> None:
    """Print warnings, one a line."""
    for warning in warnings:
        say(f"warning: {warning}")


def say(text: str) -> None:
    """Print to standard error, so that standard output holds results only."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the command line speaks
