"""The Ishigami use case: its module, its spec and its exact values agree."""

from __future__ import annotations

import json
from math import pi
from pathlib import Path

import numpy as np

from parsl_sa.models import Evaluator, load
from parsl_sa.models.inputs import Assembler

APP = Path(__file__).parents[2] / "apps" / "ishigami"


def evaluator() -> Evaluator:
    spec = json.loads((APP / "spec.json").read_text())
    return Evaluator(load(spec["model"], APP), spec["outputs"], Assembler(len(spec["inputs"]["parameters"])))


def test_it_is_the_function() -> None:
    rows = np.random.default_rng(0).uniform(-pi, pi, (100, 3))
    model = evaluator()
    (quantity,) = model.probe(rows[:8])
    assert (quantity.name, quantity.shape, model.dtype) == ("y", (), "float64")
    x1, x2, x3 = rows.T
    expected = np.sin(x1) + 7 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1)
    np.testing.assert_allclose(model.evaluate(rows, 32)[:, 0], expected, rtol=1e-13, atol=1e-13)


def test_its_truth_is_what_quadrature_gives() -> None:
    # A periodic or polynomial integrand: 64 Gauss-Legendre points an axis are exact to rounding.
    nodes, weights = np.polynomial.legendre.leggauss(64)
    axis, w = nodes * pi, weights / 2
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    model = evaluator()
    model.probe(grid[:8])
    y = model.evaluate(grid, 4096)[:, 0].reshape(64, 64, 64)
    truth = json.loads((APP / "truth.json").read_text())["y"]
    mean = np.einsum("ijk,i,j,k", y, w, w, w)
    variance = np.einsum("ijk,i,j,k", (y - mean) ** 2, w, w, w)
    assert abs(mean - truth["mean"]) < 1e-9
    assert abs(variance - truth["variance"]) < 1e-8
    for index, name in enumerate(("x1", "x2", "x3")):
        others = [axis for axis in range(3) if axis != index]
        alone = np.einsum("ijk,j,k->i", y.transpose(index, *others), w, w)
        first = w @ (alone - mean) ** 2 / variance
        rest = np.einsum("ijk,i->jk", y.transpose(index, *others), w)
        total = 1 - np.einsum("jk,j,k", (rest - mean) ** 2, w, w) / variance
        assert abs(first - truth["S1"][name]) < 1e-9
        assert abs(total - truth["ST"][name]) < 1e-9
