"""What an estimator is: a family of sums over bundles and the indices that are functions of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from parsl_sa.errors import LayoutError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from parsl_sa.records import Layout
    from parsl_sa.stats.formula import Formula


class Estimator(Protocol):
    """Sums over bundles, and indices as functions of them.

    Attributes
    ----------
    n_sums : int
        Rows of its sums.
    spread : tuple of (ndarray of int64, float)
        Rows of sums of squared differences, one for all parameters or one a parameter, and the factor that
        makes variances of their means. A sum of 0 means that no index exists.
    """

    n_sums: int
    spread: tuple[npt.NDArray[np.int64], float]

    def fold(
        self,
        rows: npt.NDArray[Any],
        kept: npt.NDArray[np.int64],
        pivot: npt.NDArray[np.float64],
        sums: npt.NDArray[np.float64],
    ) -> None:
        """Add the bundles `kept` of `rows` to the sums, (n_sums, n_cells)."""
        ...

    def formulas(self, *, whole_field: bool) -> tuple[Formula, ...]:
        """Return the indices; those of a whole field are ratios, since its sums are sums over cells too."""
        ...


def require_rows(
    layout: Layout, estimator: str, *, both_ways: bool = False, conditional: bool = False
) -> None:
    """Refuse a layout that an estimator cannot be had from.

    Raises
    ------
    LayoutError
        With what to do instead.
    """
    if layout.method == "conditional":
        if not conditional:
            raise LayoutError(
                f"{estimator} is for independent inputs; with dependent ones use "
                '{"name": "sobol", "estimator": "jansen-paired"}'
            )
        return
    if layout.method != "pick-freeze":
        raise LayoutError(
            f"Sobol' indices by {estimator} need a pick-freeze design, not {layout.method}: set "
            'design.method to "pick-freeze", or leave the statistic "sobol" out'
        )
    if both_ways and not layout.both_ways:
        raise LayoutError(
            f"{estimator} needs the rows BA_i: set design.both_ways to true, or leave it out, and what suits "
            "the rows is taken"
        )
