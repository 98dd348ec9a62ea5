"""Datasets made by hand: the report reads results only, so no statistic is run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from parsl_sa.records import Quantity
from parsl_sa.results.schema import dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr


def build(
    ST: Sequence[float],
    *,
    S1: Sequence[float] | None = None,
    half: float | Sequence[float] = 0.01,
    names: Sequence[str] | None = None,
    units: Sequence[str] | None = None,
    name: str = "CD",
    unit: str = "",
) -> xr.Dataset:
    """A scalar quantity with the given indices; S1 = 0.9 ST where none is given."""
    total = np.asarray(ST, dtype=np.float64)[:, None]
    first = 0.9 * total if S1 is None else np.asarray(S1, dtype=np.float64)[:, None]
    width = np.where(
        np.isfinite(total), np.broadcast_to(np.asarray(half, dtype=np.float64), total.T.shape).T, np.nan
    )
    values = {
        "mean": np.array([0.0091234]),
        "mean_conf": np.array([0.00002]),
        "variance": np.array([5e-7]),
        "variance_conf": np.array([1e-8]),
        "minimum": np.array([0.0071]),
        "maximum": np.array([0.0132]),
    }
    for key, estimate in (("S1", first), ("ST", total)):
        values |= {
            key: estimate,
            f"{key}_conf": width,
            f"{key}_low": estimate - width,
            f"{key}_high": estimate + width,
        }
    values["undefined"] = ~np.isfinite(total)
    labels = list(names or [f"x{i + 1}" for i in range(len(total))])
    return dataset(Quantity(name, unit=unit), labels, values, parameter_units=units)


def build_field(n_cells: int = 64, d: int = 3) -> xr.Dataset:
    """A field of two sides whose first cell is constant."""
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.ones(d) * 0.7, size=n_cells).T
    share[:, 0] = np.nan
    variance = rng.uniform(0.5, 2.0, n_cells)
    variance[0] = 0.0
    values = {
        "mean": rng.normal(size=n_cells),
        "variance": variance,
        "S1": 0.8 * share,
        "S1_conf": np.full((d, n_cells), 0.02),
        "ST": share,
        "ST_conf": np.full((d, n_cells), 0.02),
        "undefined": ~np.isfinite(share),
    }
    quantity = Quantity("theta", ("side", "x"), (2, n_cells // 2), unit="m")
    return dataset(quantity, [f"x{i + 1}" for i in range(d)], values)


@pytest.fixture(scope="session")
def scalar() -> Callable[..., xr.Dataset]:
    return build


@pytest.fixture
def field() -> Callable[..., xr.Dataset]:
    return build_field


@pytest.fixture
def attrs() -> dict[str, object]:
    return {
        "name": "airfoil",
        "n_planned": 4096,
        "n_used": 4094,
        "n_replicates": 16,
        "dropped": [{"bundle": 3, "reason": "non-finite CD"}, {"bundle": 9, "reason": "non-finite CD"}],
        "level": 0.95,
        "estimator": "azzini-rosati",
        "finished": True,
    }
