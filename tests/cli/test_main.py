"""The command line as a whole: help, exit statuses, and what is not imported."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from parsl_sa.cli import main as cli
from support.runs import called
from support.small_study import edited, write_study

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.runs import Ended

HEAVY = ("torch", "numba", "parsl", "mpi4py", "numpy", "scipy", "pandas", "xarray", "zarr", "matplotlib")
COMMANDS = ("check", "launch", "resume", "status", "results", "report", "sites", "schema")


def test_it_tells_its_version() -> None:
    told = called("--version")
    assert (told.code, told.out) == (0, f"parsl-sa {metadata.version('parsl-sa')}\n")


def test_help_names_every_command_and_the_exit_statuses() -> None:
    ended = called("--help")
    assert (ended.code, ended.err) == (0, "")
    for command in COMMANDS:
        assert f"\n  {command} " in ended.out
    assert "Exit status: 0 done, 2 bad spec" in ended.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_fits_80_columns(say: Callable[..., Ended], folder: Path, command: str) -> None:
    ended = say(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].startswith(f"Usage: parsl-sa {command}")
    assert max(map(len, lines)) <= 80
    assert "`" not in ended.out.replace("`parsl-sa resume`", "")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--help",), 0),
        (("launch", "--help"), 0),
        (("check", "bad.json"), 2),
        (("launch", "bad.json"), 2),
        (("check", "good.json", "--site", "mars"), 2),
        (("launch", "good.json", "--ranks", "0"), 2),
        (("status", "."), 2),
        (("schema",), 0),
    ],
)
def test_a_quick_answer_waits_for_nothing_heavy(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    write_study(tmp_path, edited(("design.n", -1))).rename(tmp_path / "bad.json")
    write_study(tmp_path).rename(tmp_path / "good.json")
    program = (
        "import sys\n"
        "from parsl_sa.cli.main import main\n"
        f"sys.argv = ['parsl-sa', *{words!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        f"    print('loaded:', end.code, *(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == f"loaded: {code}", done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("frobnicate",), "No such command 'frobnicate'"),
        (("launch",), "Missing argument 'SPEC'"),
        (("launch", "spec.json", "--frob"), "No such option: --frob"),
        (("launch", "spec.json", "--ranks", "two"), "Invalid value for '--ranks'"),
    ],
)
def test_words_that_are_no_command(say: Callable[..., Ended], words: tuple[str, ...], message: str) -> None:
    ended = say(*words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_an_error_inside_is_a_failure_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: str) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 4
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "ZeroDivisionError: inside\nfailed: an error inside parsl-sa" in told


def test_an_interrupt_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert (end.value.code, capsys.readouterr().err) == (130, "interrupted\n")
