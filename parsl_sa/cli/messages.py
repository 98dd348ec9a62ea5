"""How errors and warnings read on the command line."""

from __future__ import annotations

import shutil
import sys
import textwrap
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


def report_notes(notes: Iterable[str]) -> None:
    """Print what is good to know, one a line."""
    for note in notes:
        say(f"note: {note}")


def say(text: str) -> None:
    """Print to standard error, so that standard output holds results only."""
    if sys.stderr.isatty():
        text = wrapped(text, shutil.get_terminal_size().columns)
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the command line speaks


def wrapped(text: str, width: int) -> str:
    """Wrap every line between words, its rest indented; a path stays in one piece, to be copied.

    Examples
    --------
    >>> print(wrapped("  n: must be at least 1, and it is 0", 20))
      n: must be at
        least 1, and it
        is 0
    """
    lines = []
    for line in text.splitlines() or [""]:
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        lines += textwrap.wrap(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return "\n".join(lines)
