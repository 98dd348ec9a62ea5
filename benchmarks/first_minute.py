"""The first minute: a small study inline, on the farm, and with SALib and a plain torch loop, in one run.

`python benchmarks/first_minute.py [--quick] [--json]`

Each way is a process of its own, timed from its start to its indices with intervals: imports,
compilation from the cache, forwards and analysis. Inline and SALib are scripts, the farm is the command
line, which also draws its picture. All evaluate the same small network at the same number of rows, d + 2 a
base point. `inline_vs_salib` and `farm_vs_salib` are SALib's seconds over ours.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
D = 6

INLINE = """
import sys
sys.path.insert(0, {models!r})
from mlp import load
from parsl_sa import Study

problem = {{"num_vars": {d}, "names": [f"x{{i}}" for i in range({d})], "bounds": [[-1, 1]] * {d}}}
study = Study.from_function(load(width=64, depth=2), problem, n={n}, design={{"both_ways": False}})
results = study.launch({directory!r}, progress=False)
print(results["y"]["ST"].values)
"""

SALIB = """
import sys
import numpy as np, torch
from SALib.analyze import sobol as analyze
from SALib.sample import sobol as sample
sys.path.insert(0, {models!r})
from mlp import load

problem = {{"num_vars": {d}, "names": [f"x{{i}}" for i in range({d})], "bounds": [[-1, 1]] * {d}}}
model = load(width=64, depth=2).eval()
rows = sample.sample(problem, {n}, calc_second_order=False, seed=0)
with torch.inference_mode():
    batches = np.array_split(rows, max(1, len(rows) // 1024))
    parts = [model(torch.tensor(batch, dtype=torch.float32)) for batch in batches]
outputs = torch.cat(parts).numpy().ravel().astype(float)
found = analyze.analyze(problem, outputs, calc_second_order=False, seed=0)
print(found["ST"])
"""


def make_spec(directory: Path, n: int) -> Path:
    """Write the spec of the study."""
    names = [f"x{i}" for i in range(D)]
    spec = {
        "spec_version": 1,
        "name": "first-minute",
        "model": {
            "loader": "python",
            "path": f"{HERE / 'models' / 'mlp.py'}:load",
            "options": {"width": 64, "depth": 2},
        },
        "inputs": {
            "parameters": [{"name": x, "distribution": "uniform", "low": -1.0, "high": 1.0} for x in names]
        },
        "design": {"method": "pick-freeze", "n": n},
        "outputs": [{"name": "y"}],
    }
    path = directory / "spec.json"
    path.write_text(json.dumps(spec))
    return path


def inline(models: str, n: int, directory: Path) -> str:
    """Return the script of the inline study."""
    return INLINE.format(models=models, d=D, n=n, directory=str(directory))


def timed(command: list[str]) -> float:
    """Run a command and return its seconds."""
    began_at = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began_at


def measure(n: int, repeats: int) -> dict[str, Any]:
    """Run the three ways in turn and keep the best time of each."""
    with tempfile.TemporaryDirectory(prefix="parsl-sa-bench-") as scratch:
        directory = Path(scratch)
        spec = make_spec(directory, n)
        models = str(HERE / "models")
        salib = SALIB.format(models=models, d=D, n=n)
        launch = [sys.executable, "-m", "parsl_sa.cli.main", "launch", str(spec), "--plain"]
        times: dict[str, list[float]] = {"inline": [], "farm": [], "salib": []}
        for repeat in range(repeats + 1):  # the first round warms the caches and is not counted
            told = {
                "inline": timed([sys.executable, "-c", inline(models, n, directory / f"inline-{repeat}")]),
                "farm": timed([*launch, "--site", "local", "--dir", str(directory / f"farm-{repeat}")]),
                "salib": timed([sys.executable, "-c", salib]),
            }
            for way, seconds in told.items():
                times[way] += [seconds] if repeat else []
    best = {way: min(seconds) for way, seconds in times.items()}
    return {
        "inline_vs_salib": best["salib"] / best["inline"],
        "farm_vs_salib": best["salib"] / best["farm"],
        **{f"{way}_s": seconds for way, seconds in best.items()},
        "forwards": n * (D + 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one counted round")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    told = measure(n=32768, repeats=1 if options.quick else 5)
    if options.json:
        print(json.dumps(told))
        return
    print(f"{told['forwards']:,} forwards of a small network, process start included")
    for way in ("inline", "farm", "salib"):
        print(f"  {way:8} {told[f'{way}_s']:6.1f} s")


if __name__ == "__main__":
    main()
