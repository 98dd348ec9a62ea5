"""A small convolutional network with fixed random weights, and images for it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    import numpy.typing as npt

SIDE, CHANNELS, CLASSES = 36, (3, 8, 16, 32), 10


def load() -> torch.nn.Module:
    """Return the network, the same one on every call: three convolutions, a mean, logits."""
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    for before, after in pairwise(CHANNELS):
        layers += [torch.nn.Conv2d(before, after, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(CHANNELS[-1], CLASSES)]
    return torch.nn.Sequential(*layers, *head).eval()


def images(count: int) -> npt.NDArray[np.float32]:
    """Return smooth random images, shape (count, channels, side, side), values in (0, 1)."""
    coarse = np.random.default_rng(0).random((count, CHANNELS[0], 6, 6), np.float32)
    fine = torch.nn.functional.interpolate(torch.from_numpy(coarse), size=(SIDE, SIDE), mode="bicubic")
    return np.asarray(fine.clip(0.0, 1.0).numpy())


def weights(model: torch.nn.Module) -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights by names that another framework can go by."""
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d)]
    named: dict[str, Any] = {f"conv{i}": layer for i, layer in enumerate(layers)}
    named["head"] = next(layer for layer in model.modules() if isinstance(layer, torch.nn.Linear))
    return {
        f"{name}.{part}": getattr(layer, part).detach().numpy()
        for name, layer in named.items()
        for part in ("weight", "bias")
    }
