"""`parsl-sa launch` on a real Slurm: probe, reducer and clients in blocks, and the bits of a local run."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from support import processes
from support.requirements import require_module, require_program
from support.slurm_cluster import PARTITION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.slurm_cluster import SlurmCluster

# Half a minute each where nothing else runs.
pytestmark = [pytest.mark.slurm, pytest.mark.mpi, pytest.mark.slow, pytest.mark.timeout(200)]

REPOSITORY = Path(__file__).parents[2]
PRESET = REPOSITORY / "configs" / "clusters" / "slurm.json"
# A file says how long a row takes, in s, so that a run is slow until what is tested has happened.
MODEL = """
import pathlib, time, torch

PACE = pathlib.Path(__file__).with_name("pace")

class Ishigami(torch.nn.Module):
    def forward(self, x):
        time.sleep(len(x) * float(PACE.read_text()))
        return torch.sin(x[:, 0]) + 7 * torch.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * torch.sin(x[:, 0])

def load():
    return Ishigami()
"""
FAST_S, SLOW_S = 1e-4, 2e-3
OPTIONS: dict[str, Any] = {
    "partition": PARTITION,
    "walltime": "00:10:00",
    "max_blocks": 2,
    "cores_per_node": 2,
    "address": "127.0.0.1",
    "node_address": "127.0.0.1",
    "queue_poll_s": 1,
}


@dataclass
class Desk:
    """A user's directory on the login node: model, specs, own presets, studies."""

    root: Path
    cluster: SlurmCluster
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def write_spec(self, name: str, *, options: dict[str, Any] | None = None, ranks: int = 2) -> Path:
        span = {"distribution": "uniform", "low": -np.pi, "high": np.pi}
        spec = {
            "spec_version": 1,
            "name": "slow-ishigami",
            "model": {"loader": "python", "path": "model.py:load"},
            "inputs": {"parameters": [{"name": f"x{i}", **span} for i in (1, 2, 3)]},
            "design": {"method": "pick-freeze", "n": 4096, "replicates": 16, "both_ways": True},
            "outputs": [{"name": "y"}],
            "farm": {"site": "slurm", "clients": {"ranks": ranks}, "options": OPTIONS | (options or {})},
        }
        path = self.root / f"{name}.json"
        path.write_text(json.dumps(spec))
        return path

    def write_preset(self, name: str, **changes: Any) -> None:
        preset = json.loads(PRESET.read_text()) | {"name": name} | changes
        (self.root / "sites" / f"{name}.json").write_text(json.dumps(preset))

    def pace(self, row_s: float) -> None:
        (self.root / "pace.new").write_text(str(row_s))
        (self.root / "pace.new").rename(self.root / "pace")

    def start(self, spec: Path, directory: str, *more: str, row_s: float = FAST_S) -> subprocess.Popen[str]:
        self.pace(row_s)
        command = [sys.executable, "-m", "parsl_sa.cli.main", "launch", str(spec), "--plain"]
        own = {"PARSL_SA_SITES": str(self.root / "sites"), "PYTHONPATH": str(REPOSITORY)}
        launched = subprocess.Popen(
            [*command, "--dir", str(self.root / directory), *more],
            env=self.cluster.env | own,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append(launched)
        return launched

    def end_all(self) -> None:
        """End what a failed test has left running; a launch that is stopped ends its jobs."""
        for launched in self.running:
            if launched.poll() is None:
                launched.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    launched.communicate(timeout=60)
                launched.kill()
                launched.wait()
        self.running.clear()

    def events(self, directory: str) -> list[dict[str, Any]]:
        with contextlib.suppress(FileNotFoundError):
            lines = (self.root / directory / "events.jsonl").read_text().splitlines()
            return [json.loads(line) for line in lines if line.endswith("}")]
        return []

    def jobs(self, directory: str) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return list(json.loads((self.root / directory / "jobs.json").read_text())["jobs"])
        return []

    def count(self, directory: str, event: str) -> int:
        return sum(record["event"] == event for record in self.events(directory))

    def bits(self, directory: str) -> dict[str, bytes]:
        import xarray

        data = xarray.open_zarr(self.root / directory / "results.zarr", group="y", consolidated=False)
        return {str(name): np.asarray(array).tobytes() for name, array in data.data_vars.items()}


@pytest.fixture(scope="module")
def desk(slurm_cluster: SlurmCluster, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    require_module("mpi4py")
    require_program("mpiexec")
    root = tmp_path_factory.mktemp("login-node")
    (root / "model.py").write_text(MODEL)
    (root / "sites").mkdir()
    made = Desk(root, slurm_cluster)
    quick = {"heartbeat_period_s": 2, "heartbeat_threshold_s": 6, "poll_s": 1.0}
    made.write_preset("quick", **quick)
    made.write_preset("short", **quick, walltime_margin_s=35.0)
    return made


@pytest.fixture(scope="module")
def undisturbed(desk: Desk) -> str:
    """The directory of a study that the shipped preset ran from its probe in a block to its end."""
    code, text = finish(desk.start(desk.write_spec("plain"), "undisturbed"))
    assert code == 0, text
    return "undisturbed"


@pytest.fixture(scope="module")
def daemons(slurm_cluster: SlurmCluster) -> set[int]:
    """The processes of the cluster while it has nothing to do."""
    return set(slurm_cluster.processes())


@pytest.fixture(autouse=True)
def nothing_stays_on_the_cluster(
    slurm_cluster: SlurmCluster, daemons: set[int], desk: Desk
) -> Iterator[None]:
    yield
    desk.end_all()
    assert reached(lambda: slurm_cluster.squeue() == {}, 15), slurm_cluster.squeue()

    def left() -> list[str]:
        return [processes.describe(pid) for pid in set(slurm_cluster.processes()) - daemons]

    assert reached(lambda: left() == [], 15), left()


def test_a_launch_in_blocks_gives_the_bits_of_a_local_one(desk: Desk, undisturbed: str) -> None:
    tried = (desk.root / undisturbed / "logs" / "probe.log").read_text()
    assert "parsl_sa.client.probe" in tried, "the model was not tried in a block"
    assert len(desk.jobs(undisturbed)) >= 2
    plan = desk.root / undisturbed / "plan.json"
    spec = desk.root / "here.json"
    plain = json.loads((desk.root / "plain.json").read_text())
    spec.write_text(json.dumps(plain | {"farm": {"site": "local", "clients": {"ranks": 2}}}))
    code, text = finish(desk.start(spec, "local", "--plan", str(plan)))
    assert code == 0, text
    assert desk.bits("local") == desk.bits(undisturbed)


def test_ranks_as_a_slurm_step_and_a_cancelled_job_do_not_change_bits(desk: Desk, undisturbed: str) -> None:
    spec = desk.write_spec("step", options={"launch": {"kind": "srun"}})
    plan = desk.root / undisturbed / "plan.json"
    running = desk.start(spec, "step", "--site", "quick", "--plan", str(plan), row_s=SLOW_S)
    assert reached(lambda: desk.count("step", "client-up") >= 1, 60), finish(running)
    assert reached(lambda: len(desk.jobs("step")) == 3, 20), finish(running)
    desk.cluster.run("scancel", running_jobs(desk.cluster, "clients")[0])
    assert reached(lambda: desk.count("step", "client-died") >= 1, 60), finish(running)
    assert reached(lambda: len(desk.jobs("step")) == 4, 20), "no new block was asked for"
    desk.pace(FAST_S)
    code, text = finish(running)
    assert code == 0, text
    assert "srun --overlap --mpi=pmi2" in (desk.root / "step" / "logs" / "client-1-1.log").read_text()
    assert desk.bits("step") == desk.bits(undisturbed)


def test_clients_leave_before_their_walltime_and_go_on_in_a_new_block(desk: Desk, undisturbed: str) -> None:
    options = {"walltime": "00:01:00", "reducer_walltime": "00:05:00", "max_blocks": 1}
    spec = desk.write_spec("short", options=options, ranks=1)
    plan = desk.root / undisturbed / "plan.json"
    running = desk.start(spec, "short", "--site", "short", "--plan", str(plan), row_s=SLOW_S)
    assert reached(lambda: desk.count("short", "client-leaves") == 1, 90), finish(running)
    desk.pace(FAST_S)
    code, text = finish(running)
    assert code == 0, text
    [left, *_] = [event for event in desk.events("short") if event["event"] == "client-leaves"]
    assert left["reason"] == "walltime nears"
    assert desk.count("short", "client-died") == 0
    assert len(desk.jobs("short")) >= 3, "the reducer's block and two of clients"
    assert desk.bits("short") == desk.bits(undisturbed)


def test_a_fault_found_in_a_block_reads_as_one_found_here(desk: Desk) -> None:
    path = desk.write_spec("faulty")
    plain = json.loads(path.read_text())
    plain["outputs"] = [{"name": "y", "select": "[0]"}]
    path.write_text(json.dumps(plain))
    running = desk.start(path, "faulty", "--site", "quick")
    plain["farm"] = {"site": "local"}
    (desk.root / "faulty-here.json").write_text(json.dumps(plain))
    here = finish(desk.start(desk.root / "faulty-here.json", "faulty-here"))
    in_block = finish(running)
    assert (in_block[0], here[0]) == (2, 2), (in_block, here)
    assert report(here[1]).startswith("1 fault; nothing was started\n  outputs[0].select: ")
    assert report(in_block[1]) == report(here[1])
    assert not (desk.root / "faulty-here").exists()


def test_a_ctrl_c_in_the_queue_takes_the_jobs_back(desk: Desk) -> None:
    spec = desk.write_spec("queued", options={"scheduler_options": "--begin=now+1hour"})
    running = desk.start(spec, "queued", "--site", "quick")
    assert reached(lambda: len(desk.jobs("queued")) == 2, 30), finish(running)
    assert set(desk.cluster.squeue().values()) == {"PENDING"}
    running.send_signal(signal.SIGINT)
    code, text = finish(running)
    assert code == 130, text
    assert "parsl-sa resume" in text


def test_a_block_that_slurm_refuses_ends_the_launch_with_what_slurm_said(desk: Desk) -> None:
    spec = desk.write_spec("refused", options={"partition": "nosuch"})
    code, text = finish(desk.start(spec, "refused", "--site", "quick"))
    assert code == 4, text
    assert "Invalid partition name specified" in text


def finish(running: subprocess.Popen[str], timeout_s: float = 150.0) -> tuple[int, str]:
    """Wait for a launch to end; one that does not is stopped and its output shown."""
    try:
        text, _ = running.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGTERM)
        text, _ = running.communicate(timeout=60)
        return -1, f"did not end\n{text}"
    return running.returncode, text


def report(text: str) -> str:
    """Return what a command says from its count of faults on."""
    return text[text.index("1 fault") :] if "1 fault" in text else text


def reached(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.1)
    return True


def running_jobs(cluster: SlurmCluster, executor: str) -> list[str]:
    """List the running jobs of an executor by id."""
    lines = cluster.run("squeue", "--noheader", "--sort=i", "--format=%A %T %j").splitlines()
    jobs = [line.split() for line in lines]
    return [job for job, state, name in jobs if state == "RUNNING" and f".{executor}." in name]
