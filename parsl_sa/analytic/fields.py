"""A field output whose indices differ from cell to cell."""

from __future__ import annotations

from functools import partial
from math import pi

import numpy as np

from parsl_sa.analytic.function import Floats, Function, normals, sums_of


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
