"""What runs inside a Parsl worker: start a program, hold its lifeline, report how it ended.

Only the standard library is imported: a worker loads this module for every app.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

BLOCK_END = "PARSL_SA_BLOCK_END"
"""Environment variable in which a block says when it will end, in s since 1970, if Slurm does not."""

_POLL_S = 0.1
_TAIL_BYTES = 4000

# What MPICH's mpiexec prints around the last words of a program: true of every crash, and about none.
_BANNER = re.compile(r"^(=+|=   .*|YOUR APPLICATION TERM.*|This typically refers .*|Please see the FAQ .*)$")
_ABORT = re.compile(r"^Abort\(\d+\) on node|^\[proxy:|^\[mpiexec@|: application called MPI_Abort\(")
_KILLED = re.compile(r"EXIT STRING: (.+ \(signal \d+\))")
# The same of srun, which names the signal of each task; tasks that it ended itself are told so too.
_STEP = re.compile(
    r"^srun: (error: \S+: tasks? \S+: |Job step aborted|Force Terminated|Terminating |got SIG|forcing job )"
    r"|^slurmstepd-\S+ error: \*\*\*"
)
_STEP_KILLED = re.compile(
    r"^srun: error: \S+: tasks? \S+: (Killed|Segmentation fault|Bus error|Out Of Memory)", re.MULTILINE
)


def run_program(
    argv: list[str],
    *,
    name: str,
    run_dir: str,
    log: str,
    environment: dict[str, str],
    scrub: tuple[str, ...] = (),
    margin_s: float | None = None,
) -> dict[str, Any]:
    """Run a program to its end, with a lifeline.

    Parameters
    ----------
    argv : list of str
        The program; the options that name the lifeline are appended.
    name : str
        Name of the client or reducer; files in `run_dir` are called after it.
    run_dir : str
        For the named pipe, and for ``<name>.kill``, whose appearance ends the program.
    log : str
        File that gets its output.
    environment : dict of str to str
        Variables to set.
    scrub : tuple of str
        Prefixes of variables to remove.
    margin_s : float or None
        With a value, the program is told to leave so long before the batch job ends.

    Returns
    -------
    dict
        ``code``, the exit status (negative for a signal); ``tail``, the last lines of the log; ``log``.
    """
    pipe = Path(run_dir) / f"{name}.pipe"
    kill = Path(run_dir) / f"{name}.kill"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, 0o600)
    lifeline = os.open(pipe, os.O_RDWR | os.O_CLOEXEC)
    command = [*argv, "--lifeline", str(pipe), "--wrapper-host", socket.gethostname()]
    ends_at = _job_end() if margin_s is not None else None
    if ends_at is not None and margin_s is not None:
        command += ["--leave-at", str(ends_at - margin_s)]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(scrub or ("\0",))}
    began_at = Path(log).stat().st_size if Path(log).exists() else 0
    try:
        with Path(log).open("ab") as stream:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**kept, **environment},
                start_new_session=True,
            )
        try:
            while process.poll() is None:
                if kill.exists():
                    _end_session(process.pid)
                time.sleep(_POLL_S)
        finally:
            _end_session(process.pid)  # ranks outlive an mpiexec that was killed
        return {"code": process.returncode, "tail": last_words(_tail(Path(log), began_at)), "log": log}
    finally:
        os.close(lifeline)
        pipe.unlink(missing_ok=True)
        kill.unlink(missing_ok=True)


def _end_session(session: int) -> None:
    """Kill what is left of a session: a frozen rank cannot see that its lifeline is cut."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                os.kill(int(directory.name), signal.SIGKILL)


def _job_end() -> float | None:
    """Wall-clock time at which the batch job ends, where the scheduler or the block's script tells."""
    told = os.environ.get("SLURM_JOB_END_TIME") or os.environ.get(BLOCK_END, "")
    return float(told) if told.isdigit() else None


def _tail(log: Path, began_at: int) -> str:
    with log.open("rb") as stream:
        stream.seek(max(began_at, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return stream.read().decode(errors="replace")


def last_words(tail: str) -> str:
    """Return the end of a log without what the launcher says of every crash.

    Examples
    --------
    >>> last_words("Abort(1) on node 0 (rank 0 in comm 0): application called MPI_Abort(MPI_COMM_WORLD, 1)")
    ''
    >>> last_words("YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)")
    'a rank was ended: Killed (signal 9)'
    """
    lines = [line for line in tail.splitlines() if line.strip()]
    noise = (_BANNER, _ABORT, _STEP)
    kept = [line for line in lines if not any(pattern.search(line) for pattern in noise)]
    killed = _KILLED.search(tail) or (None if "Exited with exit" in tail else _STEP_KILLED.search(tail))
    return "\n".join([*kept, f"a rank was ended: {killed[1]}"] if killed else kept)
