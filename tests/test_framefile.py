"""A file of frames survives what can happen to it, or is refused."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from parsl_sa.arrays import DISK, pack, unpack
from parsl_sa.errors import FrameError
from parsl_sa.framefile import read_frames, write_atomic


def sample(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(7)
    return (rng.random(shape) * 200).astype(name)


def frames_of_checkpoint() -> list[bytes | memoryview]:
    return pack({"prefix": 12, "generation": 3}, [sample("float64", (7, 11)), sample("int64", (0,))], DISK)


def test_file_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "shard-0.3"
    size_bytes = write_atomic(path, frames_of_checkpoint())
    assert path.stat().st_size == size_bytes
    header, (a, b) = unpack(read_frames(path), DISK)
    assert header == {"prefix": 12, "generation": 3}
    assert a.tobytes() == sample("float64", (7, 11)).tobytes()
    assert b.shape == (0,)
    assert [entry.name for entry in tmp_path.iterdir()] == ["shard-0.3"]


def test_a_file_truncated_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    write_atomic(path, frames_of_checkpoint())
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(FrameError, match="checkpoint: expected"):
            read_frames(path)


def test_a_file_with_any_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    write_atomic(path, frames_of_checkpoint())
    whole = path.read_bytes()
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at % 8)
        path.write_bytes(flipped)
        with pytest.raises(FrameError, match="checkpoint: expected"):
            read_frames(path)


@pytest.mark.parametrize("tail", [b"\0", b"\0" * 4096])
def test_a_file_with_a_tail_is_refused(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "checkpoint"
    write_atomic(path, frames_of_checkpoint())
    path.write_bytes(path.read_bytes() + tail)
    with pytest.raises(FrameError, match="the file has"):
        read_frames(path)


def test_a_hole_in_a_file_is_refused(tmp_path: Path) -> None:
    # What a crash without fsync leaves on some file systems: the right length, zeros inside.
    path = tmp_path / "checkpoint"
    write_atomic(path, frames_of_checkpoint())
    whole = bytearray(path.read_bytes())
    whole[200:400] = bytes(200)
    path.write_bytes(whole)
    with pytest.raises(FrameError, match="checksum"):
        read_frames(path)


def test_a_missing_file_is_not_a_torn_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_frames(tmp_path / "none")


def test_a_write_is_durable_before_and_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").resolve()
        # All bytes have left the process's buffer when the file is synced.
        steps.append("directory" if target.is_dir() else f"file of {target.stat().st_size}")
        fsync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    size_bytes = write_atomic(tmp_path / "checkpoint", frames_of_checkpoint())
    assert steps == [f"file of {size_bytes}", "rename", "directory"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_older_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "checkpoint"
    write_atomic(path, pack({"generation": 1}))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), refuse)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, pack({"generation": 2}))
    monkeypatch.undo()
    assert unpack(read_frames(path))[0] == {"generation": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["checkpoint"]


def test_large_arrays_are_streamed(tmp_path: Path) -> None:
    array = np.ones(8 << 20)
    tracemalloc.start()
    try:
        write_atomic(tmp_path / "large", pack({}, [array], DISK))
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        frames = read_frames(tmp_path / "large")
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written < array.nbytes / 8
    assert read < array.nbytes * 1.25
    (got,) = unpack(frames, DISK)[1]
    assert np.shares_memory(got, np.frombuffer(frames[1], np.uint8))
