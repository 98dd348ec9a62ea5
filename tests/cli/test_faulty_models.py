"""Broken models: one clear message with place and cure, after one look, and nothing is started."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from support.runs import called
from support.small_study import MODEL, SPEC, edited, write_study

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

HEAD = "import numpy as np\nimport torch\nfrom torch import nn\n"

# name: the model's file, the place of its fault, words that its message has
FAULTY: dict[str, tuple[str | None, str, tuple[str, ...]]] = {
    "missing file": (None, "model.path", ("no file", "model.py", "relative to the spec")),
    "wrong input width": (
        HEAD + "def load():\n    return nn.Linear(3, 1)\n",
        "inputs.parameters",
        ("give 2 columns", "seems to want 3", "Add or remove parameters"),
    ),
    "NaN outputs": (
        MODEL.replace("lift = x[:, 0]", "lift = torch.nan * x[:, 0]"),
        "outputs[0]",
        ("'CL' is NaN for every one of", "check the order, units and ranges"),
    ),
    "an exception": (
        HEAD + "def load(x):\n    raise ValueError('alpha out of range')\n",
        "model",
        ("ValueError: alpha out of range", "model.py:5", "(first: ", "fix the model, or narrow the inputs"),
    ),
}


@pytest.mark.parametrize("case", FAULTY)
def test_check_and_launch_say_what_is_wrong_and_start_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    model, place, words = FAULTY[case]
    write_study(tmp_path, SPEC, model)
    refused(tmp_path, monkeypatch, place, words)


def test_a_dict_without_a_selector_lists_what_can_be_selected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(tmp_path, edited(("outputs", [{"name": "CL"}])))
    refused(tmp_path, monkeypatch, "outputs[0].select", ("is a dict", "CL (", "CD (", "wall.cp ("))


def test_a_death_without_a_word_is_a_failure_not_a_fault(tmp_path: Path) -> None:
    spec = write_study(tmp_path, SPEC, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    ended = called("check", str(spec))
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == (
        "failed: the process that tried the model ended by SIGSEGV, without a word. "
        "Run the model by itself to see why\n"
    )


def test_what_a_model_prints_does_not_mix_with_the_report(tmp_path: Path) -> None:
    noisy = "import atexit\nprint('loading')\natexit.register(print, 'bye')\n" + MODEL
    ended = called("check", str(write_study(tmp_path, SPEC, noisy)), "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith('{"name": "wing"')


def refused(folder: Path, monkeypatch: pytest.MonkeyPatch, place: str, words: tuple[str, ...]) -> None:
    """Say `check` and `launch` in a folder: both name the place, say the words, and leave nothing."""
    before = sorted(path.name for path in folder.iterdir())
    monkeypatch.chdir(folder)
    with ThreadPoolExecutor(2) as pool:
        check, launch = pool.map(lambda command: called(command, "spec.json"), ("check", "launch"))
    assert (check.code, check.out) == (launch.code, launch.out) == (2, "")
    assert launch.err == f"wing: trying the model\n{check.err}"
    head, message, *more = check.err.splitlines()
    assert head == "1 fault; nothing was started"
    assert message.startswith(f"  {place}: ")
    assert not [word for word in words if word not in message], message
    assert more == []
    left = sorted(path.name for path in folder.iterdir() if path.name != "__pycache__")
    assert left == before
