"""Pick-freeze bundles: A, B and A with one factor at a time taken from B, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from parsl_sa.design.dependence import Origin
from parsl_sa.design.sequences import bundle_points
from parsl_sa.errors import DesignError
from parsl_sa.records import Layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence as Seq

    from parsl_sa.design.inputs import Inputs
    from parsl_sa.design.protocol import Floats, Sequence


class PickFreeze:
    """Sampler of Sobol' indices: rows A, B, AB_1 .. AB_d and, both ways, BA_1 .. BA_d.

    Parameters
    ----------
    inputs : Inputs
        The parameters and the factors they form; d counts the factors.
    sequence : callable
        Class of the sequence, called with (dimensions, replicate_bundles, seed, case).
    replicate_bundles : int
        Bundles of a replicate, a power of two.
    seed : int
        Seed of the design.
    both_ways : bool, optional
        Whether a bundle has the rows BA_i.
    case : int, optional
        Index of the base input studied.

    Raises
    ------
    DesignError
        If nothing varies, the sequence has not so many dimensions, or a factor depends on another.

    Notes
    -----
    A and B are the two halves of the coordinates of one sequence [1]_, never two stretches of a sequence
    of half the dimensions, whose points depend on each other. The columns of a group are exchanged
    together: its S1 is the closed index of the group, its ST the total one. A quantile is computed once
    for a base point and then copied, so a frozen column holds the same bits in all rows that share it.

    References
    ----------
    .. [1] Saltelli et al. (2010), Comput. Phys. Commun. 181, 259-270.
       doi:10.1016/j.cpc.2009.09.018
    """

    def __init__(
        self,
        inputs: Inputs,
        sequence: Callable[[int, int, int, int], Sequence],
        replicate_bundles: int,
        seed: int,
        *,
        both_ways: bool = False,
        case: int = 0,
    ) -> None:
        self.layout = Layout("pick-freeze", inputs.d, both_ways=both_ways)
        self.replicate_bundles = replicate_bundles
        if inputs.crossing:
            tied = ", ".join(inputs.crossing[0])
            raise DesignError(
                f"design.method: pick-freeze cannot exchange {tied} one by one; put them in a group"
            )
        self._inputs, self._seed, self._case = inputs, seed, case
        self._sequence = sequence(2 * inputs.dimensions, replicate_bundles, seed, case)

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `Sampler.remarks`."""
        return self._inputs.remarks

    def unit_rows(self, first: int, last: int) -> Floats:
        """Return bundles on the unit cube; see `Sampler.unit_rows`."""
        A, B = self._halves(first, last)
        return exchange(A, B, self._inputs.factor_coordinates, both_ways=self.layout.both_ways)

    def rows(self, first: int, last: int) -> Floats:
        """Return bundles in physical units; see `Sampler.rows`."""
        A, B = (self._inputs.physical(half) for half in self._halves(first, last))
        return exchange(A, B, self._inputs.factor_columns, both_ways=self.layout.both_ways)

    def _halves(self, first: int, last: int) -> list[Floats]:
        points = bundle_points(self._sequence, first, last)
        return [
            self._inputs.draw(half, Origin(self._seed, self._case, first, side))
            for side, half in enumerate(np.split(points, 2, axis=1))
        ]


def exchange(A: Floats, B: Floats, columns: Seq[npt.NDArray[np.intp]], *, both_ways: bool) -> Floats:
    """Write out the rows of pick-freeze bundles.

    Parameters
    ----------
    A, B : ndarray of float64, shape (n, n_columns)
        The two base rows of each bundle.
    columns : sequence of ndarray of int, length d
        The columns to exchange together, one array a factor.
    both_ways : bool
        Whether to add B with columns of A.

    Returns
    -------
    ndarray of float64, shape (n, d + 2 or 2 d + 2, n_columns)
        Rows A, B, AB_1 .. AB_d [, BA_1 .. BA_d] of each bundle.

    Examples
    --------
    >>> A, B = np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, 6.0]])
    >>> exchange(A, B, [np.array([0, 2]), np.array([1])], both_ways=True)[0]
    array([[1., 2., 3.],
           [4., 5., 6.],
           [4., 2., 6.],
           [1., 5., 3.],
           [1., 5., 3.],
           [4., 2., 6.]])
    """
    (n, n_columns), d = A.shape, len(columns)
    places = np.repeat(np.arange(d), [len(each) for each in columns])
    taken = np.concatenate(columns)
    rows = np.empty((n, 2 * d + 2 if both_ways else d + 2, n_columns))
    rows[:, 0], rows[:, 1] = A, B
    rows[:, 2 : d + 2] = A[:, None]
    rows[:, 2 + places, taken] = B[:, taken]
    if both_ways:
        rows[:, d + 2 :] = B[:, None]
        rows[:, d + 2 + places, taken] = A[:, taken]
    return rows
