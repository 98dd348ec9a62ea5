"""Attribution maps: forwards and seconds of parsl-sa, Captum and Xplique on one network with the same masks.

`python benchmarks/explain.py [--quick] [--json] [--xplique PYTHON] [--threads N]`

A small convolutional network, smooth random images, a grid of 6 x 6 cells whose masks multiply the image
(baseline zero), one logit. Seconds are those of one map, warm, the best of some, with N threads for everyone;
batches are each one's own: parsl-sa measures which pays, Captum takes all cells at once, Xplique 256.

*Occlusion*: `vs_captum` is the seconds of Captum's FeatureAblation over ours. Both are exact, so equal error
is none. `vs_captum_cold` is the same of processes from their start, with imports; `--quick` leaves it out.
*Total Sobol' indices*: `vs_xplique` is the seconds of Xplique's SobolAttributionMethod (by PYTHON of its own
environment, see `peers_xplique.py`) over ours at the smallest error that both reach, along lines between
measured points in logarithms. Errors are root mean squares over cells and images against a long run.
*Shapley values*: Captum's ShapleyValueSampling explains another quantity than indices do. `vs_captum_shapley`
is its seconds over those of our total indices where both have the same error as a share of the largest
value of their own map: what a map costs, not which one is right.

Ratios are null where the other is not installed. Ours has intervals and writes a study; theirs have none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import masked
import numpy as np
import peers_captum
import torch
from masked import Task, root_mean_square
from timing import common_error, least_seconds, seconds_at

import parsl_sa
from models import cnn

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Effort:
    """How much is run."""

    images: int = 2
    grid: int = 6
    reference: int = 2048  # base points of each of two long runs
    shapley: int = 400  # permutations of the long run
    ours: tuple[int, ...] = (256, 512)  # base points; fewer have no intervals
    designs: tuple[int, ...] = (16, 64, 256)
    permutations: tuple[int, ...] = (4, 16, 64)
    repeats: int = 3
    cold: int = 2  # processes


QUICK = Effort(1, 3, 128, 60, (256,), (16, 64), (2, 8), repeats=1, cold=0)

COLD = {
    "ours": """
import parsl_sa
parsl_sa.explain(model, image, 0, method="occlusion", grid=[{grid}, {grid}], baseline="zero",
                 quantity="logit", farm={{"clients": {{"threads": {threads}}}}})
""",
    "captum": """
