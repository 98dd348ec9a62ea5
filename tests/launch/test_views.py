"""What each view prints, where, and how often; what the statuses say is tested beside it."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from parsl_sa.launch import progress
from parsl_sa.launch.views import EventsView, LiveView, NotebookView, PlainView, QuietView, view_for

RUNNING: dict[str, Any] = {
    "name": "wing",
    "stage": "running",
    "n_bundles": 4096,
    "folded": 1024,
    "n_rows": 8,
    "replicates": 16,
    "replicates_closed": 4,
    "bundles_per_s": 250.0,
    "eta_s": 12.3,
    "retries": 1,
    "dropped": 2,
    "last_error": "",
    "widest": {},
}
FARM = {**RUNNING, "clients": {"up": 1, "slots": 2}, "blocks": {"clients": {"RUNNING": 1, "PENDING": 1}}}
DONE = {**RUNNING, "stage": "done", "folded": 4096, "replicates_closed": 16, "widest": {"S1": 0.0123}}


class Display:
    """A fake of what IPython's `display(..., display_id=True)` returns; `test_notebook` has a real kernel."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def update(self, content: Any) -> None:
        self.shown.append(content.data)


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    """Put a fake IPython in the place of the real one, if there is one."""
    handle = Display()
    shell = SimpleNamespace(kernel=object())
    ipython, module = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]  # a fake module
    module.HTML = lambda data: SimpleNamespace(data=data)  # type: ignore[attr-defined]  # see above
    module.display = lambda content, display_id: handle  # type: ignore[attr-defined]  # see above
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return handle


def test_plain_lines_come_at_changes_of_stage_and_then_seldom(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainView()
    for status in ({"name": "wing", "stage": "loading"}, RUNNING, RUNNING, RUNNING, DONE):
        view.show(status)
    view.close()
    out, err = capsys.readouterr()
    assert out == ""  # which is for results
    lines = err.splitlines()
    assert lines[0] == "wing: loading the model"
    assert lines[1] == (
        "wing: running, 1,024 of 4,096 bundles, 2,000 forwards/s, 12 s left, "
        "1 lease retried, 2 bundles dropped"
    )
    assert lines[2].startswith("wing: done, 4,096 of 4,096 bundles")
    assert len(lines) == 3


def test_events_are_json_lines_of_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    view = EventsView()
    for status in (RUNNING, {**RUNNING, "eta_s": 11.0}, {**RUNNING, "folded": 1040}, DONE):
        view.show(status)
    view.close()
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["folded"] for event in events] == [1024, 1040, 4096]
    assert events[-1]["stage"] == "done"
    assert err == ""


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    view = QuietView()
    view.show(DONE)
    view.close()
    assert capsys.readouterr() == ("", "")


def test_a_notebook_gets_one_text_that_is_replaced(display: Display) -> None:
    view = view_for()
    assert isinstance(view, NotebookView)
    for status in (RUNNING, {**RUNNING, "folded": 1040}, {**DONE, "reason": "a < b & c"}):
        view.show(status)
    view.close()
    assert len(display.shown) == 2  # at most two a second, and the last one always
    assert "1,024 of 4,096 bundles" in display.shown[0]
    assert "a &lt; b &amp; c" in display.shown[1]
    assert display.shown[1].startswith("<pre")


def test_an_ipython_without_a_kernel_is_no_notebook(
    display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", SimpleNamespace)
    assert isinstance(view_for(), PlainView)


def test_the_style_that_is_asked_for_wins(display: Display) -> None:
    assert isinstance(view_for("plain"), PlainView)
    assert isinstance(view_for("quiet"), QuietView)
    assert isinstance(view_for("events"), EventsView)


def test_the_live_view_leaves_its_last_picture() -> None:
    console = Console(record=True, force_terminal=True, width=80, file=_Sink())  # type: ignore[arg-type]  # see `_Sink`
    view = LiveView(console)
    view.show(RUNNING)
    view.show(DONE)
    view.close()
    text = console.export_text()
    assert "wing  done" in text
    assert "4,096 of 4,096 bundles" in text


class _Sink:
    """A terminal that nobody looks at."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing to flush."""


def test_only_a_farm_has_clients() -> None:
    assert "clients" not in progress.text(RUNNING)
    assert "1 of 2 clients up (blocks: 1 pending, 1 running)" in progress.text(FARM)


def test_markup_in_names_and_reasons_is_text() -> None:
    assert "[bold]wing" in progress.text({**RUNNING, "name": "[bold]wing"})
    assert "[red]no" in progress.text({**RUNNING, "last_error": "[red]no"})
