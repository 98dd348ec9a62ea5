"""A small convolutional network that reads handwritten digits of 8 x 8 pixels."""

from __future__ import annotations

import torch
from torch import nn


class Net(nn.Module):
    """Two convolutions and a dense layer: 9,930 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(512, 10)),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of the ten digits, shape (batch, 10).

        Parameters
        ----------
        images : tensor, shape (batch, 1, 8, 8)
            Ink of each pixel, 0 to 1.
        """
        logits: torch.Tensor = self.layers(images)
        return logits
