"""What the farm costs: the same forwards and the same fold in a plain loop and in a launch, in one run.

`python benchmarks/farm_overhead.py [--quick] [--json]`

The loop is one process with one torch thread a core, no Parsl, MPI or sockets; it takes the batch that
suits it best, of the plan's and two larger ones. It is run in two halves, before and after the launch, so
that a drift of the machine's speed touches both.
`efficiency` is the loop's seconds over the launch's without its start-up (up to the first client that has
loaded its model); the launch's seconds include shutting everything down and writing the results.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
QUICK_S, FULL_S = 20.0, 130.0


@dataclass
class Loop:
    """Seconds of a plain loop: its forwards, its fold, and all of it."""

    forward_s: float = 0.0
    fold_s: float = 0.0
    total_s: float = 0.0


def make_spec(directory: Path, n: int) -> Path:
    """Write the spec of the study that is timed."""
    spec = {
        "spec_version": 1,
        "name": "overhead",
        "model": {"loader": "python", "path": str(HERE / "models" / "mlp.py") + ":load"},
        "inputs": {
            "parameters": [
                {"name": f"x{i}", "distribution": "uniform", "low": -1.0, "high": 1.0} for i in range(6)
            ]
        },
        "design": {"method": "pick-freeze", "n": n, "replicates": 16, "both_ways": True, "seed": 0},
        "outputs": [{"name": "y"}],
        "farm": {"site": "local", "clients": {"ranks": os.cpu_count() or 1, "threads": 1}},
    }
    path = directory / "spec.json"
    path.write_text(json.dumps(spec))
    return path


class PlainLoop:
    """The study's forwards and fold in this process."""

    def __init__(self, spec: Path, directory: Path) -> None:
        import torch

        from parsl_sa.client.workload import Workload
        from parsl_sa.launch.planning import prepare
        from parsl_sa.spec import load_spec

        self.study = prepare(spec, directory)
        torch.set_num_threads(os.cpu_count() or 1)
        self.workload = Workload(load_spec(self.study.spec), self.study.read_plan(), self.study.read_pivots())
        self.batch = min(
            (self.workload.plan.batch, 1024, 4096), key=lambda batch: self.run(range(1), batch).total_s
        )

    def run(self, replicates: range, batch: int | None = None) -> Loop:
        """Evaluate and fold some replicates, and time it."""
        workload, loop = self.workload, Loop()
        size, n_rows = workload.plan.replicate_bundles, workload.plan.layout.n_rows
        chunk = min(size, 8192 // n_rows)
        began_at = time.perf_counter()
        for replicate in replicates:
            for start in range(replicate * size, (replicate + 1) * size, chunk):
                last = min(start + chunk, (replicate + 1) * size)
                inputs = workload.sampler.rows(start, last).reshape((last - start) * n_rows, -1)
                before = time.perf_counter()
                outputs = workload.evaluator.evaluate(inputs, batch or self.batch)
                between = time.perf_counter()
                workload.accumulator.update(outputs.reshape(last - start, n_rows, -1))
                loop.forward_s += between - before
                loop.fold_s += time.perf_counter() - between
            workload.accumulator.close_replicate()
        loop.total_s = time.perf_counter() - began_at
        return loop


def choose_n(directory: Path, seconds: float) -> int:
    """Return a power-of-two n whose loop lasts about so long or longer."""
    n = 16 * 256
    loop = PlainLoop(make_spec(directory, n), directory / "calibration").run(range(4))
    while n * loop.total_s / (4 * 256) < seconds:
        n *= 2
    return n


def run_launch(spec: Path, directory: Path, plan: Path) -> tuple[float, float]:
    """Launch the study; return its seconds and those of its start-up."""
    began_at = time.time()
    subprocess.run(
        [
            *(sys.executable, "-m", "parsl_sa.cli.main", "launch", str(spec)),
            *("--dir", str(directory), "--plan", str(plan), "--plain"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    total_s = time.time() - began_at
    events = [json.loads(line) for line in (directory / "events.jsonl").read_text().splitlines()]
    up = next(event["at"] for event in events if event["event"] == "client-up")
    return total_s, datetime.fromisoformat(up).timestamp() - began_at


def measure(seconds: float) -> dict[str, Any]:
    """Run loop, launch, loop on one plan."""
    with tempfile.TemporaryDirectory(prefix="parsl-sa-bench-") as scratch:
        directory = Path(scratch)
        n = choose_n(directory, seconds)
        spec = make_spec(directory, n)
        loop = PlainLoop(spec, directory / "loop")
        halves = [loop.run(range(8))]
        launch_s, startup_s = run_launch(spec, directory / "launch", loop.study.plan)
        halves.append(loop.run(range(8, 16)))
    loop_s = sum(half.total_s for half in halves)
    return {
        "efficiency": loop_s / (launch_s - startup_s),
        "loop_s": loop_s,
        "launch_s": launch_s,
        "startup_s": startup_s,
        "forward_s": sum(half.forward_s for half in halves),
        "fold_s": sum(half.fold_s for half in halves),
        "farm_s": launch_s - startup_s - loop_s,
        "halves_s": [half.total_s for half in halves],
        "n": n,
        "forwards": n * 14,
        "loop_batch": loop.batch,
        "launch_batch": loop.workload.plan.batch,
        "cores": os.cpu_count(),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a study of seconds instead of two minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    told = measure(QUICK_S if options.quick else FULL_S)
    if options.json:
        print(json.dumps(told))
        return
    print(f"{told['forwards']:,} forwards on {told['cores']} cores")
    parts = f"forwards {told['forward_s']:.1f}, fold {told['fold_s']:.1f}"
    print(f"  plain loop  {told['loop_s']:8.1f} s  ({parts})")
    print(f"  launch      {told['launch_s']:8.1f} s  (start-up {told['startup_s']:.1f})")
    print(f"  efficiency  {told['efficiency']:8.3f}   farm time {told['farm_s']:+.1f} s")


if __name__ == "__main__":
    main()
