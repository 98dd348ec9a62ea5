"""Attribution maps: forwards and seconds of Captum and of Xplique on one network with the same masks.

`python benchmarks/explain.py [--quick] [--json] [--xplique PYTHON]`

A small convolutional network, smooth random images, a grid of 6 x 6 masks that multiply the image, one
logit. Three maps: *occlusion* (Captum's FeatureAblation), exact with one forward a cell; *Shapley values*
(Captum's ShapleyValueSampling), judged by a long run of its own; *total Sobol' indices* (Xplique's
SobolAttributionMethod, by PYTHON of its own environment, see `peers_xplique.py`), judged by a long run of
Jansen's estimator over other points. Errors are root mean squares over cells and images: of indices as they
are, of Shapley values as shares of the largest. Seconds are those of one map, warm, the best of some.

`vs_captum` and `vs_xplique` are their seconds over those of `parsl_sa.explain` at equal map error; null where
one of the two is not installed, and as long as there is no `parsl_sa.explain`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.stats import qmc

from models import cnn

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

HERE = Path(__file__).parent
GRID, TARGET, BATCH = 6, 0, 256
D = GRID * GRID


@dataclass(frozen=True)
class Effort:
    """How much is run."""

    images: int = 4
    reference: int = 8192  # base points of the reference of indices
    shapley: int = 400  # permutations of that of Shapley values
    designs: tuple[int, ...] = (16, 32, 64, 128, 256)
    permutations: tuple[int, ...] = (4, 16, 64)
    repeats: int = 5


QUICK = Effort(images=1, reference=512, shapley=60, designs=(16, 64), permutations=(2, 8), repeats=2)


def evaluate(model: torch.nn.Module, image: npt.NDArray[np.float32], masks: Floats) -> Floats:
    """Return the logit of an image under masks of shape (n, D), each cell of a mask spread over its block."""
    block = cnn.SIDE // GRID
    found = []
    with torch.inference_mode():
        for part in np.array_split(masks.astype(np.float32), -(-len(masks) // BATCH)):
            spread = part.reshape(-1, 1, GRID, GRID).repeat(block, axis=2).repeat(block, axis=3)
            found.append(model(torch.from_numpy(spread * image))[:, TARGET].numpy())
    return np.concatenate(found).astype(np.float64)


def total_indices(model: torch.nn.Module, image: npt.NDArray[np.float32], n: int) -> Floats:
    """Return the total indices of uniform masks by Jansen's estimator over n scrambled Sobol' points."""
    A, B = np.split(qmc.Sobol(2 * D, rng=np.random.default_rng(1)).random(n), 2, axis=1)
    of_A, of_B = evaluate(model, image, A), evaluate(model, image, B)
    variance = np.concatenate([of_A, of_B]).var()
    moved = np.empty(D)
    for i in range(D):
        mixed = A.copy()
        mixed[:, i] = B[:, i]
        moved[i] = ((of_A - evaluate(model, image, mixed)) ** 2).mean() / 2
    return np.asarray(moved / variance)


def timed(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the least seconds of some calls, after one that warms, and what the last one returned."""
    call()
    least, found = np.inf, None
    for _ in range(repeats):
        began_at = time.perf_counter()
        found = call()
        least = min(least, time.perf_counter() - began_at)
    return float(least), found


def root_mean_square(errors: Any) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))


