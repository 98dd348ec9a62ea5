"""Saltelli's S1 and Jansen's ST, each with the divisor that suits it, from d + 2 rows a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.stats.estimators.protocol import require_rows
from parsl_sa.stats.formula import COUNT, Formula, LinearRatio, OverPooledVariance, many, one
from parsl_sa.stats.kernels import mixed, powers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from parsl_sa.records import Layout


class SaltelliJansen:
    """S1 from products of B with differences over those of A and B; ST over the variance of all rows.

    Parameters
    ----------
    layout : Layout
        Pick-freeze; rows BA_i are not used where there are any.

    Raises
    ------
    LayoutError
        If the layout is another.

    Notes
    -----
    With b = f(B) - pivot and sums over bundles C_i = sum b (f(AB_i) - f(A)), T_i = sum (f(A) - f(AB_i))^2
    and Q = sum (f(A) - f(B))^2: S1_i = 2 C_i / Q, whose numerator and divisor rise and fall together, and
    ST_i = T_i / (2 n V), with V the variance of all d + 2 rows, which have one distribution. The best of the
    one-way estimators in benchmarks/accuracy.py. S1 wants a pivot near the mean: about another one it stays
    unbiased, and its noise grows with the distance.

    2 d + 3 doubles a cell open, 8 d + 9 closed. V is not linear in sums over cells: the ST of a whole field
    is T_i / Q.

    References
    ----------
    .. [1] Saltelli, Annoni, Azzini, Campolongo, Ratto, Tarantola (2010), Comput. Phys. Commun. 181, 259-270,
       table 2 (b) and (f). doi:10.1016/j.cpc.2009.09.018
    .. [2] Jansen (1999), Comput. Phys. Commun. 117, 35-43. doi:10.1016/S0010-4655(98)00154-4
    """

    def __init__(self, layout: Layout) -> None:
        require_rows(layout, "saltelli-jansen")
        self._d = layout.d
        self.n_sums = 2 * layout.d + 3
        self.spread = (one(0), 0.5)

    def fold(
        self,
        rows: npt.NDArray[Any],
        kept: npt.NDArray[np.int64],
        pivot: npt.NDArray[np.float64],
        sums: npt.NDArray[np.float64],
    ) -> None:
        """Add bundles to Q, C_1 .. C_d, T_1 .. T_d, and sums of values and of squares of the d + 2 rows."""
        mixed.fold(rows, kept, pivot, sums[:-2])
        powers.fold(rows, kept, self._d + 2, pivot, sums[-2:])

    def formulas(self, *, whole_field: bool) -> tuple[Formula, ...]:
        """Return S1 and ST."""
        d = self._d
        C, T = many(1, d), many(1 + d, d)
        first = Formula("S1", (C, one(0)), LinearRatio((2.0,)))
        if whole_field:
            return first, Formula("ST", (T, one(0)), LinearRatio((1.0,)))
        pooled = OverPooledVariance((0.5,), rows=d + 2)
        return first, Formula("ST", (T, one(2 * d + 1), one(2 * d + 2), one(COUNT)), pooled)
