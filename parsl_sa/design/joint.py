"""Parameters without distributions of their own: rows of a table, and shares of a total."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv

from parsl_sa.design.refusal import is_finite, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parsl_sa.design.dependence import Origin
    from parsl_sa.design.marginals import Marginals
    from parsl_sa.design.protocol import Floats

_PLACE = "inputs.dependence"


class _Whole:
    """All parameters together, of which no part is independent of the rest.

    Parameters
    ----------
    parameters : sequence of str
        Names.
    carriers : int
        Coordinates that they take.
    """

    joint = True
    remarks: tuple[str, ...] = ()

    def __init__(self, parameters: Sequence[str], carriers: int) -> None:
        self.parameters, self.carriers = tuple(parameters), carriers
        self.linked = (self.parameters,)

    def tie(self, marginals: Marginals) -> None:
        """Take nothing: the parameters have no distributions; see `Dependence.tie`."""

    def join(self, unit: Floats, origin: Origin) -> Floats:  # noqa: ARG002 - see protocol
        """Return the coordinates as they are: `physical` makes of them what belongs together."""
        return unit


class Rows(_Whole):
    """Rows of a table of data, each as likely as another, with replacement.

    Parameters
    ----------
    parameters : sequence of str
        Names of the columns.
    values : ndarray of float64, shape (n_rows, n_columns)
        The table.

    Examples
    --------
    >>> Rows(["a", "b"], np.array([[1.0, 10.0], [2.0, 20.0]])).physical(np.array([[0.3], [0.8]]))
    array([[ 1., 10.],
           [ 2., 20.]])
    """

    def __init__(self, parameters: Sequence[str], values: Floats) -> None:
        super().__init__(parameters, carriers=1)
        self._values = np.ascontiguousarray(values, np.float64)
        require(
            self._values.ndim == 2 and self._values.shape[1] == len(parameters) and len(self._values) > 0,
            f"{_PLACE}.path: must have rows of {len(parameters)} numbers",
        )

    def physical(self, unit: Floats) -> Floats:
        """Return the row in whose stretch of (0, 1) the coordinate lies."""
        n_rows = len(self._values)
        rows: Floats = self._values[np.minimum((unit[:, 0] * n_rows).astype(np.intp), n_rows - 1)]
        return rows


class Simplex(_Whole):
    """Shares that are not negative and sum to a total: Dirichlet's distribution.

    Parameters
    ----------
    parameters : sequence of str
        Names; at least two.
    total : float, optional
        The sum, > 0.
    concentration : float or sequence of float, optional
        > 0, one for all or one each. 1 makes all points of the simplex equally likely; the mean share is
        the concentration over the sum of all, and the larger the concentrations, the less shares vary.

    Notes
    -----
    The sticks that are broken off one by one are Beta quantiles [1]_: k - 1 coordinates for k shares.

    References
    ----------
    .. [1] Connor and Mosimann (1969), Concepts of independence for proportions, J. Am. Stat. Assoc. 64,
       194-206. doi:10.1080/01621459.1969.10500963

    Examples
    --------
    >>> Simplex(["sand", "silt", "clay"], total=100.0).physical(np.array([[0.5, 0.5]])).round(3)
    array([[29.289, 35.355, 35.355]])
    """

    def __init__(
        self,
        parameters: Sequence[str],
        total: float = 1.0,
        concentration: float | Sequence[float] = 1.0,
    ) -> None:
        super().__init__(parameters, carriers=len(parameters) - 1)
        require(len(parameters) > 1, f"{_PLACE}.parameters: must be at least two")
        require(is_finite(total) and total > 0, f"{_PLACE}.total: must exceed 0, not {total!r}")
        given = [concentration] * len(parameters) if is_finite(concentration) else concentration
        alphas = np.array(given, np.float64)
        require(
            alphas.shape == (len(parameters),) and bool(np.isfinite(alphas).all() and (alphas > 0).all()),
            f"{_PLACE}.concentration: must be a number above 0, or {len(parameters)} of them",
        )
        self._total, self._alphas = float(total), alphas
        self._after = np.cumsum(alphas[::-1])[::-1] - alphas

    def physical(self, unit: Floats) -> Floats:
        """Return shares."""
        shares = np.empty((len(unit), len(self.parameters)))
        left = np.full(len(unit), self._total)
        for place in range(self.carriers):
            alpha, after = self._alphas[place], self._after[place]
            shares[:, place] = left * betaincinv(alpha, after, unit[:, place])
            left = left * betaincinv(after, alpha, 1 - unit[:, place])  # 1 - u is exact, 1 - quantile is not
        shares[:, -1] = left
        return shares
