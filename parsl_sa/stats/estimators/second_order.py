"""Second-order indices, from 2 d + 2 rows a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.stats.estimators.protocol import require_rows
from parsl_sa.stats.formula import Formula, LinearRatio, many, one
from parsl_sa.stats.kernels import second_order

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from parsl_sa.records import Layout


class SecondOrder:
    """S2 of every pair of parameters.

    Parameters
    ----------
    layout : Layout
        Pick-freeze, both ways.

    Raises
    ------
    LayoutError
        If the layout is another.

    Notes
    -----
    The closed index of a pair is mean (f(AB_i) - f(AB_j)) (f(BA_j) - f(BA_i)) / (2 V), and S2_ij what it
    exceeds the first-order indices of i and j by. With those in the form of Azzini and Rosati the difference
    is D_ij = sum (f(AB_i) - f(A)) (f(BA_j) - f(B)) + (f(AB_j) - f(A)) (f(BA_i) - f(B)), divided by W = sum
    [(f(A) - f(B))^2 + sum_k (f(BA_k) - f(AB_k))^2] / (d + 1), which is 2 n V from all rows.

    d (d - 1) / 2 + 1 doubles a cell open, 3 d (d - 1) / 2 + 2 closed. Pairs stand in the order 12, 13, ..,
    23, ...

    References
    ----------
    .. [1] Saltelli (2002), Comput. Phys. Commun. 145, 280-297 (second order from both AB_i and BA_i).
       doi:10.1016/S0010-4655(02)00280-1
    .. [2] Azzini, Mara and Rosati (2021), Environ. Model. Softw. 144, 105167.
       doi:10.1016/j.envsoft.2021.105167
    """

    def __init__(self, layout: Layout) -> None:
        require_rows(layout, "S2", both_ways=True)
        self._n_pairs = layout.d * (layout.d - 1) // 2
        self.n_sums = 1 + self._n_pairs
        self.spread = (one(0), 0.5)

    def fold(
        self,
        rows: npt.NDArray[Any],
        kept: npt.NDArray[np.int64],
        pivot: npt.NDArray[np.float64],
        sums: npt.NDArray[np.float64],
    ) -> None:
        """Add bundles to W, D_12, D_13, ..."""
        second_order.fold(rows, kept, pivot, sums)

    def formulas(self, *, whole_field: bool) -> tuple[Formula, ...]:
        """Return S2."""
        del whole_field
        return (
            (Formula("S2", (many(1, self._n_pairs), one(0)), LinearRatio((1.0,))),) if self._n_pairs else ()
        )
