"""Checkpoints of a shard: written aside, checksummed, fsynced, renamed; two generations are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.arrays import DISK, pack, unpack
from parsl_sa.errors import FrameError
from parsl_sa.framefile import partials, read_frames, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

KEPT = 2

_NAME = re.compile(r"prefix-(\d+)\.epoch-(\d+)\.incarnation-(\d+)\.ckpt")


@dataclass(frozen=True)
class Generation:
    """One checkpoint file.

    Parameters
    ----------
    prefix : int
        Leases folded into it.
    epoch, incarnation : int
        The life that wrote it, so that no life overwrites another's file.
    path : Path
        The file.
    """

    prefix: int
    epoch: int
    incarnation: int
    path: Path


def save(
    directory: Path,
    state: dict[str, npt.NDArray[Any]],
    *,
    plan: str,
    prefix: int,
    epoch: int,
    incarnation: int,
) -> Path:
    """Write a checkpoint; remove those that two newer ones make needless, and what dead writers left.

    Parameters
    ----------
    directory : Path
        The shard's directory; made if missing.
    state : dict of str to ndarray
        What `Accumulator.state` returned; not changed meanwhile.
    plan : str
        Digest of the plan.
    prefix, epoch, incarnation : int
        As in `Generation`.

    Raises
    ------
    OSError
        If the file cannot be written; older generations are untouched then.

    Notes
    -----
    Files that an earlier life began and never finished go first, for their space may be what is lacking.
    Those of a later life are left alone: whoever meets one is himself the dead one, not told yet.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _remove_partials(directory, (epoch, incarnation))
    path = directory / f"prefix-{prefix:09d}.epoch-{epoch}.incarnation-{incarnation}.ckpt"
    header = {"plan": plan, "prefix": prefix, "names": list(state)}
    write_atomic(path, pack(header, list(state.values()), DISK))
    prefixes = sorted({generation.prefix for generation in generations(directory)})[-KEPT:]
    for old in generations(directory):
        if old.prefix not in prefixes:
            old.path.unlink(missing_ok=True)
    return path


def generations(directory: Path) -> list[Generation]:
    """List the checkpoints by name, oldest first, whether they are sound or not."""
    if not directory.is_dir():
        return []
    found = [(match, path) for path in directory.iterdir() if (match := _NAME.fullmatch(path.name))]
    listed = [Generation(int(match[1]), int(match[2]), int(match[3]), path) for match, path in found]
    return sorted(listed, key=lambda g: (g.prefix, g.epoch, g.incarnation))


def _remove_partials(directory: Path, life: tuple[int, int]) -> None:
    for path, name in partials(directory):
        match = _NAME.fullmatch(name)
        if match and (int(match[2]), int(match[3])) < life:
            path.unlink(missing_ok=True)


def load(directory: Path, prefix: int, plan: str) -> dict[str, npt.NDArray[Any]]:
    """Read the newest sound checkpoint at a prefix.

    Raises
    ------
    FrameError
        If there is none, or it belongs to another plan.
    """
    reason = "no such checkpoint"
    for generation in reversed(generations(directory)):
        if generation.prefix != prefix:
            continue
        try:
            header, arrays = unpack(read_frames(generation.path), DISK)
        except FrameError as error:
            reason = str(error)
            continue
        if header.get("plan") == plan and header.get("prefix") == prefix:
            return dict(zip(header["names"], arrays, strict=True))
        reason = f"{generation.path}: of another plan"
    raise FrameError(f"{directory}: no sound checkpoint at lease {prefix}: {reason}")


def sound_prefixes(directory: Path, plan: str) -> list[int]:
    """Return the prefixes at which a sound checkpoint of a plan exists, ascending."""
    prefixes = []
    for prefix in sorted({generation.prefix for generation in generations(directory)}):
        try:
            load(directory, prefix, plan)
        except FrameError:
            continue
        prefixes.append(prefix)
    return prefixes
