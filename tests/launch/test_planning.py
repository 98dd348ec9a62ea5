"""Files of a model that changed since its plan was frozen, as they are seen from outside."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from parsl_sa.launch.planning import changed_files
from parsl_sa.spec import parse_spec, resolved
from support.plans import tiny_plan

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.spec import StudySpec


def spec_of(folder: Path, **model: str) -> StudySpec:
    plain = {
        "spec_version": 1,
        "name": "m",
        "model": model,
        "inputs": {"parameters": [{"name": "x", "distribution": "uniform", "low": 0, "high": 1}]},
        "design": {"n": 256},
        "outputs": [{"name": "y"}],
    }
    return resolved(parse_spec(plain), folder)


def digest(content: str) -> str:
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def test_a_folder_is_not_taken_for_the_one_around_it(tmp_path: Path) -> None:
    (tmp_path / "vit").mkdir()
    (tmp_path / "vit" / "config.json").write_text("{}")
    (tmp_path / "config.json").write_text('{"of": "something else"}')
    plan = replace(tiny_plan(), model_hashes={"config.json": digest("{}"), "(weights)": "w"})
    spec = spec_of(tmp_path, path="vit")
    assert changed_files(spec, plan) == []
    (tmp_path / "vit" / "config.json").write_text("{ }")
    assert changed_files(spec, plan) == ["config.json"]


def test_weights_and_the_code_of_their_module_may_lie_apart(tmp_path: Path) -> None:
    for name in ("a/net.pt", "a/net.py", "b/net.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    plan = replace(tiny_plan(), model_hashes={"net.pt": digest("a/net.pt"), "net.py": digest("b/net.py")})
    spec = spec_of(tmp_path, path="a/net.pt", architecture="b/net.py:Net")
    assert changed_files(spec, plan) == []
    (tmp_path / "b" / "net.py").write_text("another")
    assert changed_files(spec, plan) == ["net.py"]
