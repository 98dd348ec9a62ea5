"""JSON files are never seen half-written, whoever reads meanwhile; journals grow by whole lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from parsl_sa.jsonfile import append_record, write_json

if TYPE_CHECKING:
    import pytest


def test_a_reader_sees_one_whole_version_or_another(tmp_path: Path) -> None:
    path, n = tmp_path / "status.json", 300
    write_json(path, {"version": 0, "padding": "x" * 20_000})
    done = threading.Event()

    def write() -> None:
        for version in range(1, n + 1):
            write_json(path, {"version": version, "padding": "x" * (version % 7 * 5000)})
        done.set()

    seen = []
    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        seen.append(json.loads(path.read_text())["version"])
    writer.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 1
    assert json.loads(path.read_text())["version"] == n
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


def test_a_writer_killed_before_the_rename_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_json(path, {"version": 1}, durable=True)
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from parsl_sa import jsonfile\n"
        "jsonfile.os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "jsonfile.write_json(Path(sys.argv[1]), {'version': 2}, durable=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert json.loads(path.read_text()) == {"version": 1}


def test_durable_means_file_then_rename_then_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").resolve()
        steps.append("directory" if target.is_dir() else f"file: {target.read_text()}")
        fsync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write_json(tmp_path / "plan.json", 3, durable=True)
    assert steps == ["file: 3", "rename", "directory"]
    steps.clear()
    write_json(tmp_path / "status.json", 3)
    assert steps == ["rename"]


def test_records_are_lines_and_durable_ones_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    path = tmp_path / "journal.jsonl"
    append_record(path, {"record": "study", "note": "two\nlines"}, durable=True)
    first = path.stat().st_size
    append_record(path, {"record": "event"})
    assert [json.loads(line)["record"] for line in path.read_text().splitlines()] == ["study", "event"]
    assert synced == [first]
