"""Warnings that the probed outputs give."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from parsl_sa.client.cautions import cautions
from parsl_sa.records import Quantity

SPEC = SimpleNamespace(stop=SimpleNamespace(max_dropped_fraction=0.01))


def told(outputs: np.ndarray, n_cells: int) -> list[str]:
    shape = (n_cells,) if n_cells > 1 else ()
    quantity = Quantity("T", ("x",) if shape else (), shape)
    return list(cautions(SPEC, outputs, [quantity], n_rows=4))  # type: ignore[arg-type]


@pytest.mark.parametrize(("dtype", "warned"), [("float32", True), ("float64", False)])
def test_an_output_that_varies_by_few_spacings_of_its_dtype_is_told_of(dtype: str, warned: bool) -> None:
    outputs = (300.0 + 1e-3 * np.random.default_rng(0).normal(size=(32, 1))).astype(dtype)
    found = told(outputs, 1)
    assert bool(found) == warned
    assert all("outputs[0]: 'T'" in text and "float64" in text for text in found)


def test_cells_are_counted_and_constants_are_not_among_them() -> None:
    outputs = np.random.default_rng(1).normal(size=(32, 70_000)).astype(np.float32)
    outputs[:, 0] = 5.0
    outputs[:, [7, 66_000]] = 1e4 + 1e-2 * outputs[:, [7, 66_000]]
    (text,) = told(outputs, 70_000)
    assert "2 of 70,000 cells" in text


def test_masked_cells_give_no_warning() -> None:
    outputs = np.random.default_rng(2).normal(size=(32, 3))
    outputs[:, 1] = np.nan
    assert told(outputs, 3) == []
