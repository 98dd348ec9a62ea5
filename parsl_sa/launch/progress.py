"""A status record in words: as one line, and as a block of lines for a terminal of any width."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from parsl_sa.spec import FEWEST_FOR_INTERVALS

if TYPE_CHECKING:
    from rich.console import RenderableType

_BAR_CELLS = 30
_DONE_STYLE = "bold color(33)"  # a blue of middle brightness: readable on black and on white
_LABEL_CELLS = 15
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
    "gone": "not running any more, and not finished",
}

GONE = "gone"
"""Stage of a study whose processes are dead: no status says so, who looks finds out."""

OVER = frozenset({"done", "stopped", "failed", GONE})
"""Stages in which nothing runs any more."""


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


def line(status: dict[str, Any]) -> str:
    """Return a status as one line.

    Examples
    --------
    >>> line({"name": "wing", "stage": "starting"})
    'wing: starting reducer and clients'
    """
    text = f"{status.get('name', '')}: {_stage(status)}"
    if status.get("reason") and status.get("stage") not in OVER:  # at the end whoever runs it says why
        text += f": {status['reason']}"
    if status.get("n_bundles"):
        text += f", {status['folded']:,} of {status['n_bundles']:,} bundles"
    live = [] if status.get("stage") in OVER else [_rate(status), _eta(status), _clients(status)]
    happened = _incidents(status) if status.get("retries") or status.get("dropped") else ""
    trouble = "" if status.get("reason") else _trouble(status)  # which says it, and comes once
    return ", ".join(part for part in (text, *live, happened, trouble) if part)


def panel(status: dict[str, Any]) -> RenderableType:
    """Return a status as a block of lines for a terminal of any width."""
    head = Text.assemble((str(status.get("name", "")), "bold"), "  ", _stage(status))
    if status.get("reason"):
        head.append(f": {status['reason']}")
    if not status.get("n_bundles"):
        return head
    grid = Table.grid(padding=(0, 2), expand=False)
    # Of one width in all stages, so that nothing moves when a line comes or goes.
    grid.add_column(no_wrap=True, style="dim", min_width=_LABEL_CELLS)
    grid.add_column(overflow="fold")
    for label, told in _rows(status):
        grid.add_row(label, told if isinstance(told, Text) else Text(told))  # brackets in it are no markup
    return Group(head, grid)


def _rows(status: dict[str, Any]) -> list[tuple[str, str | Text]]:
    """Return the labelled lines of a status."""
    rows: list[tuple[str, str | Text]] = [("folded", _folded(status))]
    if status.get("stage") in OVER:
        rows += [("time", _elapsed(status))]
    else:
        elapsed = f"for {passed}" if (passed := _elapsed(status)) else ""
        told = (_rate(status) or "not known yet", _eta(status), elapsed)
        rows += [("speed", ", ".join(part for part in told if part))]
        rows += [("reducer", _reducer(status)), ("clients", _clients(status))]
    rows += [("widest interval", _widest(status)), ("incidents", _incidents(status))]
    rows += [("last drop", _drop(status)), ("last error", _trouble(status))]
    return [(label, told) for label, told in rows if told]


def _stage(status: dict[str, Any]) -> str:
    """Say what a study does, or what it waits for."""
    stage = str(status.get("stage", ""))
    blocks = status.get("blocks") or {}
    if stage == "probing" and blocks:
        return (
            "trying the model in a block"
            if _runs(blocks, "clients")
            else "waiting for a block to try the model"
        )
    if stage == "starting" and "reducers" in status:
        up = status["reducers"]["up"] >= status["reducers"]["shards"]
        label, what = ("clients", "clients") if up else ("reducer", "the reducer")
        return f"starting {what}" if _runs(blocks, label) else f"waiting for a block for {what}"
    if stage == "finishing" and status.get("reason"):
        return "stopping, writing the last checkpoint"
    return _STAGES.get(stage, stage)


def _runs(blocks: dict[str, dict[str, int]], label: str) -> bool:
    return bool(blocks.get(label, {}).get("RUNNING"))


def _folded(status: dict[str, Any]) -> Text:
    """Draw how far it is; in lines of two strengths, so that no colour is needed to read it."""
    total, folded = status["n_bundles"], status["folded"]
    done = _BAR_CELLS * folded // total
    return Text.assemble(
        ("\u2501" * done, _DONE_STYLE),
        ("\u2500" * (_BAR_CELLS - done), "dim"),
        f" {100 * folded / total:5.1f} % ",
        f" {folded:,} of {total:,} bundles",
    )


def _rate(status: dict[str, Any]) -> str:
    rate = (status.get("bundles_per_s") or 0.0) * status.get("n_rows", 1)
    return f"{rate:,.0f} forwards/s" if rate >= 10 else f"{rate:.2g} forwards/s" if rate else ""


def _eta(status: dict[str, Any]) -> str:
    eta = status.get("eta_s")
    if eta is None or status.get("stage") not in {"running", "starting"}:
        return ""
    return f"{duration(max(1.0, eta))} left"


def _elapsed(status: dict[str, Any]) -> str:
    """Say how long this start of the study has lasted; an earlier one is not in it."""
    began_at, now = status.get("began_at"), status.get("updated_at")
    if not began_at or not now or now < began_at:
        return ""
    resumed = " since it was resumed" if status.get("epoch", 1) > 1 else ""
    return duration(now - began_at) + resumed


def _reducer(status: dict[str, Any]) -> str:
    """Tell of a reducer that is not up, and its block."""
    life = status.get("reducers")
    if not life or life["up"] >= life["shards"]:
        return ""
    again = "lost, being started again" if status.get("stage") != "starting" else "not up yet"
    return again + _blocks(status, "reducer")


def _clients(status: dict[str, Any]) -> str:
    clients = status.get("clients")
    if clients is None or status.get("stage") in {"probing", "loading"}:
        return ""
    noun = "client" if clients["slots"] == 1 else "clients"
    return f"{clients['up']} of {clients['slots']} {noun} up" + _blocks(status, "clients")


def _blocks(status: dict[str, Any], label: str) -> str:
    states = (status.get("blocks") or {}).get(label, {})
    told = ", ".join(f"{count} {state.lower().replace('_', ' ')}" for state, count in sorted(states.items()))
    return f" (blocks: {told})" if told else ""


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


def _drop(status: dict[str, Any]) -> str:
    reason = status.get("last_drop")
    if not reason:
        return ""
    told = "by the last error" if reason == status.get("last_error") else reason
    return f"{told} (at most {_count(status.get('max_dropped', 0), 'bundle')} may be dropped)"


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
