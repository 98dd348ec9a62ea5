"""Locks on files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.locks import holding, is_held

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert is_held(path) is False
    with holding(path) as first, holding(path) as second:
        assert (first, second) == (True, False)
        assert is_held(path) is True
    assert is_held(path) is False
    with holding(path) as again:
        assert again


def test_looking_takes_it_from_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    path.touch()
    found = []
    real = is_held.__globals__["fcntl"].flock

    def look_too(stream: object, how: int) -> None:
        real(stream, how)
        if not found:
            found.append(None)
            found[0] = is_held(path)  # two who look at the same time

    monkeypatch.setattr("fcntl.flock", look_too)
    assert is_held(path) is False
    assert found == [False]


def test_a_file_system_without_locks_gives_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    (tmp_path / "lock").touch()
    monkeypatch.setattr("fcntl.flock", refuse)
    assert is_held(tmp_path / "lock") is None
