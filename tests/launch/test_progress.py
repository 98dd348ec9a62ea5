"""Every stage of a study reads well, as a line and as a panel of any width."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from parsl_sa.launch.progress import duration, line, panel
from parsl_sa.launch.views import LiveView, PlainView, view_for

RUNNING: dict[str, Any] = {
    "name": "airfoil",
    "stage": "running",
    "n_bundles": 4096,
    "folded": 1024,
    "n_rows": 48,
    "replicates": 16,
    "replicates_closed": 4,
    "bundles_per_s": 100.0,
    "eta_s": 30.72,
    "clients": {"up": 2, "submitted": 3, "slots": 3},
    "blocks": {"clients": {"RUNNING": 2, "PENDING": 1}, "reducer": {"RUNNING": 1}},
    "retries": 1,
    "dropped": 2,
    "last_error": "",
    "widest": {},
    "reason": "",
}
LONG = "ValueError: " + "alpha is out of its range; " * 12
CASES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "probing": {"name": "airfoil", "stage": "probing"},
    "starting": {"name": "airfoil", "stage": "starting"},
    "starting with a plan": {
        **RUNNING,
        "stage": "starting",
        "folded": 0,
        "bundles_per_s": None,
        "eta_s": None,
    },
    "running": RUNNING,
    "with intervals": {**RUNNING, "replicates_closed": 9, "widest": {"ST": 0.01234, "S1": 0.005}},
    "no intervals asked": {**RUNNING, "replicates_closed": 12},
    "an error": {
        **RUNNING,
        "last_error": LONG,
        "last_log": "/scratch/runs/airfoil-001/logs/client-7.log",
    },
    "a full disk": {
        **RUNNING,
        "trouble": "the checkpoint cannot be written, waiting: No space left",
    },
    "finishing": {**RUNNING, "stage": "finishing", "folded": 4096, "eta_s": 0.0},
    "done": {**RUNNING, "stage": "done", "folded": 4096},
    "stopped": {**RUNNING, "stage": "stopped", "reason": "interrupted"},
    "failed": {**RUNNING, "stage": "failed", "reason": LONG},
    "a stage of the future": {**RUNNING, "stage": "extending"},
    "huge": {**RUNNING, "name": "n" * 64, "n_bundles": 2**40, "folded": 2**39, "bundles_per_s": 1e9},
}


def drawn(status: dict[str, Any], width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    console.print(panel(status))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("case", CASES)
def test_a_panel_fits_and_loses_nothing(case: str, width: int) -> None:
    status = CASES[case]
    lines = drawn(status, width)
    assert max(map(len, lines)) <= width
    told = "".join(lines).replace(" ", "")
    for key in ("name", "reason", "last_error", "last_log", "trouble"):
        if key == "last_error" and status.get("trouble"):
            continue
        assert str(status.get(key, "")).replace(" ", "").strip() in told, key


@pytest.mark.parametrize("case", CASES)
def test_a_line_is_one_line(case: str) -> None:
    assert "\n" not in line(CASES[case])
    assert line(CASES[case]).startswith(CASES[case].get("name", "") + ":")


def test_a_running_study_in_words() -> None:
    assert line(RUNNING) == (
        "airfoil: running, 1,024 of 4,096 bundles, 4,800 forwards/s, 31 s left, "
        "2 of 3 clients up (blocks: 1 pending, 2 running), 1 lease retried, 2 bundles dropped"
    )
    told = "\n".join(drawn(RUNNING, 100))
    for words in (
        *("25.0 % 1,024 of 4,096 bundles", "4,800 forwards/s", "31 s left"),
        *("2 of 3 clients up (blocks: 1 pending, 2 running)", "1 lease retried, 2 bundles dropped"),
        "none yet: 4 of 16 replicates, intervals need 8",
    ):
        assert words in told


def test_intervals_are_told_when_they_exist() -> None:
    assert "S1 ±0.005  ST ±0.0123  after 9 of 16 replicates" in "\n".join(drawn(CASES["with intervals"], 80))
    assert "interval" not in "\n".join(drawn(CASES["no intervals asked"], 80))


@pytest.mark.parametrize("stage", ["done", "stopped", "failed"])
def test_what_is_over_tells_no_speed_and_no_clients(stage: str) -> None:
    told = "\n".join(drawn(CASES[stage], 100)) + line(CASES[stage])
    assert "forwards/s" not in told
    assert "clients up" not in told
    assert " left" not in told


def test_plain_lines_come_at_changes_and_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 2.0, 7.1, 7.2])
    monkeypatch.setattr("parsl_sa.launch.views.time.monotonic", lambda: 100 + next(clock))
    view = PlainView()
    for stage in ("starting", "starting", "running", "running", "running"):
        view.show({**RUNNING, "stage": stage})
    view.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert [text.split(",")[0] for text in err.splitlines()] == [
        "airfoil: starting reducer and clients",
        "airfoil: running",
        "airfoil: running",
    ]


def test_the_live_view_leaves_its_last_picture() -> None:
    console = Console(width=80, file=io.StringIO(), force_terminal=True)
    view = LiveView(console)
    view.show(RUNNING)
    view.show(CASES["done"])
    view.close()
    assert "100.0 %" in console.file.getvalue()  # type: ignore[attr-defined]


def test_elsewhere_than_on_a_terminal_lines_are_plain() -> None:
    assert isinstance(view_for(), PlainView)
    assert isinstance(view_for("plain"), PlainView)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599.6, "1 h 0 min"), (90000, "25 h 0 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
