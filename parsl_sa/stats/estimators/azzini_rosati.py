"""The estimator of Azzini and Rosati, from 2 d + 2 rows a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.stats.estimators.protocol import require_rows
from parsl_sa.stats.formula import Formula, LinearRatio, many
from parsl_sa.stats.kernels import both_ways

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from parsl_sa.records import Layout


class AzziniRosati:
    """S1 and ST from the differences that both AB_i and BA_i give.

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
    With sums over bundles P_i = sum (f(BA_i) - f(B)) (f(A) - f(AB_i)),
    T_i = sum [(f(B) - f(BA_i))^2 + (f(A) - f(AB_i))^2] and
    Q_i = sum [(f(A) - f(B))^2 + (f(BA_i) - f(AB_i))^2]: S1_i = 2 P_i / Q_i and ST_i = T_i / Q_i.
    3 d doubles a cell open; 8 d closed.

    References
    ----------
    .. [1] Azzini, Mara and Rosati (2021), Environ. Model. Softw. 144, 105167 (the estimators of the
       design with both AB_i and BA_i). doi:10.1016/j.envsoft.2021.105167
    """

    def __init__(self, layout: Layout) -> None:
        require_rows(layout, "azzini-rosati", both_ways=True)
        self._d = layout.d
        self.n_sums = 3 * layout.d
        self.spread = (many(2 * layout.d, layout.d), 0.25)

    def fold(
        self,
        rows: npt.NDArray[Any],
        kept: npt.NDArray[np.int64],
        pivot: npt.NDArray[np.float64],
        sums: npt.NDArray[np.float64],
    ) -> None:
        """Add bundles to P_1 .. P_d, T_1 .. T_d, Q_1 .. Q_d."""
        both_ways.fold(rows, kept, pivot, sums)

    def formulas(self, *, whole_field: bool) -> tuple[Formula, ...]:
        """Return S1 and ST."""
        del whole_field
        P, T, Q = (many(k * self._d, self._d) for k in range(3))
        return (Formula("S1", (P, Q), LinearRatio((2.0,))), Formula("ST", (T, Q), LinearRatio((1.0,))))
