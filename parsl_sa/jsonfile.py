"""JSON on disk: a file that is there whole or not at all, and a journal that grows by whole lines."""

from __future__ import annotations

import json
import os
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def write_json(path: Path, plain: object, durable: bool = False) -> None:
    """Write a JSON file aside and rename it into place.

    Parameters
    ----------
    path : Path
        Target.
    plain : object
        JSON value.
    durable : bool
        Whether to fsync the file and its directory.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w") as stream:
        json.dump(plain, stream, indent=1)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    aside.replace(path)
    if durable:
        sync_directory(path.parent)


def append_record(path: Path, record: dict[str, Any], durable: bool = False) -> None:
    """Append one line to a journal."""
    with path.open("ab") as stream:
        write_record(stream, record, durable)


def write_record(stream: IO[bytes], record: dict[str, Any], durable: bool) -> None:
    """Write one line to an open journal; with `durable`, return when it is on disk."""
    stream.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
    stream.flush()
    if durable:
        os.fsync(stream.fileno())


def sync_directory(path: Path) -> None:
    """Make renames and new names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
