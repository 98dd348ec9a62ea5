"""A real Slurm of several nodes on this machine: munged, slurmctld, and one slurmd a node.

Everything lies in one temporary directory, listens on free loopback ports, and is found through
``SLURM_CONF`` alone, so that two clusters, or an installed one, do not see each other. Debian's
packages slurm-wlm and munge suffice; tried as root.

What differs from a cluster, or bites:

* All nodes are one host: ``hostname`` is the same everywhere, ``$SLURMD_NODENAME`` tells nodes apart.
* munged wants its key 0600, and its socket in a directory that others may enter (0711).
* ``srun`` without ``--mpi=pmi2`` starts n worlds of one rank; Debian's Slurm lacks the library of pmix
  (slurmd logs an error of it at start, harmless).
* A ``srun`` inside a running step waits for ever without ``--overlap``.
* Jobs are requeued by default: after a node died its processes run on, and the same job id starts
  again on another node. Submit with ``--no-requeue``.
* There is no accounting, so no ``sacct``: an ended job leaves ``squeue``, and only ``scontrol show job``
  tells failed from cancelled, for five minutes.
* MPICH under pmi2 names its shared memory after job and step, and a killed rank leaves it in /dev/shm:
  a world of the same numbers then fails in MPI_Init. Job ids begin at random here, as on a cluster
  they never come again.
* slurmstepd leaves its slurmd for init: killing a node does not kill what runs on it. `stop` finds
  such processes by the ``SLURM_CONF`` in their environment.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Self

from support import processes

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "squeue", "srun", "sbatch", "scancel", "scontrol")
PARTITION = "test"

_TEMPLATE = Path(__file__).parents[1] / "slurm" / "slurm.conf"
_STOP_S = 5.0
_LOG_LINES = 12
_JOB_IDS = 60_000_000


class SlurmError(Exception):
    """The cluster did not reach a state in time; the message ends with what its daemons logged."""


@dataclass
class SlurmCluster:
    """A cluster that exists between `start` and `stop`, or within a ``with`` block; can be started again.

    Parameters
    ----------
    n_nodes : int
        Number of nodes; their names are n1, n2, ...
    cpus, memory_mb : int
        What each node claims to have, whatever this machine has.
    node_timeout_s : int
        How long after its last sign of life a node counts as down.
    """

    n_nodes: int = 4
    cpus: int = 4
    memory_mb: int = 4000
    node_timeout_s: int = 10
    directory: Path = field(init=False, default=Path())
    _daemons: dict[str, subprocess.Popen[bytes]] = field(init=False, default_factory=dict, repr=False)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the nodes."""
        return tuple(f"n{index}" for index in range(1, self.n_nodes + 1))

    @property
    def configuration(self) -> Path:
        """The slurm.conf of the cluster; the value of ``SLURM_CONF``."""
        return self.directory / "slurm.conf"

    @property
    def env(self) -> dict[str, str]:
        """Environment in which Slurm's commands, and programs that call them, use this cluster."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "PMI"))}
        kept["PATH"] = f"{kept.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
        return kept | {"SLURM_CONF": str(self.configuration)}

    def start(self, timeout_s: float = 30.0) -> Self:
        """Start all daemons and wait until every node is idle.

        Raises
        ------
        SlurmError
            If a daemon ends or a node is not idle in time. Everything is stopped again.
        """
        if self._daemons:
            raise SlurmError("the cluster runs already")
        # A short path: the munge socket's may have 107 bytes at most.
        self.directory = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.directory.chmod(0o711)
        try:
            self._configure()
            munge_socket = self._start_munged()
            self._wait(munge_socket.is_socket, "munged listening", timeout_s)
            self._start_daemon("slurmctld", "slurmctld", "-D", "-c")
            for node in self.nodes:
                self.start_node(node)
            self._wait(lambda: set(self.sinfo().values()) == {"idle"}, "all nodes idle", timeout_s)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the daemons and whatever jobs left running, and remove the directory; may be called twice."""
        for name in reversed(list(self._daemons)):
            self._end_daemon(name)
        deadline_s = time.monotonic() + _STOP_S
        while self.processes() and time.monotonic() < deadline_s:
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, *command: str, timeout_s: float = 30.0) -> str:
        """Run a command against the cluster and return what it printed.

        Raises
        ------
        SlurmError
            If it fails or takes longer than `timeout_s`.
        """
        try:
            done = subprocess.run(
                command, env=self.env, capture_output=True, text=True, timeout=timeout_s, check=True
            )
        except subprocess.CalledProcessError as error:
            raise SlurmError(f"{' '.join(command)} ended with {error.returncode}: {error.stderr}") from error
        except subprocess.TimeoutExpired as error:
            raise SlurmError(
                self._with_logs(f"{' '.join(command)} still runs after {timeout_s} s")
            ) from error
        return done.stdout

    def sinfo(self) -> dict[str, str]:
        """Return the state of each node (``idle``, ``allocated``, ``down``, ...); empty while unreachable."""
        try:
            lines = self.run("sinfo", "--noheader", "--Node", "--format=%N %T", timeout_s=10).splitlines()
        except SlurmError:
            return {}
        return {name: state.rstrip("*~#!%$@^-") for name, state in map(str.split, lines)}

    def squeue(self) -> dict[str, str]:
        """Return the state of each job that has not ended (``PENDING``, ``RUNNING``, ...) by its id."""
        lines = self.run("squeue", "--noheader", "--format=%A %T").splitlines()
        return dict(line.split() for line in lines)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node, also after `kill_node`."""
        self._start_daemon(node, "slurmd", "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """Let the daemon of a node vanish; what runs on the node runs on, as on a host cut off."""
        daemon = self._daemons.pop(node)
        daemon.kill()
        daemon.wait()

    def processes(self) -> list[int]:
        """List the processes of the cluster and its jobs: all started with its ``SLURM_CONF``."""
        return [
            pid
            for pid in processes.pids_with_environment("SLURM_CONF", str(self.configuration))
            if processes.is_running(pid)
        ]

    def _configure(self) -> None:
        controller, *ports = free_ports(1 + self.n_nodes)
        nodes = "\n".join(
            f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port}"
            f" CPUs={self.cpus} RealMemory={self.memory_mb}"
            for name, port in zip(self.nodes, ports, strict=True)
        )
        text = Template(_TEMPLATE.read_text()).substitute(
            directory=self.directory,
            user=getpass.getuser(),
            controller_port=controller,
            node_timeout_s=self.node_timeout_s,
            first_job=1 + secrets.randbelow(_JOB_IDS),
            nodes=nodes,
            partition=PARTITION,
        )
        self.configuration.write_text(text)
        (self.directory / "state").mkdir()

    def _start_munged(self) -> Path:
        key = self.directory / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        files = {"key-file": key, "socket": self.directory / "munge.socket"}
        files |= {f"{kind}-file": self.directory / f"munged.{kind}" for kind in ("pid", "log", "seed")}
        self._start_daemon(
            "munged", "munged", "--foreground", *(f"--{option}={path}" for option, path in files.items())
        )
        return files["socket"]

    def _start_daemon(self, name: str, *command: str) -> None:
        """Start a daemon in the foreground of its own session, so that Ctrl-C does not reach it."""
        with (self.directory / f"{name}.out").open("ab") as output:
            self._daemons[name] = subprocess.Popen(
                command,
                env=self.env,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _end_daemon(self, name: str) -> None:
        daemon = self._daemons.pop(name)
        daemon.terminate()
        try:
            daemon.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def _wait(self, reached: Callable[[], bool], what: str, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not reached():
            ended = [name for name, daemon in self._daemons.items() if daemon.poll() is not None]
            if ended:
                raise SlurmError(self._with_logs(f"{', '.join(ended)} ended before: {what}"))
            if time.monotonic() > deadline_s:
                raise SlurmError(self._with_logs(f"not after {timeout_s} s: {what}; nodes: {self.sinfo()}"))
            time.sleep(0.1)

    def _with_logs(self, message: str) -> str:
        """Append the last lines that each daemon printed."""
        for path in sorted(self.directory.glob("*.out")):
            lines = path.read_text(errors="replace").splitlines()[-_LOG_LINES:]
            message += "\n".join([f"\n--- {path.name}", *lines])
        return message


def free_ports(n_ports: int) -> list[int]:
    """Return TCP ports that are free on loopback at this moment, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n_ports)]
        return [server.getsockname()[1] for server in sockets]
