"""The farm: Parsl, started for one run, and the apps that run clients and reducers in it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
import threading
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import parsl
from parsl.app.python import PythonApp
from parsl.executors.high_throughput.errors import ManagerLost

from parsl_sa.errors import StudyError
from parsl_sa.execution import internals
from parsl_sa.execution.mpi import foreign_prefixes, launch_prefix
from parsl_sa.execution.parsl_config import CLIENTS, REDUCER, parsl_config
from parsl_sa.execution.wrapper import run_program
from parsl_sa.protocol.roster import Ending

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from parsl_sa.execution.site import Site
    from parsl_sa.studydir import StudyDir

_LOST = 255
_PING_S = 20.0
_CLEANUP_S = 20.0
_LOST_CLEANUP_S = 1.0
_WAITING_S = 1.0


@dataclass(frozen=True)
class Crew:
    """What every program of a run is told.

    Parameters
    ----------
    epoch : int
        Life of the coordinator.
    coordinator : str
        Its address.
    ranks : int
        Ranks of a client.
    threads : int
        Threads of a rank.
    """

    epoch: int
    coordinator: str
    ranks: int
    threads: int


class Farm:
    """Parsl with its two executors, for one run.

    Parameters
    ----------
    site : Site
        Where it runs.
    study : StudyDir
        The study.
    crew : Crew
        What the programs are told.
    slots : int
        Clients at a time.
    """

    def __init__(self, site: Site, study: StudyDir, crew: Crew, slots: int) -> None:
        self._site = site
        self._study = study
        self._crew = crew
        self._ended: Callable[[str, Ending], None] | None = None
        self._running: set[Future[Any]] = set()
        self._blocks_at_start: dict[str, frozenset[str]] = {}
        self._run_dir = study.run(crew.epoch)
        self._run_dir.mkdir(parents=True, exist_ok=True)
        bin_dir = str(Path(sys.prefix) / "bin")
        os.environ["PATH"] = (
            bin_dir + os.pathsep + os.environ.get("PATH", "")
        )  # Parsl calls its scripts by name
        config = parsl_config(site, slots, self._run_dir / "parsl")
        before = signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # a Ctrl-C is ours to handle, not the interchange's
        try:
            self._kernel = parsl.load(config)
        finally:
            signal.signal(signal.SIGINT, before)
        self._executors = {executor.label: executor for executor in config.executors}

    def listen(self, ended: Callable[[str, Ending], None]) -> None:
        """Name the function that is told of every program's end, from one of Parsl's threads."""
        self._ended = ended

    def probe(self, waiting: Callable[[], None]) -> None:
        """Probe the model in a block of the clients, and wait for it.

        Parameters
        ----------
        waiting : callable
            Called about once a second meanwhile: the block may be queued for long.

        Raises
        ------
        StudyError
            If the probe died. What it found wrong it has written to `faults.json`.
        """
        crew, root = self._crew, self._study.root
        program = [sys.executable, "-m", "parsl_sa.client.probe", str(self._study.spec), str(root)]
        argv = [*program, "--ranks", str(crew.ranks), "--threads", str(crew.threads)]
        future = self._submit(CLIENTS, "probe", argv, None)
        while not wait([future], timeout=_WAITING_S).done:
            waiting()
        ending = _ending(future, str(self._study.logs / "probe.log"))
        if ending.code not in {0, 2}:
            raise StudyError(f"the probe of the model died: {ending.error} (log: {ending.log})")

    def start_client(self, name: str) -> None:
        """Submit a client app."""
        prefix = launch_prefix(self._site.launch, self._crew.ranks, self._crew.threads)
        program = [sys.executable, "-m", "parsl_sa.client", str(self._study.root), "--name", name]
        argv = [*prefix, *program, *self._common(), "--ranks", str(self._crew.ranks)]
        self._submit(CLIENTS, name, argv, self._site.walltime_margin_s)

    def start_shard(self, name: str, shard: int) -> None:
        """Submit a reducer app."""
        program = [sys.executable, "-m", "parsl_sa.reducer", str(self._study.root), "--name", name]
        argv = [*program, *self._common(), "--shard", str(shard), "--address", self._site.node_address]
        self._submit(REDUCER, name, argv, None)

    def kill(self, name: str) -> None:
        """End a program through its wrapper, which polls for this file."""
        with contextlib.suppress(OSError):
            (self._run_dir / f"{name}.kill").touch()

    def started(self) -> list[str]:
        """Name the programs that run now: a wrapper makes its pipe when a block takes the program."""
        names = [path.stem for path in self._run_dir.glob("*.pipe")]
        for name in names:
            executor = self._executors[REDUCER if name.startswith("shard-") else CLIENTS]
            self._blocks_at_start.setdefault(name, internals.blocks(executor))
        return names

    def is_alive(self) -> bool:
        """Tell whether every interchange has a process; a frozen one has."""
        return all(internals.interchange_is_alive(executor) for executor in self._executors.values())

    def answers(self) -> bool:
        """Tell whether every interchange answers; takes its time where one does not."""
        return all(internals.interchange_answers(executor, _PING_S) for executor in self._executors.values())

    def blocks(self) -> dict[str, dict[str, int]]:
        """Count the blocks of each executor by state."""
        return {label: internals.block_states(executor) for label, executor in self._executors.items()}

    def job_ids(self) -> list[str]:
        """Return the ids of all batch jobs asked for; process ids of a local site are not jobs."""
        if self._site.provider == "local":
            return []
        return [job for executor in self._executors.values() for job in internals.job_ids(executor)]

    def drain(self, timeout_s: float) -> bool:
        """Wait for the programs to end by themselves; tell whether they did."""
        return not wait(set(self._running), timeout_s).not_done

    def close(self, keep_files: bool = False) -> bool:
        """Shut Parsl down; tell whether it did. Its files go too, unless somebody may want to read them."""
        clean = internals.clean_up(self._kernel, _CLEANUP_S if self.is_alive() else _LOST_CLEANUP_S)
        parsl.clear()
        if clean and not keep_files:
            shutil.rmtree(self._run_dir, ignore_errors=True)
        return clean

    def _common(self) -> list[str]:
        return ["--epoch", str(self._crew.epoch), "--coordinator", self._crew.coordinator]

    def _submit(self, label: str, name: str, argv: list[str], margin_s: float | None) -> Future[Any]:
        log = self._study.logs / f"{name}.log"
        with log.open("a") as stream:
            stream.write(f"$ {shlex.join(argv)}\n")
        app = PythonApp(run_program, data_flow_kernel=self._kernel, executors=[label])
        kind = self._site.launch.kind
        future: Future[Any] = app(
            argv,
            name=name,
            run_dir=str(self._run_dir),
            log=str(log),
            environment=_thread_variables(self._crew.threads if label == CLIENTS else self._site.cores()),
            scrub=foreign_prefixes(kind) if label == CLIENTS else (),
            margin_s=margin_s,
        )
        future.add_done_callback(lambda done: self._end_lost_pool(label, name, done))
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        ended = self._ended
        if ended is not None:
            future.add_done_callback(lambda done: ended(name, _ending(done, str(log))))
        return future

    def _end_lost_pool(self, label: str, name: str, done: Future[Any]) -> None:
        """Make room for the next pool where a lost one may be frozen: it would hold its block for ever.

        Of many blocks nobody knows which one it was; there the others go on, and walltime ends it. A
        block that was asked for after the program had started is its successor's, and may have queued long.
        """
        single = label == REDUCER or self._site.provider == "local"
        if single and isinstance(done.exception(), ManagerLost):
            executor = self._executors[label]  # a batch system may take its time to answer
            arguments = (executor, self._blocks_at_start.get(name, frozenset()))
            threading.Thread(target=internals.end_blocks, args=arguments, daemon=True).start()


def _thread_variables(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return dict.fromkeys(names, str(threads))


def _ending(done: Future[Any], log: str) -> Ending:
    error = done.exception()
    if error is not None:
        return Ending(_LOST, f"{type(error).__name__}: {error}", log)
    told = done.result()
    return Ending(int(told["code"]), str(told["tail"]), str(told["log"]))
