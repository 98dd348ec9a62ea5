"""What is explained: the logit of a small network under masks of an image, and the maps to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import qmc

from models import cnn

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_BATCH = 256


@dataclass(frozen=True)
class Task:
    """A network, images, and a grid of cells that masks multiply.

    Parameters
    ----------
    model : torch.nn.Module
        Takes images of shape (n, channels, side, side).
    images : ndarray of float32, shape (n, channels, side, side)
        What is explained.
    grid : int
        Cells along each side.
    target : int
        The logit.
    """

    model: torch.nn.Module
    images: npt.NDArray[np.float32]
    grid: int
    target: int = 0

    @property
    def d(self) -> int:
        """Number of cells."""
        return self.grid * self.grid

    @property
    def block(self) -> int:
        """Pixels along the side of a cell."""
        return cnn.SIDE // self.grid

    def logits(self, image: npt.NDArray[np.float32], masks: Floats) -> Floats:
        """Return the logit of an image under masks of shape (n, d), each cell spread over its block."""
        found = []
        with torch.inference_mode():
            for part in np.array_split(masks.astype(np.float32), -(-len(masks) // _BATCH)):
                cells = part.reshape(-1, 1, self.grid, self.grid)
                spread = cells.repeat(self.block, axis=2).repeat(self.block, axis=3)
                found.append(self.model(torch.from_numpy(spread * image))[:, self.target].numpy())
        return np.concatenate(found).astype(np.float64)


def occlusion(task: Task, image: npt.NDArray[np.float32]) -> Floats:
    """Return what the logit loses when a cell becomes zero, exactly."""
    logits = task.logits(image, np.concatenate([np.ones((1, task.d)), 1.0 - np.eye(task.d)]))
    return np.asarray(logits[0] - logits[1:])


def total_indices(task: Task, image: npt.NDArray[np.float32], n: int, seed: int) -> Floats:
    """Return the total indices of uniform masks by Jansen's estimator over n scrambled Sobol' points."""
    d = task.d
    A, B = np.split(qmc.Sobol(2 * d, rng=np.random.default_rng(seed)).random(n), 2, axis=1)
    of_A, of_B = task.logits(image, A), task.logits(image, B)
    moved = np.empty(d)
    for i in range(d):
        mixed = A.copy()
        mixed[:, i] = B[:, i]
        moved[i] = ((of_A - task.logits(image, mixed)) ** 2).mean() / 2
    return np.asarray(moved / np.concatenate([of_A, of_B]).var())


def reference(task: Task, n: int) -> tuple[Floats, float]:
    """Return total indices of all images, shape (n_images, d), and the error that they still have.

    They are means of two scrambles which neither `parsl_sa` nor Xplique uses; the error is half of how far
    these are apart.
    """
    both = np.stack([[total_indices(task, image, n, seed) for image in task.images] for seed in (1, 2)])
    return both.mean(axis=0), root_mean_square(both[0] - both[1]) / 2.0


def root_mean_square(errors: npt.ArrayLike) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))
