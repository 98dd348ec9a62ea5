"""The estimators that are functions of products of rows: Saltelli, Martinez, Janon-Monod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from parsl_sa.stats.estimators.protocol import require_rows
from parsl_sa.stats.formula import (
    COUNT,
    Correlation,
    Formula,
    LinearRatio,
    OverPooledVariance,
    SymmetricCorrelation,
    many,
    one,
)
from parsl_sa.stats.kernels import correlated, paired

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from parsl_sa.records import Layout
    from parsl_sa.stats.formula import Evaluated, Floats


class _Products:
    """Sums about the pivot of a, a^2, b, b^2 | ab_i | ab_i^2 | a ab_i | b ab_i | (a - b)^2.

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
    4 d + 5 doubles a cell open. Means and variances of columns are not linear in sums over cells, so an index
    of a whole field is a ratio of differences, (b - ab_i)^2 = b^2 + ab_i^2 - 2 b ab_i and the like.
    """

    name: ClassVar[str]

    def __init__(self, layout: Layout) -> None:
        require_rows(layout, self.name)
        d = self._d = layout.d
        self.n_sums = 4 * d + 5
        self._a, self._a2, self._b, self._b2 = (one(k) for k in range(4))
        self._ab, self._ab2, self._a_ab, self._b_ab = (many(4 + k * d, d) for k in range(4))
        self._q = one(4 * d + 4)
        self.spread = (self._q, 0.5)

    def fold(
        self,
        rows: npt.NDArray[Any],
        kept: npt.NDArray[np.int64],
        pivot: npt.NDArray[np.float64],
        sums: npt.NDArray[np.float64],
    ) -> None:
        """Add bundles to the sums."""
        correlated.fold(rows, kept, pivot, sums[:-1])
        paired.fold(rows, kept, pivot, sums[-1:])  # without parameters: (a - b)^2 alone

    def formulas(self, *, whole_field: bool) -> tuple[Formula, ...]:
        """Return S1 and ST."""
        return (self._first_of_field(), self._total_of_field()) if whole_field else self._of_cells()

    def _of_cells(self) -> tuple[Formula, Formula]:
        raise NotImplementedError

    def _first_of_field(self) -> Formula:
        return Formula(
            "S1", (self._b2, self._ab2, self._b_ab, self._q), LinearRatio((-1.0, -1.0, 2.0), offset=1.0)
        )

    def _total_of_field(self) -> Formula:
        return Formula("ST", (self._a2, self._ab2, self._a_ab, self._q), LinearRatio((1.0, 1.0, -2.0)))


class _Correlations(_Products):
    """S1 is a correlation of B with AB_i, ST what is left of that of A with AB_i."""

    _correlation: ClassVar[type[Correlation | SymmetricCorrelation]]

    def _of_cells(self) -> tuple[Formula, Formula]:
        mixed = (self._ab, self._ab2, one(COUNT))
        return (
            Formula("S1", (self._b_ab, self._b, self._b2, *mixed), self._correlation(1.0, 0.0)),
            Formula("ST", (self._a_ab, self._a, self._a2, *mixed), self._correlation(-1.0, 1.0)),
        )


class Martinez(_Correlations):
    """S1 and ST from Pearson's correlations of rows.

    S1_i = corr(f(B), f(AB_i)) and ST_i = 1 - corr(f(A), f(AB_i)). The interval is that of the replicates: the
    usual one, by Fisher's transform, assumes Gaussian pairs and covers 78-80 % for ST of the Ishigami
    function.

    References
    ----------
    .. [1] Martinez (2011), Analyse de sensibilite globale par decomposition de la variance, GdR MASCOT-NUM.
    .. [2] Iooss and Lemaitre (2015), in Uncertainty Management in Simulation-Optimization of Complex Systems,
       Springer, 101-122 (a review that has it). doi:10.1007/978-1-4899-7547-8_5
    """

    name = "martinez"
    _correlation = Correlation


class JanonMonod(_Correlations):
    """S1 and ST from correlations with the mean and variance of both rows together.

    References
    ----------
    .. [1] Monod, Naud and Makowski (2006), in Working with Dynamic Crop Models, Elsevier, ch. 4.
    .. [2] Janon, Klein, Lagnoux, Nodet, Prieur (2014), ESAIM Probab. Stat. 18, 342-364, eq. 6.
       doi:10.1051/ps/2013040
    """

    name = "janon-monod"
    _correlation = SymmetricCorrelation


class Saltelli(_Products):
    """S1 from products of f(B) with differences, ST from squared differences, over the variance of A and B.

    S1_i = mean(f(B) (f(AB_i) - f(A))) / V and ST_i = mean((f(A) - f(AB_i))^2) / (2 V). f(B) is taken about
    the pivot: the product is not shift-invariant by itself, and far from 0 its noise would drown the index.

    References
    ----------
    .. [1] Saltelli, Annoni, Azzini, Campolongo, Ratto, Tarantola (2010), Comput. Phys. Commun. 181, 259-270,
       table 2 (b) and (f). doi:10.1016/j.cpc.2009.09.018
    """

    name = "saltelli-2010"

    def _of_cells(self) -> tuple[Formula, Formula]:
        # a b is (a^2 + b^2 - (a - b)^2) / 2; the pooled sums of A and B are sums of two rows each
        return (
            Formula(
                "S1",
                (self._b_ab, self._q, self._a, self._a2, self._b, self._b2, one(COUNT)),
                _saltelli_first,
            ),
            Formula(
                "ST",
                (self._ab2, self._a_ab, self._a, self._a2, self._b, self._b2, one(COUNT)),
                _saltelli_total,
            ),
        )

    def _first_of_field(self) -> Formula:
        sums = (self._b_ab, self._a2, self._b2, self._q)
        return Formula("S1", sums, LinearRatio((2.0, -1.0, -1.0), offset=1.0))


def _saltelli_first(*sums: Floats) -> Evaluated:
    b_ab, q, a, a2, b, b2, count = sums
    pooled = OverPooledVariance((1.0, -0.5, 0.5))
    value, (to_b_ab, to_a2_b2, to_q, to_s, to_s2, to_count) = pooled(b_ab, a2 + b2, q, a + b, a2 + b2, count)
    return value, (to_b_ab, to_q, to_s, to_a2_b2 + to_s2, to_s, to_a2_b2 + to_s2, to_count)


def _saltelli_total(*sums: Floats) -> Evaluated:
    ab2, a_ab, a, a2, b, b2, count = sums
    pooled = OverPooledVariance((0.5, -1.0, 0.5))
    value, (to_ab2, to_a_ab, to_a2, to_s, to_s2, to_count) = pooled(ab2, a_ab, a2, a + b, a2 + b2, count)
    return value, (to_ab2, to_a_ab, to_s, to_a2 + to_s2, to_s, to_s2, to_count)
