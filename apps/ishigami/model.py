"""The Ishigami function as a torch module: three inputs, strong interaction, exact indices in truth.json."""

from __future__ import annotations

import torch
from torch import nn


class Ishigami(nn.Module):
    """y = sin x1 + a sin^2 x2 + b x3^4 sin x1.

    Parameters
    ----------
    a, b : float
        7 and 0.1 are those of `truth.json`.

    References
    ----------
    .. [1] Ishigami and Homma (1990), Proc. ISUMA'90, 398-403. doi:10.1109/ISUMA.1990.151285
    """

    def __init__(self, a: float = 7.0, b: float = 0.1) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor(b, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map inputs of shape (batch, 3) to outputs of shape (batch,)."""
        x1, x2, x3 = x.unbind(dim=1)
        return (1 + self.b * x3**4) * torch.sin(x1) + self.a * torch.sin(x2) ** 2


def load(a: float = 7.0, b: float = 0.1) -> nn.Module:
    """Build the module; `model.options` of the spec may change `a` and `b`."""
    return Ishigami(a, b)
