"""Broken specs: one clear message with place and cure, at once, and nothing is started."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from support.runs import called
from support.small_study import edited, write_study

if TYPE_CHECKING:
    from pathlib import Path

P = "inputs.parameters"

# name: the spec, the place of its fault, words that its message has
FAULTY: dict[str, tuple[dict[str, Any] | str, str, tuple[str, ...]]] = {
    "not JSON": ('{"spec_version": 1,\n}', "spec.json", ("is not JSON: line 2", "remove the comma")),
    "unknown key": (edited(("mdoel", {})), "mdoel", ("did you mean 'model'?",)),
    "missing section": (edited(("model", ...)), "model", ("is missing",)),
    "duplicate name": (edited((f"{P}.1.name", "alpha")), f"{P}[1].name", ("repeats", "must differ")),
    "inverted bounds": (edited((f"{P}.0.high", -1.0)), f"{P}[0].high", ("must exceed low (0.0)", "-1.0")),
    "NaN": (json.dumps(edited((f"{P}.1.mean", math.nan))), f"{P}[1].mean", ("finite", "nan")),
    "mismatched lengths": (
        edited((f"{P}.0", {"name": "a", "distribution": "choice", "values": [1, 2, 3], "weights": [1, 2]})),
        f"{P}[0].weights",
        ("one weight for each of the 3 values",),
    ),
    "level": (edited(("statistics", [{"name": "sobol", "level": 1.5}])), "statistics[0].level", ("0.95",)),
    "unknown statistic": (
        edited(("statistics", ["kurtosis"])),
        "statistics[0].name",
        ("known: moments, extrema, effects, sobol",),
    ),
    "unknown distribution": (
        edited((f"{P}.0.distribution", "gauss")),
        f"{P}[0].distribution",
        ("uniform, loguniform, normal",),
    ),
    "no function in the path": (edited(("model.path", "model.py")), "model.path", ("'model.py:load'",)),
    "n is a text": (edited(("design.n", "4096")), "design.n", ("whole number", "the text '4096'")),
    "estimator without its rows": (
        edited(
            ("design.both_ways", False), ("statistics", [{"name": "sobol", "estimator": "azzini-rosati"}])
        ),
        "statistics[0].estimator",
        ("set design.both_ways to true",),
    ),
    "unknown site": (edited(("farm.site", "locl")), "farm.site", ("did you mean 'local'?", "slurm")),
    "option of another site": (
        edited(("farm.options", {"walltime": "01:00:00"})),
        "farm.options.walltime",
        ("remove it",),
    ),
}


@pytest.mark.parametrize("case", FAULTY)
def test_check_and_launch_say_what_is_wrong_and_start_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    spec, place, words = FAULTY[case]
    write_study(tmp_path, spec)
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(2) as both:
        ends = list(both.map(lambda command: called(command, "spec.json"), ("check", "launch")))
    for ended in ends:
        assert (ended.code, ended.out) == (2, "")
        head, message, *more = ended.err.splitlines()
        assert head == "1 fault; nothing was started"
        assert message.startswith(f"  {place}: ")
        assert not [word for word in words if word not in message], message
        assert more == []
    assert ends[0] == ends[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.py", "spec.json"]


def test_all_faults_are_told_at_once_in_the_order_of_the_spec(tmp_path: Path) -> None:
    spec = edited((f"{P}.0.low", 2.0), ("design.n", -4), ("statistics", ["median"]), ("farm.site", "mars"))
    ended = called("check", str(write_study(tmp_path, spec)))
    head, *messages = ended.err.splitlines()
    assert (ended.code, head) == (2, "4 faults; nothing was started")
    places = [message.strip().partition(":")[0] for message in messages]
    assert places == [f"{P}[0].high", "design.n", "statistics[0].name", "farm.site"]


def test_a_spec_that_is_not_there(tmp_path: Path) -> None:
    ended = called("launch", str(tmp_path / "none.json"))
    assert (ended.code, ended.out) == (2, "")
    assert "none.json: no such file; give the path of a study's spec.json" in ended.err
