"""What folding costs: its rate over fields and scalars, its memory, and its first start.

`python benchmarks/reducer.py [--quick] [--json]`

`vs_iterative_stats` is our Martinez against that of iterative-stats (`pip install --no-deps iterative-stats`;
null without it), which takes a bundle at a time, logging off. `vs_numpy` is `jansen-paired` against the same
sums vectorised over the batch in NumPy, `of_read_rate` its share of the rate at which all cores merely add
up the batch's words. All three are at d = 6, float32, 1e6 cells and 32 bundles; the table varies one of
these at a time. Compare ratios within a run: on a busy machine seconds mean little, and where the fold had
fewer cores than there are (`cores`), NumPy, which takes one, looks better by as much.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import numba
import numpy as np
from fold_rates import Shape, measure

from parsl_sa.records import Layout
from parsl_sa.stats.moments import Moments

ESTIMATORS = ("jansen-paired", "azzini-rosati", "martinez")
HEADLINE = (6, 1_000_000, 32, "float32")
VARIED = (
    (3, 1_000_000, 32, "float32"),
    (23, 1_000_000, 8, "float32"),
    (23, 1_000_000, 32, "float32"),
    (6, 100_000, 32, "float32"),
    (6, 1 << 20, 32, "float32"),  # rows a power of two apart share sets of a cache
    (6, 10_000_000, 2, "float32"),
    (6, 10_000_000, 32, "float32"),
    (6, 1_000_000, 1, "float32"),
    (6, 1_000_000, 8, "float32"),
    (6, 100_000, 256, "float32"),
    (6, 1_000_000, 32, "float64"),
)

MEMORY = """
import json, re
from pathlib import Path
import numpy as np
from parsl_sa.records import Layout
from parsl_sa.stats import assemble, prewarm

def resident(kind):
    return 1024 * int(re.search(kind + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

layout, n_cells = Layout("pick-freeze", 6), {cells}
prewarm(assemble([{{"name": "sobol"}}], layout, 5000), "float32")
before = resident("VmRSS")
study = assemble([{{"name": "sobol"}}], layout, n_cells)
rows = np.ones((8, 8, n_cells), np.float32)
for _ in range(3):
    study.update(rows)
    study.close_replicate()
needed = study.memory_bytes() + rows.nbytes
print(json.dumps({{"peak_bytes": resident("VmHWM") - before, "state_and_batch_bytes": needed}}))
"""

START = """
import time
from parsl_sa.records import Layout
from parsl_sa.stats import assemble, prewarm
study = assemble(["moments", {"name": "sobol"}], Layout("pick-freeze", 6), 1_000_000)
began = time.perf_counter()
prewarm(study, "float32")
print(time.perf_counter() - began)
"""


def child(script: str, **environment: str) -> Any:
    """Run a script in a process of its own and return what it prints, a JSON value."""
    command = [sys.executable, "-c", script]
    told = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    return json.loads(told.stdout)


def scalar(n_rows: int) -> dict[str, float]:
    """Compare moments of one cell, folded lease by lease, with NumPy's sum of the same rows."""
    rows = np.random.default_rng(0).standard_normal((n_rows, 1, 1))
    moments = Moments(Layout("monte-carlo", 1), 1)

    def fold() -> None:
        for first in range(0, n_rows, 1 << 16):
            moments.update(rows[first : first + (1 << 16)])

    seconds: dict[str, list[float]] = {"moments": [], "numpy_sum": []}
    for _ in range(6):
        for name, run in (("moments", fold), ("numpy_sum", rows.sum)):
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {f"{name}_rows_per_s": n_rows / statistics.median(times[1:]) for name, times in seconds.items()}


def start() -> dict[str, float]:
    """Time the preparation of kernels with an empty cache on disk, and with a full one."""
    with tempfile.TemporaryDirectory(prefix="kernel-cache-") as cache:
        cold, warm = (child(START, NUMBA_CACHE_DIR=cache) for _ in range(2))
    return {"cold_s": cold, "warm_s": warm}


def run(*, quick: bool, cells: int | None) -> dict[str, Any]:
    """Measure everything."""
    d, n_cells, batch, dtype = HEADLINE
    headline = (d, cells or n_cells, batch, dtype)
    shapes = [Shape(estimator, *headline) for estimator in ESTIMATORS]
    if not quick:
        shapes += [Shape(estimator, *varied) for varied in VARIED for estimator in ESTIMATORS]
    table = [measure(shape, 5 if quick else 9) for shape in shapes]
    paired, _, martinez = table[:3]
    memory = child(MEMORY.format(cells=cells or (1_000_000 if quick else 4_000_000)))
    return {
        "vs_iterative_stats": martinez["vs_iterative_stats"],
        "vs_numpy": paired["vs_numpy"],
        "of_read_rate": paired["of_read_rate"],
        "threads": numba.get_num_threads(),
        "load": os.getloadavg()[0],
        "table": table,
        "scalar": scalar(10_000_000 if quick else 100_000_000),
        "memory": {**memory, "ratio": memory["peak_bytes"] / memory["state_and_batch_bytes"]},
        "start": start(),
    }


def show(told: dict[str, Any]) -> None:
    """Print a table in Markdown and the other figures below it."""
    print(
        "| estimator | d | cells | bundles | dtype | rate | cores | x NumPy | of read | x iterative-stats |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for line in told["table"]:
        d, cells, batch = line["d"], line["cells"], line["batch"]
        print(f"| {line['estimator']} | {d} | {cells:,} | {batch} | {line['dtype']} |", end=" ")
        if "skipped" in line:
            print(f"{line['skipped']} | | | | |")
            continue
        theirs = line["vs_iterative_stats"]
        print(f"{line['cell_bundles_per_s'] / 1e6:.0f} | {line['cores']:.1f} |", end=" ")
        print(f"{line['vs_numpy']:.1f} | {line['of_read_rate']:.2f} |", f"{theirs:.0f} |" if theirs else "|")
    print("rate: 1e6 cell-bundles/s")
    for name in ("scalar", "memory", "start"):
        print(f"{name}: " + ", ".join(f"{key} {value:.3g}" for key, value in told[name].items()))
    print(f"{told['threads']} threads, load {told['load']:.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the headline's shape alone, and fewer rows")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--cells", type=int, help="cells of the headline's shape")
    options = parser.parse_args()
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    told = run(quick=options.quick, cells=options.cells)
    if options.json:
        print(json.dumps(told))
    else:
        show(told)


if __name__ == "__main__":
    main()
