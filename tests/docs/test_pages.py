"""Every command and snippet of the documentation is run, or says why not; every link leads somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from parsl_sa.cli.main import app
from parsl_sa.errors import SpecError
from parsl_sa.execution.presets import read_site, site_of
from parsl_sa.spec import parse_spec
from support.pages import LANGUAGES, MARKS, PAGES, ROOT, Block, anchors, blocks, links, name_of, prose
from support.requirements import require_module, require_program

WHOLE: dict[str, Any] = {
    "spec_version": 1,
    "name": "page",
    "model": {"loader": "python", "path": "model.py:load"},
    "inputs": {"parameters": [{"name": "x", "distribution": "uniform", "low": 0, "high": 1}]},
    "design": {"n": 1024, "both_ways": True},
    "outputs": [{"name": "y"}],
}
_COMMAND = re.compile(r"parsl-sa ([a-z]+)((?: +--?[a-z][a-z-]*)*)")

pages = pytest.mark.parametrize("page", PAGES, ids=name_of)


@pages
def test_every_block_has_a_language_and_known_marks(page: Path) -> None:
    for block in blocks(page):
        place = f"{name_of(page)}:{block.line}"
        assert block.language in LANGUAGES, f"{place}: say what the block is: {', '.join(sorted(LANGUAGES))}"
        assert set(block.marks) <= MARKS, f"{place}: {block.marks}"
        for mark in ("not run", "faulty"):
            assert block.marks.get(mark, "why") != "", f"{place}: say why it is {mark}"


@pages
def test_every_json_is_sound(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language == "json" and "not run" not in block.marks:
            check_json(block, tmp_path)


def check_json(block: Block, folder: Path) -> None:
    """Parse a whole spec, a part of one laid over a sound spec, or a preset."""
    excerpt = block.text.startswith('"')
    plain = json.loads(f"{{{block.text}}}" if excerpt else block.text)
    key = block.marks.get("part", "")
    if key == "preset":
        path = folder / f"{plain['name']}.json"
        path.write_text(block.text)
        read_site(path)
        return
    if key or excerpt:
        part = plain if excerpt else {key.removesuffix("[]"): [plain] if key.endswith("[]") else plain}
        plain = {**WHOLE, **part}
    if "faulty" in block.marks:
        with pytest.raises(SpecError):
            parse_spec(plain)
    else:
        site_of(parse_spec(plain).farm)


@pages
def test_every_link_resolves(page: Path) -> None:
    for target in links(page):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{name_of(page)} links to {target}"
        assert there.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(there), f"{name_of(page)}: {target}; there are {sorted(anchors(there))}"


@pages
def test_every_command_that_is_named_exists(page: Path) -> None:
    """Also in tables and running text, with the options that stand right behind it."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    code = "\n".join([*re.findall(r"`([^`]+)`", prose(page)), *(block.text for block in blocks(page))])
    for verb, options in _COMMAND.findall(code):
        assert verb in commands, f"{name_of(page)}: parsl-sa {verb}"
        known = {option for parameter in commands[verb].params for option in parameter.opts}
        assert {*options.split()} <= known | {"--help"}, f"{name_of(page)}: parsl-sa {verb}{options}"


def runs(page: Path) -> bool:
    return any(
        block.language in {"sh", "python"} and not {"not run", "file"} & set(block.marks)
        for block in blocks(page)
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", list(filter(runs, PAGES)), ids=name_of)
def test_every_command_and_snippet_runs(page: Path, tmp_path: Path) -> None:
    (tmp_path / "apps").symlink_to(ROOT / "apps")
    said = ""
    for block in blocks(page):
        if "file" in block.marks:
            (tmp_path / block.marks["file"]).write_text(block.text)
        elif "output" in block.marks:
            assert said.split() == block.text.split(), f"{name_of(page)}:{block.line}"
        elif block.language in {"sh", "python"} and "not run" not in block.marks:
            require(block.marks.get("needs", ""))
            words = ["bash", "-euc"] if block.language == "sh" else [sys.executable, "-c"]
            done = subprocess.run(
                [*words, block.marks.get("run instead", block.text)],
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=tmp_path,
                env=environment(),
                timeout=300,
            )
            said = done.stdout
            assert done.returncode == int(block.marks.get("status", 0)), (
                f"{name_of(page)}:{block.line}\n{said}"
            )


def require(part: str) -> None:
    if part == "mpi":
        require_module("mpi4py")
        require_program("mpiexec")
    elif part:
        require_module(part)


def environment() -> dict[str, str]:
    """Return the environment of a reader: this interpreter's commands come first, lines are not broken."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "COLUMNS": "200", "MPLBACKEND": "agg"}


def test_the_reference_of_a_spec_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate_spec.py"), "--check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_costs_of_designs_are_right() -> None:
    rows = re.findall(
        r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", prose(ROOT / "docs/choosing.md"), re.MULTILINE
    )
    assert len(rows) == 5
    for row in rows:
        d, alone, one_way, both_ways = (int(cell.replace(",", "")) for cell in row)
        assert (alone, one_way, both_ways) == (1024, 1024 * (d + 2), 1024 * (2 * d + 2))
