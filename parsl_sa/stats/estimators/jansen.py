"""Jansen's estimator with the variance of A and B together, from d + 2 rows a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.stats.estimators.jansen_paired import paired_formulas
from parsl_sa.stats.estimators.protocol import require_rows
from parsl_sa.stats.formula import COUNT, Formula, OverPooledVariance, many, one
from parsl_sa.stats.kernels import paired, powers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from parsl_sa.records import Layout


class Jansen:
    """S1 and ST as squared differences over a pooled variance.

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
    With N_i and T_i as in `JansenPaired` and V the variance of all rows A and B: S1_i = 1 - N_i / (2 n V) and
    ST_i = T_i / (2 n V). Pooling pays for ST; for S1 the pairs of `JansenPaired` cancel more noise. 2 d + 3
    doubles a cell open. V is not linear in sums over cells, so a whole field is estimated as by
    `JansenPaired`, from the same sums.

    References
    ----------
    .. [1] Jansen (1999), Comput. Phys. Commun. 117, 35-43. doi:10.1016/S0010-4655(98)00154-4
    """

    def __init__(self, layout: Layout) -> None:
        require_rows(layout, "jansen")
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
        """Add bundles to Q, N_1 .. N_d, T_1 .. T_d, and sums of values and of squares of A and B."""
        paired.fold(rows, kept, pivot, sums[:-2])
        powers.fold(rows, kept, 2, pivot, sums[-2:])

    def formulas(self, *, whole_field: bool) -> tuple[Formula, ...]:
        """Return S1 and ST."""
        d = self._d
        if whole_field:
            return paired_formulas("S1", "ST", d)
        variance = (one(2 * d + 1), one(2 * d + 2), one(COUNT))
        return (
            Formula("S1", (many(1, d), *variance), OverPooledVariance((-0.5,), offset=1.0)),
            Formula("ST", (many(1 + d, d), *variance), OverPooledVariance((0.5,))),
        )
