"""Checkpoints: which generations stay, what a killed writer leaves, and which one is read."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from parsl_sa.errors import FrameError
from parsl_sa.framefile import write_atomic
from parsl_sa.reducer import checkpoints

if TYPE_CHECKING:
    from pathlib import Path

PLAN = "0" * 32


def save(directory: Path, prefix: int, epoch: int = 1, incarnation: int = 1) -> Path:
    state = {"moments.open": np.full((2, 3), float(prefix))}
    return checkpoints.save(directory, state, plan=PLAN, prefix=prefix, epoch=epoch, incarnation=incarnation)


def test_two_generations_are_kept_and_read_back(tmp_path: Path) -> None:
    for prefix in (4, 8, 12):
        save(tmp_path / "shard-0", prefix)
    assert checkpoints.sound_prefixes(tmp_path / "shard-0", PLAN) == [8, 12]
    state = checkpoints.load(tmp_path / "shard-0", 8, PLAN)
    np.testing.assert_array_equal(state["moments.open"], np.full((2, 3), 8.0))


def test_a_torn_generation_gives_way_to_the_one_before(tmp_path: Path) -> None:
    save(tmp_path, 4)
    newest = save(tmp_path, 8)
    newest.write_bytes(newest.read_bytes()[:-3])
    assert checkpoints.sound_prefixes(tmp_path, PLAN) == [4]
    with pytest.raises(FrameError, match="no sound checkpoint at lease 8"):
        checkpoints.load(tmp_path, 8, PLAN)


def test_another_plans_checkpoint_is_not_read(tmp_path: Path) -> None:
    save(tmp_path, 4)
    assert checkpoints.sound_prefixes(tmp_path, "1" * 32) == []
    with pytest.raises(FrameError, match="of another plan"):
        checkpoints.load(tmp_path, 4, "1" * 32)


def test_a_killed_writer_leaves_a_file_that_the_next_life_removes(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from parsl_sa import framefile\n"
        "framefile.os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "framefile.write_atomic(Path(sys.argv[1]), [b'half'])\n"
    )
    name = "prefix-000000004.epoch-1.incarnation-1.ckpt"
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / name)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(name)
    assert checkpoints.sound_prefixes(tmp_path, PLAN) == []

    kept = save(tmp_path, 4, epoch=1, incarnation=2)
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize(("life", "stays"), [((1, 1), False), ((1, 2), True), ((2, 1), True), ((3, 1), True)])
def test_only_what_earlier_lives_left_is_removed(tmp_path: Path, life: tuple[int, int], stays: bool) -> None:
    begun = tmp_path / f"prefix-000000008.epoch-{life[0]}.incarnation-{life[1]}.ckpt.0123abcd.partial"
    begun.touch()
    foreign = tmp_path / "notes.partial"
    foreign.touch()
    save(tmp_path, 4, epoch=1, incarnation=2)
    assert begun.exists() is stays
    assert foreign.exists()


def test_a_write_that_fails_leaves_the_older_generations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 4)
    save(tmp_path, 8)

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "write_atomic", refuse)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, 12)
    monkeypatch.setattr(checkpoints, "write_atomic", write_atomic)
    assert checkpoints.sound_prefixes(tmp_path, PLAN) == [4, 8]
