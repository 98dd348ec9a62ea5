"""What a model was made of: every file has its digest, whatever others are called."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from parsl_sa.models.provenance import hashes
from parsl_sa.models.wrapped import TorchModel

if TYPE_CHECKING:
    from pathlib import Path


def digests(root: Path, texts: dict[str, str]) -> dict[str, str]:
    """Write files below a folder and hash them as those of a model."""
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    files = tuple(root / name for name in texts)
    return hashes(TorchModel(lambda x: x, dtype="float32", files=files[:2]), files)


def test_files_of_one_name_are_numbered(tmp_path: Path) -> None:
    texts = {"a/w/f.py": "1", "b/w/f.py": "2", "c/w/f.py (2)": "3", "d/w/f.py": "4"}
    found = digests(tmp_path / "here", texts)
    names = ["f.py", "f.py (2)", "f.py (2) (2)", "f.py (3)"]
    assert found == {
        name: blake2b(text.encode(), digest_size=16).hexdigest()
        for name, text in zip(names, texts.values(), strict=True)
    }
    assert digests(tmp_path / "moved" / "there", texts) == found
    swapped = {**texts, "a/w/f.py": "2", "b/w/f.py": "1"}
    assert digests(tmp_path / "here", swapped) != found
