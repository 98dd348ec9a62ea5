"""Test functions whose mean, variance and Sobol' indices are known exactly."""

from __future__ import annotations

from parsl_sa.analytic.additive import friedman, ishigami, levels, linear_gaussian
from parsl_sa.analytic.borehole import borehole
from parsl_sa.analytic.dependent import dependence_of, dependent_linear
from parsl_sa.analytic.fields import ishigami_field, rotating_pair, scaled
from parsl_sa.analytic.function import Function
from parsl_sa.analytic.oakley import oakley_ohagan
from parsl_sa.analytic.products import g_star, product, sobol_g

FUNCTIONS: tuple[Function, ...] = (
    ishigami(),
    sobol_g(),
    g_star(),
    linear_gaussian(),
    friedman(),
    levels(),
    product(),
    borehole(),
    oakley_ohagan(),
    rotating_pair(),
    ishigami_field(),
)
"""Every test function of independent inputs with its usual constants."""

__all__ = [
    "FUNCTIONS",
    "Function",
    "borehole",
    "dependence_of",
    "dependent_linear",
    "friedman",
    "g_star",
    "ishigami",
    "ishigami_field",
    "levels",
    "linear_gaussian",
    "oakley_ohagan",
    "product",
    "rotating_pair",
    "scaled",
    "sobol_g",
]
