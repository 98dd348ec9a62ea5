"""The reader of pages sees what it must: a check that sees nothing would pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.pages import anchors, blocks, links

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """\
# A page: `with[]` code

<!-- not run: it would
-->
<!-- file: a.py -->
<!-- status: 2 -->
```python
print("[no](link)")
```

<!-- part: farm -->

A paragraph parts a mark from a block. [A link](other.md#there) ![and a picture](image.png)

```
no language
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return a page on disk."""
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_blocks_have_their_own_marks(page: Path) -> None:
    first, second = blocks(page)
    assert (first.language, first.text) == ("python", 'print("[no](link)")\n')
    assert first.marks == {"file": "a.py", "status": "2"}
    assert (second.language, second.marks) == ("", {})


def test_links_are_those_of_the_prose(page: Path) -> None:
    assert links(page) == ["other.md#there", "image.png"]


def test_anchors_are_those_of_a_renderer(page: Path) -> None:
    assert anchors(page) == {"a-page-with-code"}


def test_an_open_fence_is_told(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("```sh\nls\n")
    with pytest.raises(AssertionError, match="not closed"):
        list(blocks(path))
