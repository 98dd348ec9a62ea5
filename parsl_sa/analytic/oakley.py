"""Oakley and O'Hagan's function of fifteen inputs."""

from __future__ import annotations

from functools import partial
from math import exp
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.analytic.function import Floats, Function, normals

if TYPE_CHECKING:
    from collections.abc import Sequence

# fmt: off
_COEFFICIENTS = np.array([  # of x, sin x and cos x
    (0.0118, 0.0456, 0.2297, 0.0393, 0.1177, 0.3865, 0.3897, 0.6061, 0.6159, 0.4005, 1.0741, 1.1474, 0.788,
     1.1242, 1.1982),
    (0.4341, 0.0887, 0.0512, 0.3233, 0.1489, 1.036, 0.9892, 0.9672, 0.8977, 0.8083, 1.8426, 2.4712, 2.3946,
     2.0045, 2.2621),
    (0.1044, 0.2057, 0.0774, 0.273, 0.1253, 0.7526, 0.857, 1.0331, 0.8388, 0.797, 2.2145, 2.0382, 2.4004,
     2.0541, 1.9845),
])

_MATRIX = np.array([
    (-0.0225, -0.185, 0.134, 0.369, 0.172, 0.137, -0.44, -0.0814, 0.713, -0.444, 0.504, -0.0241, -0.0459,
     0.217, 0.0559),
    (0.257, 0.0538, 0.258, 0.238, -0.591, -0.0816, -0.287, 0.416, 0.498, 0.0839, -0.111, 0.0332, -0.14,
     -0.031, -0.223),
    (-0.056, 0.195, 0.0955, -0.286, -0.144, 0.224, 0.145, 0.29, 0.231, -0.319, -0.29, -0.21, 0.431, 0.0244,
     0.0449),
    (0.664, 0.431, 0.299, -0.162, -0.315, -0.39, 0.177, 0.058, 0.172, 0.135, -0.353, 0.251, -0.0188, 0.365,
     -0.325),
    (-0.121, 0.125, 0.107, 0.0466, -0.217, 0.195, -0.0655, 0.0244, -0.0968, 0.194, 0.334, 0.313, -0.0836,
     -0.253, 0.373),
    (-0.284, -0.328, -0.105, -0.221, -0.137, -0.144, -0.115, 0.224, -0.0304, -0.515, 0.0173, 0.039, 0.361,
     0.309, 0.05),
    (-0.0779, 0.00375, 0.887, -0.266, -0.0793, -0.0427, -0.187, -0.356, -0.175, 0.0887, 0.4, -0.056, 0.137,
     0.215, -0.0113),
    (-0.0923, 0.592, 0.0313, -0.0331, -0.243, -0.0998, 0.0345, 0.0951, -0.338, 0.00639, -0.612, 0.0813,
     0.887, 0.143, 0.148),
    (-0.132, 0.529, 0.127, 0.0451, 0.584, 0.373, 0.114, -0.295, -0.57, 0.463, -0.0941, 0.14, -0.386,
     -0.449, -0.146),
    (0.0581, -0.323, 0.0931, 0.0724, -0.569, 0.526, 0.237, -0.0118, 0.0718, 0.0783, -0.134, 0.227, 0.144,
     -0.452, -0.556),
    (0.661, 0.346, 0.141, 0.519, -0.28, -0.16, -0.0684, -0.204, 0.0697, 0.231, -0.0444, -0.165, 0.216,
     0.00427, -0.0874),
    (0.316, -0.0276, 0.134, 0.135, 0.054, -0.174, 0.175, 0.0603, -0.179, -0.311, -0.254, 0.0258, -0.43,
     -0.623, -0.034),
    (-0.29, 0.0341, 0.0349, -0.121, 0.026, -0.335, -0.414, 0.0532, -0.271, -0.0263, 0.41, 0.266, 0.156,
     -0.187, 0.0199),
    (-0.244, -0.441, 0.0126, 0.249, 0.0711, 0.246, 0.175, 0.00853, 0.251, -0.147, -0.0846, 0.369, -0.3,
     0.11, -0.757),
    (0.0415, -0.26, 0.464, -0.361, -0.95, -0.165, 0.00309, 0.0528, 0.225, 0.384, 0.456, -0.186, 0.00823,
     0.167, 0.16),
])
# fmt: on


def oakley_ohagan() -> Function:
    """Return a1'x + a2'sin x + a3'cos x + x'M x of fifteen independent standard normal inputs.

    Notes
    -----
    Effects of one input are a1 x + a2 sin x + a3 cos x + m_ii x^2, those of a pair (m_ij + m_ji) x_i x_j, and
    there are no others. Means of products of x, sin x, x^2 and cos x follow from the characteristic
    function exp(-t^2 / 2).

    References
    ----------
    .. [1] Oakley and O'Hagan (2004), Probabilistic sensitivity analysis of complex models: a Bayesian
       approach, J. R. Stat. Soc. B 66, 751-769. doi:10.1111/j.1467-9868.2004.05304.x

    Examples
    --------
    >>> oakley_ohagan().S1[-1].round(6)
    np.float64(0.122826)
    """
    a1, a2, a3 = _COEFFICIENTS
    m, root = _MATRIX.diagonal(), exp(-0.5)
    odd = a1**2 + 2 * a1 * a2 * root + a2**2 * (1 - root**4) / 2
    even = 2 * m**2 - 2 * a3 * m * root + a3**2 * ((1 + root**4) / 2 - root**2)
    pairs = (_MATRIX + _MATRIX.T) ** 2
    np.fill_diagonal(pairs, 0.0)
    alone = odd + even
    V = alone.sum() + pairs.sum() / 2
    return Function(
        name="oakley_ohagan",
        parameters=normals(np.zeros(15), np.ones(15)),
        evaluate=_evaluate,
        mean=np.asarray(a3.sum() * root + m.sum()),
        variance=np.asarray(V),
        S1=alone / V,
        ST=(alone + pairs.sum(axis=1)) / V,
        closed=partial(_closed, alone / V, pairs / V),
    )


def _evaluate(x: Floats) -> Floats:
    a1, a2, a3 = _COEFFICIENTS
    y: Floats = x @ a1 + np.sin(x) @ a2 + np.cos(x) @ a3 + ((x @ _MATRIX) * x).sum(axis=1)
    return y


def _closed(alone: Floats, pairs: Floats, members: Sequence[int]) -> Floats:
    own = list(members)
    total: Floats = alone[own].sum() + pairs[np.ix_(own, own)].sum() / 2
    return total
