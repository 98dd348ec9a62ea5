"""Attribution maps by Captum: feature ablation, which is occlusion of cells, and sampled Shapley values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from masked import occlusion, root_mean_square
from timing import least_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from masked import Task

    Floats = npt.NDArray[np.float64]


def attribute(method: Any, task: Task, image: npt.NDArray[np.float32], **options: Any) -> Floats:
    """Return the map of a class of Captum, shape (d,); the baseline is zero, which is its default."""
    cells = torch.arange(task.d).reshape(1, 1, task.grid, task.grid)
    cells = cells.repeat_interleave(task.block, 2).repeat_interleave(task.block, 3)
    with torch.inference_mode():
        told = method(task.model).attribute(
            torch.from_numpy(image[None]),
            target=task.target,
            feature_mask=cells,
            perturbations_per_eval=task.d,
            **options,
        )
    return np.asarray(told[0, 0, :: task.block, :: task.block].numpy(), np.float64).ravel()


def ablation(task: Task, repeats: int) -> dict[str, Any]:
    """Measure feature ablation, which is exact with one forward a cell and one more."""
    from captum.attr import FeatureAblation

    image = task.images[0]
    seconds, found = least_seconds(lambda: attribute(FeatureAblation, task, image), repeats)
    error = root_mean_square(found - occlusion(task, image))
    return {"forwards": task.d + 1, "seconds": seconds, "error": error}


def shapley(task: Task, permutations: Sequence[int], long_run: int, repeats: int) -> list[dict[str, Any]]:
    """Measure sampled Shapley values; errors are shares of the largest value of a long run."""
    from captum.attr import ShapleyValueSampling

    def values(image: npt.NDArray[np.float32], n: int) -> Floats:
        return attribute(ShapleyValueSampling, task, image, n_samples=n)

    converged = [values(image, long_run) for image in task.images]
    curve = []
    for n in permutations:
        seconds, _ = least_seconds(lambda n=n: values(task.images[0], n), repeats)
        errors = [
            (values(image, n) - exact) / np.abs(exact).max()
            for image, exact in zip(task.images, converged, strict=True)
        ]
        told = {"n": n, "forwards": n * task.d + 1, "seconds": seconds}
        curve.append({**told, "relative_error": root_mean_square(errors)})
    return curve
