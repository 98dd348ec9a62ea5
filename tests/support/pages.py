"""Pages of documentation as a test reads them: fenced blocks with their marks, headings, links.

A mark is an HTML comment of its own line before a block:

``not run: REASON``
    Only looked at.
``file: NAME``
    Written to the page's folder, not run.
``needs: NAME``
    Run where there is that module, or MPI.
``run instead: COMMAND``
    Run that, which takes less time.
``status: N``
    The commands end with that exit status instead of 0.
``output``
    Exactly what the commands before it print, spaces and line breaks apart.
``part: KEY``
    JSON that stands under that key of a spec; ``part: outputs[]`` is an entry of a list, ``part: preset`` a
    file of its own. JSON that begins with a key is an excerpt of a spec.
``faulty: REASON``
    JSON of a spec that is not meant to be sound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("apps/*/README.md"), ROOT / "CONTRIBUTING.md"]
)
MARKS = frozenset({"not run", "run instead", "file", "needs", "status", "output", "part", "faulty"})
LANGUAGES = frozenset({"sh", "python", "json", "text"})

_FENCE = re.compile(r"^```(\S*)\s*$")
_COMMENT = re.compile(r"^<!--\s*([a-z ]+?)(?::\s*(.*?))?\s*-->$")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Parameters
    ----------
    line : int
        Of its first fence.
    language : str
        What stands behind the fence.
    text : str
        Its content.
    marks : dict
        Its marks; empty text where a mark has none.
    """

    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)


def blocks(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, in order."""
    marks: dict[str, str] = {}
    opened: tuple[int, str] | None = None
    content: list[str] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is not None:
            if fence:
                yield Block(opened[0], opened[1], "\n".join([*content, ""]), marks)
                opened, content, marks = None, [], {}
            else:
                content.append(line)
        elif fence:
            opened = (number, fence[1])
        elif mark := _COMMENT.match(line):
            marks[mark[1]] = mark[2] or ""
        elif line.strip():
            marks = {}
    assert opened is None, f"{path}: the fence of line {opened} is not closed"


def prose(path: Path) -> str:
    """Return a page without its fenced blocks."""
    inside, kept = False, []
    for line in path.read_text().splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def links(path: Path) -> list[str]:
    """Return the targets of the links and pictures of a page."""
    return _LINK.findall(prose(path))


def anchors(path: Path) -> set[str]:
    """Return the names under which the headings of a page can be linked."""
    found: set[str] = set()
    for line in prose(path).splitlines():
        if line.startswith("#"):
            text = line.lstrip("#").strip().lower()
            found.add("".join(c for c in text if c.isalnum() or c in " _-").replace(" ", "-"))
    return found


def name_of(path: Path) -> str:
    """Return a page's name in the repository."""
    return path.relative_to(ROOT).as_posix()
