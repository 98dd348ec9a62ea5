"""Sums of terms in one or two inputs each: Ishigami, Friedman, linear, and levels with a slope."""

from __future__ import annotations

from functools import partial
from math import pi
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import sici

from parsl_sa.analytic.function import Floats, Function, normals, sums_of, uniforms

if TYPE_CHECKING:
    from collections.abc import Sequence


def ishigami(a: float = 7.0, b: float = 0.1) -> Function:
    """Return sin x1 + a sin^2 x2 + b x3^4 sin x1 on (-pi, pi)^3.

    Parameters
    ----------
    a, b : float, optional
        Constants.

    References
    ----------
    .. [1] Ishigami and Homma (1990), An importance quantification technique in uncertainty analysis for
       computer models, ISUMA 90. doi:10.1109/ISUMA.1990.151285

    Examples
    --------
    >>> ishigami().ST.round(6)
    array([0.557589, 0.442411, 0.243684])
    >>> S1, ST = ishigami().of_groups([[0, 2], [1]])
    >>> S1.round(6), ST.round(6)
    (array([0.557589, 0.442411]), array([0.557589, 0.442411]))
    """
    V1 = (1 + b * pi**4 / 5) ** 2 / 2
    V2 = a**2 / 8
    V13 = b**2 * pi**8 * (1 / 18 - 1 / 50)
    V = V1 + V2 + V13
    return Function(
        name="ishigami",
        parameters=uniforms(3, -pi, pi),
        evaluate=partial(_ishigami, a, b),
        mean=np.asarray(a / 2),
        variance=np.asarray(V),
        S1=np.array([V1, V2, 0.0]) / V,
        ST=np.array([V1 + V13, V2, V13]) / V,
        closed=partial(_with_pair, np.array([V1, V2, 0.0]) / V, (0, 2), V13 / V),
    )


def _ishigami(a: float, b: float, x: Floats) -> Floats:
    y: Floats = np.sin(x[:, 0]) * (1 + b * x[:, 2] ** 4) + a * np.sin(x[:, 1]) ** 2
    return y


def _with_pair(S1: Floats, pair: tuple[int, int], S2: float, members: Sequence[int]) -> Floats:
    """Return the closed index of a function in which one pair interacts."""
    total: Floats = S1[list(members)].sum() + (S2 if {*pair} <= {*members} else 0.0)
    return total


def linear_gaussian(
    coefficients: Sequence[float] = (1.0, 2.0, 3.0, 0.0), sds: Sequence[float] = (1.0, 1.0, 0.5, 1.0)
) -> Function:
    """Return sum c_i x_i of independent Gaussian inputs of mean 0.

    Parameters
    ----------
    coefficients, sds : sequence of float, optional
        c_i, and the standard deviations of x_i.
    """
    c, s = np.array(coefficients, dtype=np.float64), np.array(sds, dtype=np.float64)
    parts = (c * s) ** 2
    return Function(
        name="linear_gaussian",
        parameters=normals(np.zeros(len(s)), s),
        evaluate=partial(_linear, c),
        mean=np.asarray(0.0),
        variance=np.asarray(parts.sum()),
        S1=parts / parts.sum(),
        ST=parts / parts.sum(),
        closed=sums_of(parts / parts.sum()),
    )


def _linear(coefficients: Floats, x: Floats) -> Floats:
    y: Floats = x @ coefficients
    return y


def friedman(n_inert: int = 5) -> Function:
    """Return 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 on the unit cube.

    Parameters
    ----------
    n_inert : int, optional
        Further inputs that change nothing.

    Notes
    -----
    With Si and Cin the sine and the entire cosine integral, g = sin(pi x1 x2) has mean Cin(pi) / pi, mean
    square 1/2 - Si(2 pi) / (4 pi), and its mean over x2 has mean square
    (2 Si(pi) - Si(2 pi) - 4 / pi) / pi.

    References
    ----------
    .. [1] Friedman (1991), Multivariate adaptive regression splines, Ann. Stat. 19, 1-67.
       doi:10.1214/aos/1176347963
    """
    (si_pi, ci_pi), (si_2pi, _) = sici(pi), sici(2 * pi)
    mean_g = (np.euler_gamma + np.log(pi) - ci_pi) / pi
    V_g = 100 * (0.5 - si_2pi / (4 * pi) - mean_g**2)
    V_1 = 100 * ((2 * si_pi - si_2pi - 4 / pi) / pi - mean_g**2)
    V_rest = [400 / 180, 100 / 12, 25 / 12]
    V = V_g + sum(V_rest)
    inert = [0.0] * n_inert
    S1 = np.array([V_1, V_1, *V_rest, *inert]) / V
    return Function(
        name="friedman",
        parameters=uniforms(5 + n_inert),
        evaluate=_friedman,
        mean=np.asarray(10 * mean_g + 20 / 12 + 7.5),
        variance=np.asarray(V),
        S1=S1,
        ST=np.array([V_g - V_1, V_g - V_1, *V_rest, *inert]) / V,
        closed=partial(_with_pair, S1, (0, 1), (V_g - 2 * V_1) / V),
    )


def _friedman(x: Floats) -> Floats:
    y: Floats = 10 * np.sin(pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return y


def levels(values: Sequence[float] = (0.0, 1.0, 4.0), slope: float = 2.0) -> Function:
    """Return a_k + b x, with k uniform on 1 .. K and x uniform on (0, 1).

    Parameters
    ----------
    values : sequence of float, optional
        a_1 .. a_K.
    slope : float, optional
        b.
    """
    a = np.array(values, dtype=np.float64)
    parts = np.array([a.var(), slope**2 / 12])
    return Function(
        name="levels",
        parameters=(
            {"name": "k", "distribution": "integer", "low": 1, "high": len(a)},
            {"name": "x", "distribution": "uniform", "low": 0.0, "high": 1.0},
        ),
        evaluate=partial(_levels, a, slope),
        mean=np.asarray(a.mean() + slope / 2),
        variance=np.asarray(parts.sum()),
        S1=parts / parts.sum(),
        ST=parts / parts.sum(),
        closed=sums_of(parts / parts.sum()),
    )


def _levels(values: Floats, slope: float, x: Floats) -> Floats:
    y: Floats = values[x[:, 0].astype(np.intp) - 1] + slope * x[:, 1]
    return y
