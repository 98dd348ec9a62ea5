"""Ending what an earlier run of a study has left: processes of this host, and batch jobs."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "PARSL_SA_RUN"
"""Environment variable by which every process of a study's runs is known; inherited by all of them."""

_GONE_S = 5.0
_EXEC_S = 0.005
_LOOKS = 20
_SCANCEL_S = 60.0


def marked_processes(study: str) -> list[psutil.Process]:
    """Return the processes of this host that carry a study's mark, this one excepted.

    Parameters
    ----------
    study : str
        Identifier of the study.
    """
    found = []
    processes = [process for process in psutil.process_iter() if process.pid != os.getpid()]
    for _ in range(_LOOKS):
        unread = []
        for process in processes:
            try:
                environment = process.environ()
                if environment.get(MARK) == study:
                    found.append(process)
                elif not environment and process.exe():  # so it reads while exec changes the program
                    unread.append(process)
            except (psutil.Error, OSError):
                continue  # gone meanwhile, or somebody else's
        if not unread:
            break
        processes = unread  # some stay so, such as those that write their title over it
        time.sleep(_EXEC_S)
    return found


def end_processes(study: str) -> int:
    """Kill the marked processes and wait until they are gone; return how many there were.

    Notes
    -----
    Lifelines end most of them on their own account; this is for what is frozen or was never asked.
    """
    count = 0
    deadline = time.monotonic() + _GONE_S
    while found := marked_processes(study):
        count += len(found)
        for process in found:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(found, timeout=1.0)
        if time.monotonic() > deadline:
            break
    return count


def cancel_jobs(jobs: Iterable[str]) -> bool:
    """Cancel Slurm jobs by id; tell whether Slurm was reached. Jobs that have ended are not an error."""
    listed = list(jobs)
    scancel = shutil.which("scancel")
    if not listed or not scancel:
        return True
    try:
        subprocess.run([scancel, *listed], check=False, capture_output=True, timeout=_SCANCEL_S)  # noqa: S603 - ids from Parsl
    except subprocess.TimeoutExpired:
        return False  # without their coordinator the workers of those jobs end by themselves
    return True
