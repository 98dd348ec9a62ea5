"""Paired differences, from d + 2 rows a bundle, or from the rows of a conditional design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.stats.estimators.protocol import require_rows
from parsl_sa.stats.formula import Formula, LinearRatio, many, one
from parsl_sa.stats.kernels import conditional, paired

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from parsl_sa.records import Layout


class JansenPaired:
    """S1 and ST as ratios of squared differences to those of A and B in the same bundles.

    Parameters
    ----------
    layout : Layout
        Pick-freeze, whose rows BA_i are not used where there are any, or conditional.

    Raises
    ------
    LayoutError
        If the layout is another.

    Notes
    -----
    With sums over bundles Q = sum (f(A) - f(B))^2, N_i = sum (f(B) - f(AB_i))^2 and
    T_i = sum (f(A) - f(AB_i))^2: S1_i = 1 - N_i / Q and ST_i = T_i / Q. Q is shared by all
    parameters: 2 d + 1 doubles a cell open; 6 d + 2 closed.

    Of a conditional design, N_i is taken between B and F_i, which share x_i only, and T_i between A and T_i,
    which share all but x_i: the full first-order index, which contains what x_i explains through its
    dependence on others, and the independent total index, which does not. They have names of their own.

    References
    ----------
    .. [1] Jansen (1999), Comput. Phys. Commun. 117, 35-43 (both squared differences; here with
       the variance from the pairs A, B). doi:10.1016/S0010-4655(98)00154-4
    .. [2] Mara, Tarantola and Annoni (2015), Environ. Model. Softw. 72, 173-183 (full and independent
    indices).
       doi:10.1016/j.envsoft.2015.07.010
    """

    def __init__(self, layout: Layout) -> None:
        require_rows(layout, "jansen-paired", conditional=True)
        self._d = layout.d
        self._conditional = layout.method == "conditional"
        self.n_sums = 2 * layout.d + 1
        self.spread = (one(0), 0.5)

    def fold(
        self,
        rows: npt.NDArray[Any],
        kept: npt.NDArray[np.int64],
        pivot: npt.NDArray[np.float64],
        sums: npt.NDArray[np.float64],
    ) -> None:
        """Add bundles to Q, N_1 .. N_d, T_1 .. T_d."""
        fold = conditional.fold if self._conditional else paired.fold
        fold(rows, kept, pivot, sums)

    def formulas(self, *, whole_field: bool) -> tuple[Formula, ...]:
        """Return S1 and ST, or S1_full and ST_independent of a conditional design."""
        del whole_field
        d = self._d
        first, total = ("S1_full", "ST_independent") if self._conditional else ("S1", "ST")
        return paired_formulas(first, total, d)


def paired_formulas(first: str, total: str, d: int) -> tuple[Formula, ...]:
    """Return both indices over sums Q, N_1 .. N_d, T_1 .. T_d."""
    return (
        Formula(first, (many(1, d), one(0)), LinearRatio((-1.0,), offset=1.0)),
        Formula(total, (many(1 + d, d), one(0)), LinearRatio((1.0,))),
    )
