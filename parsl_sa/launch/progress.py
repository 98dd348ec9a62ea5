"""The live view of a run: rich on a terminal, plain lines elsewhere; both read a status record."""

from __future__ import annotations

import html
import io
import json
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from parsl_sa.spec import FEWEST_FOR_INTERVALS

if TYPE_CHECKING:
    from rich.console import RenderableType

_LINE_S = 5.0
_NOTEBOOK_S = 0.5
_STAGES = {
    "": "not started yet",
    "probing": "trying the model",
    "starting": "starting reducer and clients",
    "loading": "loading the model",
    "running": "running",
    "finishing": "writing the last checkpoint",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
}

OVER = frozenset({"done", "stopped", "failed"})
"""Stages in which nothing runs any more."""


class View(Protocol):
    """Shows status records as they come."""

    def show(self, status: dict[str, Any]) -> None:
        """Show the newest status."""

    def close(self) -> None:
        """Leave the terminal as a reader expects it."""


class LiveView:
    """A block of lines that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=False)
        self._live.start()

    def show(self, status: dict[str, Any]) -> None:
        """Redraw with the newest status."""
        self._live.update(panel(status))

    def close(self) -> None:
        """Keep the last picture and release the terminal."""
        self._live.stop()


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


def text(status: dict[str, Any]) -> str:
    """Return the block of lines as plain text."""
    # Of itself rich would display in a notebook what it is asked to print.
    console = Console(
        file=io.StringIO(),
        width=100,
        record=True,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
    )
    console.print(panel(status))
    return console.export_text()


def _preformatted(content: str) -> Any:
    from IPython.display import HTML  # noqa: PLC0415 - see `NotebookView`

    return HTML(f"<pre>{html.escape(content)}</pre>")


def line(status: dict[str, Any]) -> str:
    """Return a status as one line.

    Examples
    --------
    >>> line({"name": "wing", "stage": "starting"})
    'wing: starting reducer and clients'
    """
    text = f"{status.get('name', '')}: {_STAGES.get(status.get('stage', ''), status.get('stage', ''))}"
    if status.get("n_bundles"):
        text += f", {status['folded']} of {status['n_bundles']} bundles"
    live = [] if status.get("stage") in OVER else [_rate(status), _eta(status), _clients(status)]
    parts = [*live, _trouble(status)]
    return ", ".join([text, *(part for part in parts if part)])


def panel(status: dict[str, Any]) -> RenderableType:
    """Return a status as a block of lines for a terminal of any width."""
    stage = str(status.get("stage", ""))
    head = Text.assemble((str(status.get("name", "")), "bold"), "  ", _STAGES.get(stage, stage))
    if status.get("reason"):
        head.append(f": {status['reason']}")
    if not status.get("n_bundles"):
        return head
    total, folded = status["n_bundles"], status["folded"]
    grid = Table.grid(padding=(0, 2), expand=False)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    progress = Table.grid(padding=(0, 1))
    progress.add_row(
        ProgressBar(total=total, completed=folded, width=30),
        f"{100 * folded / total:5.1f} %",
        f"{folded:,} of {total:,} bundles",
    )
    grid.add_row("folded", progress)
    if stage not in OVER:
        speed = "  ".join(part for part in (_rate(status), _eta(status)) if part)
        grid.add_row("speed", speed or "not known yet")
        if stage != "loading" and "clients" in status:
            grid.add_row("clients", _clients(status) or "none yet")
    if widest := _widest(status):
        grid.add_row("widest interval", widest)
    grid.add_row("incidents", _incidents(status))
    if trouble := _trouble(status):
        grid.add_row("last error", Text(trouble))  # brackets in it are no markup
    return Group(head, grid)


def _rate(status: dict[str, Any]) -> str:
    rate = status.get("bundles_per_s")
    return f"{rate * status.get('n_rows', 1):,.0f} forwards/s" if rate else ""


def _eta(status: dict[str, Any]) -> str:
    eta = status.get("eta_s")
    if eta is None or status.get("stage") not in {"running", "starting"}:
        return ""
    return f"{duration(eta)} left"


def _clients(status: dict[str, Any]) -> str:
    clients, blocks = status.get("clients"), status.get("blocks") or {}
    if clients is None:
        return ""
    text = f"{clients['up']} of {clients['slots']} clients up"
    states = blocks.get("clients", {})
    told = ", ".join(f"{count} {state.lower().replace('_', ' ')}" for state, count in sorted(states.items()))
    return f"{text} (blocks: {told})" if told else text


def _widest(status: dict[str, Any]) -> str:
    widest = status.get("widest") or {}
    closed = f"{status.get('replicates_closed', 0)} of {status.get('replicates', 0)} replicates"
    if widest:
        told = "  ".join(f"{name} \u00b1{value:.3g}" for name, value in sorted(widest.items()))
        return f"{told}  after {closed}"
    few = status.get("replicates_closed", 0) < FEWEST_FOR_INTERVALS
    return f"none yet: {closed}, intervals need {FEWEST_FOR_INTERVALS}" if few else ""


def _incidents(status: dict[str, Any]) -> str:
    retried, dropped = status.get("retries", 0), status.get("dropped", 0)
    return f"{_count(retried, 'lease')} retried, {_count(dropped, 'bundle')} dropped"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _trouble(status: dict[str, Any]) -> str:
    if status.get("trouble"):
        return str(status["trouble"])
    error, log = status.get("last_error"), status.get("last_log")
    return f"{error} (log: {log})" if error and log else str(error or "")


def duration(seconds: float) -> str:
    """Write a time for people.

    Examples
    --------
    >>> duration(42), duration(200), duration(7300)
    ('42 s', '3 min 20 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"
