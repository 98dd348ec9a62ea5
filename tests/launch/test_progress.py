"""Every stage of a study reads well, as a line and as a panel of any width."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from parsl_sa.launch.progress import GONE, duration, line, panel
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
    "waiting for a reducer": {
        **RUNNING,
        "stage": "starting",
        "bundles_per_s": None,
        "eta_s": None,
        "reducers": {"up": 0, "shards": 1},
        "clients": {"up": 0, "slots": 2},
        "blocks": {"clients": {}, "reducer": {"PENDING": 1}},
        "began_at": 1000.0,
        "updated_at": 1200.0,
    },
    "drops": {**RUNNING, "last_drop": "non-finite output", "max_dropped": 40},
    "gone": {**RUNNING, "stage": GONE},
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
        *("25.0 %  1,024 of 4,096 bundles", "4,800 forwards/s", "31 s left"),
        *("2 of 3 clients up (blocks: 1 pending, 2 running)", "1 lease retried, 2 bundles dropped"),
        "none yet: 4 of 16 replicates, intervals need 8",
    ):
        assert words in told


def test_intervals_are_told_when_they_exist() -> None:
    assert "S1 ±0.005  ST ±0.0123  after 9 of 16 replicates" in "\n".join(drawn(CASES["with intervals"], 80))
    assert "interval" not in "\n".join(drawn(CASES["no intervals asked"], 80))


WAITING = CASES["waiting for a reducer"]
BLOCK_RUNS = {"clients": {}, "reducer": {"RUNNING": 1}}
REDUCER_UP = {**WAITING, "reducers": {"up": 1, "shards": 1}}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (WAITING, "waiting for a block for the reducer"),
        ({**WAITING, "blocks": BLOCK_RUNS}, "starting the reducer"),
        (REDUCER_UP, "waiting for a block for clients"),
        ({**REDUCER_UP, "blocks": {"clients": {"RUNNING": 1, "PENDING": 1}}}, "starting clients"),
        ({"stage": "probing", "blocks": {"clients": {"PENDING": 1}}}, "waiting for a block to try the model"),
        ({"stage": "probing", "blocks": {"clients": {"RUNNING": 1}}}, "trying the model in a block"),
        ({"stage": "probing"}, "trying the model"),
        ({**RUNNING, "stage": "finishing", "reason": "interrupted"}, "stopping, writing the last checkpoint"),
    ],
)
def test_the_head_says_what_is_waited_for(status: dict[str, Any], words: str) -> None:
    assert drawn(status, 80)[0].partition("  ")[2].partition(":")[0] == words
    assert f": {words}" in line(status)


def test_a_queue_is_told_with_its_blocks_and_how_long_it_has_lasted() -> None:
    told = "\n".join(drawn(WAITING, 80))
    assert "not up yet (blocks: 1 pending)" in told
    assert "not known yet, for 3 min 20 s" in told


def test_a_reducer_that_was_lost_has_a_line_until_it_is_back() -> None:
    lost = {**RUNNING, "reducers": {"up": 0, "shards": 1}, "blocks": {"reducer": {"PENDING": 1}}}
    assert "lost, being started again (blocks: 1 pending)" in "\n".join(drawn(lost, 80))
    assert "reducer" not in "\n".join(drawn({**RUNNING, "reducers": {"up": 1, "shards": 1}}, 80))


def test_drops_are_told_with_their_reason_and_their_bound() -> None:
    assert "non-finite output (at most 40 bundles may be dropped)" in "\n".join(drawn(CASES["drops"], 80))
    same = {**RUNNING, "last_drop": LONG, "last_error": LONG, "max_dropped": 40}
    assert "".join(drawn(same, 80)).count("ValueError") == 1


def test_nothing_moves_when_lines_come_and_go() -> None:
    cases = ("running", "with intervals", "no intervals asked", "an error", "drops", "done")
    starts = {row[17:].lstrip()[:1] and row[15:17] for case in cases for row in drawn(CASES[case], 80)[1:]}
    assert starts == {"  "}


def test_colours_are_readable_on_black_and_on_white() -> None:
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="256")
    for case in CASES.values():
        console.print(panel(case))
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", console.file.getvalue()))  # type: ignore[attr-defined]
    assert codes <= {"0", "1", "2", "1;38;5;33"}  # bold, dim, and a blue of middle brightness


def test_time_is_that_of_this_start() -> None:
    over = {**CASES["done"], "began_at": 1000.0, "updated_at": 1200.0}
    assert "3 min 20 s" in "\n".join(drawn(over, 80))
    assert "3 min 20 s since it was resumed" in "\n".join(drawn({**over, "epoch": 2}, 80))


@pytest.mark.parametrize("stage", ["done", "stopped", "failed", GONE])
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
