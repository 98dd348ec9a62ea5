"""The benchmark of folding runs, and its figures are in proportion."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REDUCER = Path(__file__).parents[2] / "benchmarks" / "reducer.py"


def test_a_quick_run_of_few_cells_has_every_section() -> None:
    command = [sys.executable, str(REDUCER), "--quick", "--json", "--cells", "20000"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert [line["estimator"] for line in told["table"]] == ["jansen-paired", "azzini-rosati", "martinez"]
    assert all(line["cell_bundles_per_s"] > 1e6 and line["of_read_rate"] > 0.0 for line in told["table"])
    assert told["vs_numpy"] > 1.0
    assert told["vs_iterative_stats"] is None or told["vs_iterative_stats"] > 1.0
    assert told["scalar"]["moments_rows_per_s"] > 1e7
    assert 0.5 < told["memory"]["ratio"] < 20.0  # at so few cells the interpreter's own memory shows
    assert told["start"]["warm_s"] < told["start"]["cold_s"]