def captum(model: torch.nn.Module, images: npt.NDArray[np.float32], effort: Effort) -> dict[str, Any] | None:
    """Measure Captum's occlusion and Shapley sampling; None where it is not installed."""
    if not find_spec("captum"):
        return None
    from captum.attr import FeatureAblation, ShapleyValueSampling

    block = cnn.SIDE // GRID
    cells = torch.arange(D).reshape(1, 1, GRID, GRID)
    cells = cells.repeat_interleave(block, 2).repeat_interleave(block, 3)
    tensors = [torch.from_numpy(image[None]) for image in images]

    def attribute(method: Any, image: torch.Tensor, **options: Any) -> Floats:
        with torch.inference_mode():
            told = method(model).attribute(
                image, target=TARGET, feature_mask=cells, perturbations_per_eval=D, **options
            )
        return np.asarray(told[0, 0, ::block, ::block].numpy(), np.float64).ravel()

    seconds, occluded = timed(lambda: attribute(FeatureAblation, tensors[-1]), effort.repeats)
    masks = np.concatenate([np.ones((1, D)), 1.0 - np.eye(D)])
    logits = evaluate(model, images[-1], masks)
    occlusion = {
        "forwards": D + 1,
        "seconds": seconds,
        "error": root_mean_square(occluded - (logits[0] - logits[1:])),
    }
    long_run = [attribute(ShapleyValueSampling, each, n_samples=effort.shapley) for each in tensors]
    shapley = []
    for n in effort.permutations:
        seconds, _ = timed(
            lambda n=n: attribute(ShapleyValueSampling, tensors[0], n_samples=n), effort.repeats
        )
        errors = [
            (attribute(ShapleyValueSampling, each, n_samples=n) - exact) / np.abs(exact).max()
            for each, exact in zip(tensors, long_run, strict=True)
        ]
        shapley.append({"n": n, "forwards": n * D + 1, "seconds": seconds, "error": root_mean_square(errors)})
    return {"occlusion": occlusion, "shapley": shapley}


def xplique(
    model: torch.nn.Module, images: npt.NDArray[np.float32], effort: Effort, python: str | None
) -> dict[str, Any] | None:
    """Measure Xplique's total indices in its own environment; None where there is none."""
    if python is None:
        return None
    exact = np.stack([total_indices(model, image, effort.reference) for image in images])
    with tempfile.TemporaryDirectory(prefix="parsl-sa-bench-") as scratch:
        path = Path(scratch) / "network.npz"
        np.savez(path, images=images, target=TARGET, **weights_of(model))
        command = [python, str(HERE / "peers_xplique.py"), str(path), "--grid", str(GRID)]
        command += ["--repeats", str(effort.repeats), "--designs", *map(str, effort.designs)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    with torch.inference_mode():
        np.testing.assert_allclose(told["logits"], model(torch.from_numpy(images)).numpy(), atol=1e-5)
    sobol = [
        {key: each[key] for key in ("n", "forwards", "seconds")}
        | {"error": root_mean_square(np.reshape(each["maps"], (len(images), D)) - exact)}
        for each in told["designs"]
    ]
    return {"versions": told["versions"], "sobol": sobol}


def weights_of(model: torch.nn.Module) -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights by names that another framework can go by."""
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d)]
    named: dict[str, Any] = {f"conv{i}": layer for i, layer in enumerate(layers)}
    named["head"] = next(layer for layer in model.modules() if isinstance(layer, torch.nn.Linear))
    return {
        f"{name}.{part}": getattr(layer, part).detach().numpy()
        for name, layer in named.items()
        for part in ("weight", "bias")
    }


def measure(effort: Effort, python: str | None) -> dict[str, Any]:
    """Measure everyone who is installed."""
    model, images = cnn.load(), cnn.images(effort.images)
    return {
        "vs_captum": None,
        "vs_xplique": None,
        "captum": captum(model, images, effort),
        "xplique": xplique(model, images, effort, python),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one image and rough references")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--xplique", metavar="PYTHON", help="interpreter of an environment with Xplique")
    options = parser.parse_args()
    told = measure(QUICK if options.quick else Effort(), options.xplique)
    if options.json:
        print(json.dumps(told))
        return
    lines = []
    if told["captum"]:
        lines.append(("Captum, occlusion", told["captum"]["occlusion"]))
        lines += [("Captum, Shapley sampling", one) for one in told["captum"]["shapley"]]
    lines += [("Xplique, Sobol'", one) for one in (told["xplique"] or {"sobol": []})["sobol"]]
    print(f"{'map':28}{'forwards':>10}{'seconds':>10}{'error':>10}")
    for name, one in lines:
        print(f"{name:28}{one['forwards']:10,}{one['seconds']:10.3f}{one['error']:10.2g}")


if __name__ == "__main__":
    main()
