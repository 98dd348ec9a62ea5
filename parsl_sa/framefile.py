"""Frames on disk: a file that is there whole or not at all, and is believed only after a checksum."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import struct
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from parsl_sa.arrays import DISK
from parsl_sa.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from parsl_sa.arrays import Frame

_PREFIX = struct.Struct("<8sII")
_MAGIC, _VERSION = b"PSAFILE\n", 1
_DIGEST_BYTES = 32
_PIECE_BYTES = 8 << 20
_PARTIAL = re.compile(r"(.+)\.[0-9a-f]{8}\.partial")


def write_atomic(path: Path, frames: Sequence[Frame]) -> int:
    """Write frames to a file that is there whole or not at all, whatever dies when.

    Parameters
    ----------
    path : Path
        Name of the finished file; an older file of that name is replaced.
    frames : sequence of bytes or memoryview
        What `pack` made. They are streamed: memory is not doubled.

    Returns
    -------
    int
        Bytes of the file.

    Raises
    ------
    OSError
        If the disk refuses (full, read-only); nothing is left behind then.

    Notes
    -----
    The order is what makes it durable: write under another name (ending in ``.partial``) in the same
    directory, fsync the file, rename, fsync the directory. When this returns the file survives a power
    cut. A writer that is killed leaves a ``.partial`` file, which nobody reads; `partials` lists such.
    """
    views = [memoryview(frame) for frame in frames]
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")  # as `_PARTIAL` reads it
    try:
        with aside.open("xb") as file:
            size_bytes = _write_checked(file, views)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _fsync_directory(path.parent)
    return size_bytes


def partials(directory: Path) -> list[tuple[Path, str]]:
    """List the files that writers have begun and not finished, each with the name it was to have."""
    found = [(path, _PARTIAL.fullmatch(path.name)) for path in directory.iterdir()]
    return [(path, match[1]) for path, match in found if match]


def read_frames(path: Path) -> list[Frame]:
    """Read a file that `write_atomic` wrote, and verify it whole.

    Raises
    ------
    FrameError
        If it is not such a file, is truncated or longer than stated, or any bit of it has changed.
    FileNotFoundError
        If there is no such file.
    """
    with path.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        lengths = _read_prologue(path, file, size_bytes, digest)
        frames: list[Frame] = []
        for length in lengths:
            # numpy's own memory is aligned for every dtype, so that `unpack` needs no copy.
            view = np.empty(length, dtype=np.uint8).data
            _fill(path, file, view)
            digest.update(view)
            frames.append(view.toreadonly())
        stored = file.read(_DIGEST_BYTES + 1)
    if stored != digest.digest():
        raise FrameError(
            f"{path.name}: expected checksum {digest.hexdigest()}, the file ends in {stored.hex()}"
        )
    return frames


def _write_checked(file: BinaryIO, views: Sequence[memoryview]) -> int:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    prologue = _PREFIX.pack(_MAGIC, _VERSION, len(views))
    prologue += struct.pack(f"<{len(views)}Q", *(view.nbytes for view in views))
    size_bytes = 0
    for view in [memoryview(prologue), *views]:
        for start in range(0, view.nbytes, _PIECE_BYTES):
            piece = view[start : start + _PIECE_BYTES]
            digest.update(piece)
            file.write(piece)
        size_bytes += view.nbytes
    file.write(digest.digest())
    return size_bytes + _DIGEST_BYTES


def _read_prologue(path: Path, file: BinaryIO, size_bytes: int, digest: hashlib.blake2b) -> tuple[int, ...]:
    """Return the length of every frame, after comparing them with the size of the file."""
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        raise FrameError(f"{path.name}: expected at least {_PREFIX.size} bytes; got {len(prefix)}")
    magic, version, n_frames = _PREFIX.unpack(prefix)
    if (magic, version) != (_MAGIC, _VERSION):
        raise FrameError(f"{path.name}: expected {_MAGIC!r} version {_VERSION}; got {magic!r} {version}")
    if n_frames > 1 + DISK.n_arrays:
        raise FrameError(f"{path.name}: expected at most {1 + DISK.n_arrays} frames; got {n_frames}")
    table = file.read(8 * n_frames)
    if len(table) < 8 * n_frames:
        raise FrameError(f"{path.name}: expected a table of {n_frames} lengths; the file ends in it")
    lengths: tuple[int, ...] = struct.unpack(f"<{n_frames}Q", table)
    expected = len(prefix) + len(table) + sum(lengths) + _DIGEST_BYTES
    if expected != size_bytes:
        raise FrameError(f"{path.name}: expected {expected} bytes; the file has {size_bytes}")
    digest.update(prefix)
    digest.update(table)
    return lengths


def _fill(path: Path, file: BinaryIO, view: memoryview) -> None:
    done = 0
    while done < view.nbytes:
        got = file.readinto(view[done : done + _PIECE_BYTES])  # type: ignore[attr-defined]
        if not got:
            raise FrameError(f"{path.name}: expected {view.nbytes - done} more bytes; the file ends")
        done += got


def _fsync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
