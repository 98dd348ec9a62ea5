"""One-at-a-time bundles: a point, and the same point with one factor at a time taken from another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from parsl_sa.design.dependence import Origin
from parsl_sa.design.sequences import bundle_points
from parsl_sa.design.switch import Switch
from parsl_sa.errors import DesignError
from parsl_sa.records import Layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence as Seq

    from parsl_sa.design.inputs import Inputs
    from parsl_sa.design.protocol import Floats, Sequence


class OneAtATime:
    """Sampler of effects: the row A, and rows A with factor i of B for i = 1 .. d.

    Parameters
    ----------
    inputs, sequence, replicate_bundles, seed, case
        As in `PickFreeze`.
    both_ways : bool, optional
        Means nothing here and is ignored: there is no row B to come back from.

    Raises
    ------
    DesignError
        If nothing varies, the sequence has not so many dimensions, a factor depends on another, or a switch
        on anything.

    Notes
    -----
    The radial design of [1]_: every change of a bundle starts from the same point. A and B are the two halves
    of the coordinates of one sequence, as in `PickFreeze`. A `Switch` is on in A and off in B, whatever its
    coordinates: row i is everything there but factor i. If nothing but switches varies, all bundles are
    alike and one of them tells everything.

    References
    ----------
    .. [1] Campolongo, Saltelli and Cariboni (2011), From screening to quantitative sensitivity analysis. A
       unified approach, Comput. Phys. Commun. 182, 978-988. doi:10.1016/j.cpc.2010.12.039
    """

    def __init__(
        self,
        inputs: Inputs,
        sequence: Callable[[int, int, int, int], Sequence],
        replicate_bundles: int,
        seed: int,
        *,
        both_ways: bool = False,  # noqa: ARG002 - all samplers are called alike
        case: int = 0,
    ) -> None:
        self.layout = Layout("one-at-a-time", inputs.d)
        self.replicate_bundles = replicate_bundles
        if inputs.crossing:
            tied = ", ".join(inputs.crossing[0])
            raise DesignError(
                f"design.method: one-at-a-time cannot change {tied} one by one; put them in a group"
            )
        switches = [
            column
            for column, marginal in enumerate(inputs.marginals.distributions)
            if isinstance(marginal, Switch)
        ]
        if np.isin(switches, inputs.members).any():
            raise DesignError(
                "inputs.dependence: a switch of a one-at-a-time design is on in one row and off in another, "
                "whatever the others are; leave it out"
            )
        self._inputs, self._seed, self._case = inputs, seed, case
        self._switched = inputs.coordinates[switches]
        self._sequence = sequence(2 * inputs.dimensions, replicate_bundles, seed, case)

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `Sampler.remarks`."""
        return self._inputs.remarks

    def unit_rows(self, first: int, last: int) -> Floats:
        """Return bundles on the unit cube; see `Sampler.unit_rows`."""
        A, B = self._halves(first, last)
        return change(A, B, self._inputs.factor_coordinates)

    def rows(self, first: int, last: int) -> Floats:
        """Return bundles in physical units; see `Sampler.rows`."""
        A, B = (self._inputs.physical(half) for half in self._halves(first, last))
        return change(A, B, self._inputs.factor_columns)

    def _halves(self, first: int, last: int) -> list[Floats]:
        halves = np.split(bundle_points(self._sequence, first, last), 2, axis=1)
        for half, unit in zip(halves, (Switch.unit_on, Switch.unit_off), strict=True):
            half[:, self._switched] = unit
        return [
            self._inputs.draw(half, Origin(self._seed, self._case, first, side))
            for side, half in enumerate(halves)
        ]


def change(A: Floats, B: Floats, columns: Seq[npt.NDArray[np.intp]]) -> Floats:
    """Write out the rows of one-at-a-time bundles.

    Parameters
    ----------
    A, B : ndarray of float64, shape (n, n_columns)
        The base row of each bundle, and where changes are taken from.
    columns : sequence of ndarray of int, length d
        The columns to change together, one array a factor.

    Returns
    -------
    ndarray of float64, shape (n, d + 1, n_columns)
        Rows A, then A with the columns of factor i of B, of each bundle.

    Examples
    --------
    >>> A, B = np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, 6.0]])
    >>> change(A, B, [np.array([0, 2]), np.array([1])])[0]
    array([[1., 2., 3.],
           [4., 2., 6.],
           [1., 5., 3.]])
    """
    (n, n_columns), d = A.shape, len(columns)
    places = np.repeat(np.arange(d), [len(each) for each in columns])
    taken = np.concatenate(columns)
    rows = np.empty((n, d + 1, n_columns))
    rows[:] = A[:, None]
    rows[:, 1 + places, taken] = B[:, taken]
    return rows
