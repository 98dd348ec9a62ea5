"""A plain multilayer perceptron with fixed random weights: something to keep the cores busy."""

from __future__ import annotations

import torch


def load(width: int = 256, depth: int = 4, inputs: int = 6) -> torch.nn.Module:
    """Return the network, the same one on every call."""
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = [torch.nn.Linear(inputs, width), torch.nn.Tanh()]
    for _ in range(depth - 1):
        layers += [torch.nn.Linear(width, width), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
