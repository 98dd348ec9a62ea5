"""Products of functions of one input each: Sobol' G, G* and the plain product."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.analytic.function import Floats, Function, normals, uniforms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def sobol_g(a: Sequence[float] = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0)) -> Function:
    """Return prod (|4 x_i - 2| + a_i) / (1 + a_i) on the unit cube.

    Parameters
    ----------
    a : sequence of float, optional
        Constants >= 0; the larger, the less an input matters.

    References
    ----------
    .. [1] Saltelli and Sobol' (1995), About the use of rank transformation in sensitivity analysis of model
       output, Reliab. Eng. Syst. Saf. 50, 225-239. doi:10.1016/0951-8320(95)00099-2

    Examples
    --------
    >>> sobol_g().S1[:4].round(6)
    array([0.716192, 0.179048, 0.023676, 0.007162])
    """
    offsets = np.array(a, dtype=np.float64)
    return _of_factors(
        "sobol_g",
        uniforms(len(offsets)),
        partial(_sobol_g, offsets),
        means=np.ones(len(offsets)),
        variances=1 / (3 * (1 + offsets) ** 2),
    )


def _sobol_g(a: Floats, x: Floats) -> Floats:
    y: Floats = ((np.abs(4 * x - 2) + a) / (1 + a)).prod(axis=1)
    return y


def g_star(
    a: Sequence[float] = (0.0, 0.5, 3.0, 9.0),
    alpha: Sequence[float] = (1.0, 1.0, 0.5, 2.0),
    shift: Sequence[float] = (0.1, 0.4, 0.0, 0.9),
) -> Function:
    """Return prod ((1 + alpha_i) |2 frac(x_i + shift_i) - 1|^alpha_i + a_i) / (1 + a_i) on the unit cube.

    Parameters
    ----------
    a, alpha, shift : sequence of float, optional
        Constants of one length: a >= 0, alpha > 0; the shift moves kinks and changes no index.

    References
    ----------
    .. [1] Saltelli et al. (2010), Comput. Phys. Commun. 181, 259-270.
       doi:10.1016/j.cpc.2009.09.018
    """
    offsets, powers, shifts = (np.array(values, dtype=np.float64) for values in (a, alpha, shift))
    return _of_factors(
        "g_star",
        uniforms(len(offsets)),
        partial(_g_star, offsets, powers, shifts),
        means=np.ones(len(offsets)),
        variances=powers**2 / ((1 + 2 * powers) * (1 + offsets) ** 2),
    )


def _g_star(a: Floats, alpha: Floats, shift: Floats, x: Floats) -> Floats:
    distance = np.abs(2 * np.mod(x + shift, 1.0) - 1)
    y: Floats = (((1 + alpha) * distance**alpha + a) / (1 + a)).prod(axis=1)
    return y


def product(means: Sequence[float] = (1.0, 2.0, 0.0), sds: Sequence[float] = (1.0, 0.5, 1.0)) -> Function:
    """Return prod x_i of independent Gaussian inputs.

    Parameters
    ----------
    means, sds : sequence of float, optional
        Of the inputs. An input whose partners have mean 0 acts in interactions only.
    """
    m, s = np.array(means, dtype=np.float64), np.array(sds, dtype=np.float64)
    return _of_factors("product", normals(m, s), _product, means=m, variances=s**2)


def _product(x: Floats) -> Floats:
    y: Floats = x.prod(axis=1)
    return y


def _of_factors(
    name: str,
    parameters: tuple[dict[str, Any], ...],
    evaluate: Callable[[Floats], Floats],
    means: Floats,
    variances: Floats,
) -> Function:
    """Return the product of independent factors of given means and variances.

    Notes
    -----
    With m_i, v_i of the factors: V = prod (m_i^2 + v_i) - prod m_i^2, V_i = v_i prod_{j != i} m_j^2 and
    VT_i = v_i prod_{j != i} (m_j^2 + v_j).
    """
    squares = means**2
    variance = (squares + variances).prod() - squares.prod()
    others = [np.arange(len(means)) != i for i in range(len(means))]
    return Function(
        name=name,
        parameters=parameters,
        evaluate=evaluate,
        mean=np.asarray(means.prod()),
        variance=np.asarray(variance),
        S1=variances * np.array([squares[rest].prod() for rest in others]) / variance,
        ST=variances * np.array([(squares + variances)[rest].prod() for rest in others]) / variance,
        closed=partial(_closed_of_product, squares, variances),
    )


def _closed_of_product(squares: Floats, variances: Floats, members: Sequence[int]) -> Floats:
    own = np.isin(np.arange(len(squares)), members)
    part = (squares + variances * own).prod() - squares.prod()
    closed: Floats = part / ((squares + variances).prod() - squares.prod())
    return closed
