"""A linear function of correlated Gaussian inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.analytic.function import Floats, Function, normals

if TYPE_CHECKING:
    from collections.abc import Sequence


def dependent_linear(
    coefficients: Sequence[float] = (1.0, 2.0),
    correlation: Sequence[Sequence[float]] = ((1.0, 0.6), (0.6, 1.0)),
    sds: Sequence[float] | None = None,
    groups: Sequence[Sequence[int]] | None = None,
) -> Function:
    """Return sum c_i x_i of correlated Gaussian inputs of mean 0, or of groups of them.

    Parameters
    ----------
    coefficients : sequence of float, optional
        c_i.
    correlation : sequence of sequence of float, optional
        Correlation matrix of the inputs; see `dependence_of`.
    sds : sequence of float, optional
        Standard deviations; 1 where none are given.
    groups : sequence of sequence of int, optional
        Factors of which S1 and ST are given, inputs counted from 0; one an input where none are given.

    Notes
    -----
    With the covariance C of the inputs and V = c' C c, the *full* first-order index of inputs g is
    (C c)_g' C_gg^-1 (C c)_g / V, the share of the variance that they explain alone, with what they tell of
    the others. The *independent* total index is c_g' (C_gg - C_gh C_hh^-1 C_hg) c_g / V with h the other
    inputs: what is left when all others are known. Either may be the larger one [1]_.

    References
    ----------
    .. [1] Mara and Tarantola (2012), Variance-based sensitivity indices for models with dependent inputs,
       Reliab. Eng. Syst. Saf. 107, 115-121. doi:10.1016/j.ress.2011.08.008

    Examples
    --------
    >>> function = dependent_linear()
    >>> function.S1.round(3), function.ST.round(3)
    (array([0.654, 0.914]), array([0.086, 0.346]))
    """
    c, R = np.array(coefficients, np.float64), np.array(correlation, np.float64)
    s = np.ones(len(c)) if sds is None else np.array(sds, np.float64)
    covariance = s[:, None] * R * s
    factors = [[i] for i in range(len(c))] if groups is None else [list(group) for group in groups]
    variance = c @ covariance @ c
    told = covariance @ c
    precision = np.linalg.inv(covariance)
    S1 = [told[g] @ np.linalg.solve(covariance[np.ix_(g, g)], told[g]) for g in factors]
    ST = [c[g] @ np.linalg.solve(precision[np.ix_(g, g)], c[g]) for g in factors]
    return Function(
        name="dependent_linear",
        parameters=normals(np.zeros(len(c)), s),
        evaluate=partial(_linear, c),
        mean=np.asarray(0.0),
        variance=np.asarray(variance),
        S1=np.array(S1) / variance,
        ST=np.array(ST) / variance,
    )


def dependence_of(correlation: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return the dependence of parameters x1, x2, ... with a correlation matrix, as a spec states it."""
    names = [f"x{i}" for i in range(1, len(correlation) + 1)]
    return {
        "kind": "gaussian-copula",
        "parameters": names,
        "correlation": [[float(r) for r in row] for row in correlation],
    }


def _linear(coefficients: Floats, x: Floats) -> Floats:
    y: Floats = x @ coefficients
    return y
