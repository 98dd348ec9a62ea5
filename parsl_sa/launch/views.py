"""The views of a run, which show its status records: a live block of lines on a terminal, lines elsewhere."""

from __future__ import annotations

import html
import json
import sys
import time
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live

from parsl_sa.launch.progress import OVER, line, panel, text

_LINE_S = 5.0
_NOTEBOOK_S = 0.5


class View(Protocol):
    """Shows status records as they come."""

    def show(self, status: dict[str, Any]) -> None:
        """Show the newest status."""

    def close(self) -> None:
        """Leave the terminal as a reader expects it."""


class LiveView:
    """A block of lines that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=False)
        self._live.start()

    def show(self, status: dict[str, Any]) -> None:
        """Redraw with the newest status."""
        self._live.update(panel(status))

    def close(self) -> None:
        """Keep the last picture, with an empty line below it, and release the terminal."""
        self._live.stop()
        self._console.line()


class PlainView:
    """One line every few seconds, and one at every change of stage."""

    def __init__(self) -> None:
        self._shown_at = 0.0
        self._stage = ""

    def show(self, status: dict[str, Any]) -> None:
        """Print a line if the stage is new or the last line is old."""
        now = time.monotonic()
        if status.get("stage") != self._stage or now - self._shown_at >= _LINE_S:
            self._stage, self._shown_at = str(status.get("stage")), now
            print(line(status), file=sys.stderr, flush=True)  # noqa: T201 - this is the view

    def close(self) -> None:
        """Nothing to release."""


class NotebookView:
    """A block of text below the cell, replaced as the study goes on."""

    def __init__(self) -> None:
        from IPython.display import display  # noqa: PLC0415 - there is a notebook only if it is imported

        self._handle = display(_preformatted(""), display_id=True)
        self._shown_at = 0.0

    def show(self, status: dict[str, Any]) -> None:
        """Replace the text, at most twice a second."""
        if status.get("stage") in OVER or time.monotonic() - self._shown_at > _NOTEBOOK_S:
            self._shown_at = time.monotonic()
            self._handle.update(_preformatted(text(status)))

    def close(self) -> None:
        """Keep the last text."""


class EventsView:
    """One JSON object a line for every status that differs from the last one, for programs."""

    def __init__(self) -> None:
        self._last: tuple[Any, ...] = ()

    def show(self, status: dict[str, Any]) -> None:
        """Print the status if something a program would act on is new."""
        keys = ("stage", "folded", "retries", "dropped", "last_error", "outcome")
        told = tuple(status.get(key) for key in keys)
        if told != self._last:
            self._last = told
            print(json.dumps(status), flush=True)  # noqa: T201 - this is the view

    def close(self) -> None:
        """Nothing to release."""


class QuietView:
    """Shows nothing."""

    def show(self, status: dict[str, Any]) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing to release."""


def view_for(style: str = "auto") -> View:
    """Return a view.

    Parameters
    ----------
    style : str
        ``"auto"``: the live view on a terminal, a text below the cell in a notebook, plain lines elsewhere;
        or ``"plain"``, ``"quiet"``, ``"events"``.
    """
    if style != "auto":
        views: dict[str, type[PlainView | QuietView | EventsView]]
        views = {"plain": PlainView, "quiet": QuietView, "events": EventsView}
        return views[style]()
    if _in_notebook():
        return NotebookView()
    console = Console(stderr=True)
    return LiveView(console) if console.is_terminal and sys.stdin.isatty() else PlainView()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def _preformatted(content: str) -> Any:
    from IPython.display import HTML  # noqa: PLC0415 - see `NotebookView`

    return HTML(f"<pre>{html.escape(content)}</pre>")
