"""Field outputs whose indices differ from cell to cell, or do not exist in some."""

from __future__ import annotations

from functools import partial
from math import pi
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.analytic.additive import ishigami
from parsl_sa.analytic.function import Floats, Function, normals, sums_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def rotating_pair(n_cells: int = 16) -> Function:
    """Return y(t) = x1 cos t + x2 sin t at n_cells values of t in [0, 2 pi), Gaussian inputs of variance 1.

    Parameters
    ----------
    n_cells : int, optional
        Cells; cell k is t = 2 pi k / n_cells.

    Notes
    -----
    The variance is 1 everywhere, and S1 = ST = (cos^2 t, sin^2 t).

    Examples
    --------
    >>> rotating_pair(8).S1.round(3)
    array([[1. , 0.5, 0. , 0.5, 1. , 0.5, 0. , 0.5],
           [0. , 0.5, 1. , 0.5, 0. , 0.5, 1. , 0.5]])
    """
    t = 2 * pi * np.arange(n_cells) / n_cells
    waves = np.stack([np.cos(t), np.sin(t)])
    return Function(
        name="rotating_pair",
        parameters=normals(np.zeros(2), np.ones(2)),
        evaluate=partial(_rotating_pair, waves),
        mean=np.zeros(n_cells),
        variance=np.ones(n_cells),
        S1=waves**2,
        ST=waves**2,
        closed=sums_of(waves**2),
    )


def _rotating_pair(waves: Floats, x: Floats) -> Floats:
    y: Floats = x @ waves
    return y


def ishigami_field(b: Sequence[float] = (0.0, 0.025, 0.05, 0.075, 0.1)) -> Function:
    """Return the Ishigami function with a = 7 and another b in every cell.

    Parameters
    ----------
    b : sequence of float, optional
        One a cell.
    """
    cells = [ishigami(7.0, value) for value in b]
    return Function(
        name="ishigami_field",
        parameters=cells[0].parameters,
        evaluate=partial(_ishigami_field, np.array(b, np.float64)),
        mean=np.array([cell.mean for cell in cells]),
        variance=np.array([cell.variance for cell in cells]),
        S1=np.stack([cell.S1 for cell in cells], axis=1),
        ST=np.stack([cell.ST for cell in cells], axis=1),
    )


def _ishigami_field(b: Floats, x: Floats) -> Floats:
    wave = np.sin(x[:, :1])
    y: Floats = wave + 7.0 * np.sin(x[:, 1:2]) ** 2 + wave * x[:, 2:] ** 4 * b
    return y


def scaled(function: Function, factors: Sequence[float]) -> Function:
    """Return y(t) = t g(x) of a scalar function g.

    Parameters
    ----------
    function : Function
        g.
    factors : sequence of float
        The values of t, one a cell. The indices are those of g in every cell, and do not exist where t = 0.
    """
    t = np.array(factors, np.float64)
    exists = np.where(t == 0.0, np.nan, 1.0)
    return Function(
        name=f"{function.name}_scaled",
        parameters=function.parameters,
        evaluate=partial(_scaled, function, t),
        mean=function.mean * t,
        variance=function.variance * t**2,
        S1=np.outer(function.S1, exists),
        ST=np.outer(function.ST, exists),
    )


def _scaled(function: Function, factors: Floats, x: Floats) -> Floats:
    y: Floats = np.outer(function(x), factors)
    return y