from captum.attr import FeatureAblation
import peers_captum
peers_captum.attribute(FeatureAblation, Task(model, image[None], {grid}), image)
""",
}


def ours(task: Task, exact: masked.Floats, effort: Effort, threads: int) -> dict[str, Any]:
    """Measure `parsl_sa.explain`: occlusion, and total indices at some numbers of base points."""

    def explain(image: Any, method: str, n: int | None = None) -> Any:
        grid, farm = [task.grid] * 2, {"clients": {"threads": threads}}
        return parsl_sa.explain(
            task.model, image, task.target, method=method, grid=grid, baseline="zero", quantity="logit",
            n=n, farm=farm,
        )  # fmt: skip

    first = task.images[0]
    seconds, found = least_seconds(lambda: explain(first, "occlusion"), effort.repeats)
    error = root_mean_square(found.maps["effect"].values.ravel() - masked.occlusion(task, first))
    told: dict[str, Any] = {
        "occlusion": {"forwards": found.n_forwards, "seconds": seconds, "error": error},
        "sobol": [],
    }
    for n in effort.ours:
        seconds, found = least_seconds(lambda n=n: explain(first, "sobol", n), effort.repeats)
        maps = [found, *(explain(image, "sobol", n) for image in task.images[1:])]
        errors = np.stack([one.maps["ST"].values.ravel() for one in maps]) - exact
        told["sobol"].append({
            "n": n,
            "forwards": found.n_forwards,
            "seconds": seconds,
            "error": root_mean_square(errors),
            "relative_error": root_mean_square(errors / exact.max(axis=1, keepdims=True)),
        })  # fmt: skip
    return told


def xplique(
    task: Task, exact: masked.Floats, effort: Effort, threads: int, python: str | None
) -> dict[str, Any] | None:
    """Measure Xplique's total indices in its own environment; None where there is none."""
    if python is None:
        return None
    with tempfile.TemporaryDirectory(prefix="parsl-sa-bench-") as scratch:
        path = Path(scratch) / "network.npz"
        np.savez(path, images=task.images, target=task.target, **cnn.weights(task.model))
        command = [python, str(HERE / "peers_xplique.py"), str(path), "--grid", str(task.grid)]
        command += ["--threads", str(threads), "--repeats", str(effort.repeats)]
        command += ["--designs", *map(str, effort.designs)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    with torch.inference_mode():
        np.testing.assert_allclose(told["logits"], task.model(torch.from_numpy(task.images)), atol=1e-5)
    sobol = [
        {key: each[key] for key in ("n", "forwards", "seconds")}
        | {"error": root_mean_square(np.reshape(each["maps"], exact.shape) - exact)}
        for each in told["designs"]
    ]
    return {"versions": told["versions"], "sobol": sobol}


def cold_seconds(who: str, grid: int, threads: int, repeats: int) -> float | None:
    """Return the least seconds of a process that makes one map of occlusion; None where none is started."""
    if not repeats:
        return None
    start = f"import sys; sys.path.insert(0, {str(HERE)!r})\nimport torch\ntorch.set_num_threads({threads})\n"
    start += "from masked import Task\nfrom models import cnn\nmodel, image = cnn.load(), cnn.images(1)[0]\n"
    command = [sys.executable, "-c", start + COLD[who].format(grid=grid, threads=threads)]
    least_s = np.inf
    for _ in range(repeats):
        began_at = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        least_s = min(least_s, time.perf_counter() - began_at)
    return least_s


def measure(effort: Effort, threads: int, python: str | None) -> dict[str, Any]:
    """Measure everyone who is installed, and compare."""
    torch.set_num_threads(threads)
    task = Task(cnn.load(), cnn.images(effort.images), effort.grid)
    exact, reference_error = masked.reference(task, effort.reference)
    told: dict[str, Any] = dict.fromkeys(
        ("vs_captum", "vs_captum_cold", "vs_captum_shapley", "vs_xplique", "captum")
    )
    told |= {"threads": threads, "reference_error": reference_error}
    told["ours"] = own = ours(task, exact, effort, threads)
    own["cold_s"] = cold_seconds("ours", task.grid, threads, effort.cold)
    if find_spec("captum"):
        ablation = peers_captum.ablation(task, effort.repeats)
        curve = peers_captum.shapley(task, effort.permutations, effort.shapley, effort.repeats)
        cold_s = cold_seconds("captum", task.grid, threads, effort.cold)
        told["captum"] = {"occlusion": ablation, "shapley": curve, "cold_s": cold_s}
        told["vs_captum"] = ablation["seconds"] / own["occlusion"]["seconds"]
        told["vs_captum_cold"] = cold_s / own["cold_s"] if cold_s else None
        told["vs_captum_shapley"] = ratio(curve, own["sobol"], "relative_error")
    told["xplique"] = xplique(task, exact, effort, threads, python)
    if told["xplique"]:
        told["vs_xplique"] = ratio(told["xplique"]["sobol"], own["sobol"], "error")
    return told


def ratio(theirs: list[dict[str, Any]], ours: list[dict[str, Any]], key: str) -> float:
    """Return their seconds over ours at the smallest error that both reach."""
    error = common_error(theirs, ours, key=key)
    return seconds_at(theirs, error, key) / seconds_at(ours, error, key)


def show(told: dict[str, Any]) -> None:
    """Print a line a measurement, and the ratios."""
    captum = told["captum"] or {"shapley": []}
    lines = [("parsl-sa, occlusion", told["ours"]["occlusion"])]
    lines += [("Captum, FeatureAblation", captum["occlusion"])] if told["captum"] else []
    lines += [("parsl-sa, total indices", one) for one in told["ours"]["sobol"]]
    lines += [("Xplique, total indices", one) for one in (told["xplique"] or {"sobol": []})["sobol"]]
    lines += [("Captum, Shapley values", one) for one in captum["shapley"]]
    print(f"{'map':26}{'n':>6}{'forwards':>10}{'seconds':>10}{'error':>10}{'relative':>10}")
    for name, one in lines:
        error, relative = (
            f"{one[key]:10.2g}" if key in one else 10 * " " for key in ("error", "relative_error")
        )
        print(f"{name:26}{one.get('n', ''):>6}{one['forwards']:10,}{one['seconds']:10.3f}{error}{relative}")
    print(f"the reference has an error of {told['reference_error']:.1g}")
    for name, value in told.items():
        if name.startswith("vs_"):
            print(f"{name:20}" + ("not measured" if value is None else f"{value:.3g}"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one image, few cells and a rough reference")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--threads", type=int, default=2, help="threads of everyone")
    parser.add_argument("--xplique", metavar="PYTHON", help="interpreter of an environment with Xplique")
    options = parser.parse_args()
    told = measure(QUICK if options.quick else Effort(), options.threads, options.xplique)
    if options.json:
        print(json.dumps(told))
    else:
        show(told)


if __name__ == "__main__":
    main()
