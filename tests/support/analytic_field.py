"""A field whose indices are known in every cell, cheap to evaluate: the model of the tests of fields.

y(t) = sum_i c_i(t) x_i + e(t) x_1 x_2 with x_i uniform on (-1, 1), c_i(t) = cos(i t) + 1/2, e(t) = 3 t and
t along (0, 1). Cells can be masked: NaN for every input, as land is in a model of the sea.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable


def coefficients(n_cells: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return c, shape (d, n_cells), and e, shape (n_cells,)."""
    t = (np.arange(n_cells) + 0.5) / n_cells
    return np.cos(np.arange(1, d + 1)[:, np.newaxis] * t) + 0.5, 3.0 * t


def masked_cells(n_cells: int, masked_every: int) -> np.ndarray:
    """Return which cells are masked, one in so many."""
    return np.arange(n_cells) % masked_every == masked_every - 1 if masked_every else np.zeros(n_cells, bool)


def load(n_cells: int, d: int, masked_every: int = 0) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    """Build the model: ``field`` of shape (batch, n_cells) and ``first``, its first cell, in float32."""
    linear, product = (torch.from_numpy(array.astype(np.float32)) for array in coefficients(n_cells, d))
    product[torch.from_numpy(masked_cells(n_cells, masked_every))] = torch.nan

    def model(x: torch.Tensor) -> dict[str, torch.Tensor]:
        field = x @ linear
        field += (x[:, :1] * x[:, 1:2]) * product
        return {"field": field, "first": field[:, 0]}

    return model


def exact(n_cells: int, d: int) -> dict[str, np.ndarray]:
    """Return variance (n_cells,), and S1 and ST (d, n_cells)."""
    linear, product = coefficients(n_cells, d)
    single, both = linear**2 / 3.0, product**2 / 9.0
    variance = single.sum(axis=0) + both
    total = single.copy()
    total[:2] += both
    return {"variance": variance, "S1": single / variance, "ST": total / variance}


def aggregated(n_cells: int, d: int, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the indices of the whole field, each (d,)."""
    found = exact(n_cells, d)
    weighted = weights * found["variance"]
    return {name: (found[name] * weighted).sum(axis=1) / weighted.sum() for name in ("S1", "ST")}


def spec(path: str, n_cells: int, d: int, n: int, **options: int) -> dict[str, object]:
    """Return the plain spec of a study of it."""
    return {
        "spec_version": 1,
        "name": "field",
        "model": {
            "loader": "python",
            "path": f"{path}:load",
            "options": {"n_cells": n_cells, "d": d, **options},
            "arrays": "torch",
        },
        "inputs": {
            "parameters": [
                {"name": f"x{i}", "distribution": "uniform", "low": -1.0, "high": 1.0}
                for i in range(1, d + 1)
            ]
        },
        "design": {"method": "pick-freeze", "sequence": "sobol", "n": n, "both_ways": True, "seed": 0},
        "outputs": [
            {"name": "first", "select": "first"},
            {"name": "field", "select": "field", "dims": {"t": n_cells}},
        ],
        "farm": {"site": "local", "clients": {"ranks": 2, "slots": 1}},
    }
