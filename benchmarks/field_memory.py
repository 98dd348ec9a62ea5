"""What a large field takes: the peak memory of every program of a study against what `check` announced.

`python benchmarks/field_memory.py [--quick] [--json] [--cells N] [--n N] [--ranks R]`

The model is cheap and its indices are known in every cell (`tests/support/analytic_field.py`), so almost all
memory is that of sums, contributions and statistics. Peaks are the kernel's own (VmHWM), read twenty times
a second while the study runs. `aggregated_error` is the largest error of an index of the whole field, in
half-widths of its interval.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support import analytic_field  # noqa: E402 - a folder of its own, found by the line above

D = 6
ROLES = {
    "client": "-m parsl_sa.client",
    "reducer": "-m parsl_sa.reducer",
    "results": "-m parsl_sa.launch.coordinate",
}
_LOOK_S = 0.05


class Watch:
    """The highest resident memory of the programs of one study directory, in bytes by role and process."""

    def __init__(self, directory: Path) -> None:
        self.peaks: dict[str, dict[int, int]] = {role: {} for role in ROLES}
        self._directory = str(directory)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def total_bytes(self, role: str) -> int:
        """Return the sum of the peaks of a role's processes."""
        return sum(self.peaks[role].values())

    def _run(self) -> None:
        while not self._over.wait(_LOOK_S):
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    self._look(process)

    def _look(self, process: Path) -> None:
        words = (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        interpreter = words.partition(" ")[0].rpartition("/")[2].startswith("python")
        for role, module in ROLES.items():
            if interpreter and f"{module} " in words and self._directory in words:
                high = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
                if high:
                    self.peaks[role][int(process.name)] = 1024 * int(high[1])


def measure(n_cells: int, n: int, ranks: int) -> dict[str, Any]:
    """Check and run the study of a field, and compare."""
    from parsl_sa.study import Study

    with tempfile.TemporaryDirectory(prefix="field-memory-") as scratch:
        directory = Path(scratch)
        model = str(TESTS / "support" / "analytic_field.py")
        path = directory / "spec.json"
        path.write_text(json.dumps(analytic_field.spec(model, n_cells, D, n)))
        study = Study.load(path)
        told = study.check(ranks=ranks)
        began = time.perf_counter()
        with Watch(directory / "study") as watch:
            results = study.launch(directory / "study", ranks=ranks)
        launch_s = time.perf_counter() - began
        field = results["field"]
        exact = analytic_field.aggregated(n_cells, D, np.ones(n_cells))
        errors = [
            float(np.max(np.abs(field[f"{name}_aggregated"] - value) / field[f"{name}_aggregated_conf"]))
            for name, value in exact.items()
        ]
    return {
        "cells": n_cells,
        "n": told["n"],
        "forwards": told["forwards"],
        "ranks": ranks,
        "leases": told["leases"],
        "launch_s": launch_s,
        **{f"{role}_peak_bytes": watch.total_bytes(role) for role in ROLES},
        **{f"{role}_announced_bytes": told[f"{role}_memory_bytes"] for role in ROLES},
        "aggregated_error": max(errors),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a field of 1e5 cells instead of 1e6")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--cells", type=int, help="cells of the field")
    parser.add_argument("--n", type=int, default=512, help="base points")
    parser.add_argument("--ranks", type=int, default=2, help="ranks of the client")
    options = parser.parse_args()
    cells = options.cells or (100_000 if options.quick else 1_000_000)
    told = measure(cells, options.n, options.ranks)
    if options.json:
        print(json.dumps(told))
        return
    print(f"{cells:,} cells, n = {told['n']}, {told['forwards']:,} forwards in {told['launch_s']:.0f} s")
    for role in ROLES:
        peak, announced = told[f"{role}_peak_bytes"], told[f"{role}_announced_bytes"]
        print(f"  {role:8} peak {peak / 1e9:6.2f} GB   announced {announced / 1e9:6.2f} GB")


if __name__ == "__main__":
    main()
