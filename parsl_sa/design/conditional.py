"""Conditional bundles: what pick-freeze becomes where factors are correlated through a Gaussian copula."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.design.copula import GaussianCopula, weighted
from parsl_sa.design.sequences import bundle_points
from parsl_sa.errors import DesignError
from parsl_sa.records import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from parsl_sa.design.inputs import Inputs
    from parsl_sa.design.protocol import Floats, Sequence


class Conditional:
    """Sampler of full first-order and independent total indices: rows A, B, F_1 .. F_d, T_1 .. T_d.

    Parameters
    ----------
    inputs : Inputs
        The parameters, correlated by a `GaussianCopula`.
    sequence, replicate_bundles, seed, case
        As in `PickFreeze`.
    both_ways : bool, optional
        Must be False: there are no rows BA_i.

    Raises
    ------
    DesignError
        If nothing varies, the sequence has not so many dimensions, the dependence is another one, or rows
        are asked for both ways.

    Notes
    -----
    With latent normals z and factor i: the others' part that factor i does not tell,
    r = z_-i - E(z_-i | z_i), is independent of z_i. So F_i, which is factor i of B and
    E(z_-i | z_i of B) + r of A, has the joint distribution of the inputs, shares factor i with B, and given
    that is independent of B: the mean of (f(B) - f(F_i))^2 / 2 is E Var(f | x_i), and one minus its share
    of the variance the *full* first-order index of [1]_, correlations included. Likewise T_i is A with
    factor i drawn anew as E(z_i | z_-i of A) + (z_i - E(z_i | z_-i)) of B; the mean of
    (f(A) - f(T_i))^2 / 2 is E Var(f | x_-i), whose share is the *independent* total index.

    Where a factor is independent of the others, F_i and T_i are both the AB_i of pick-freeze, bit for bit.

    References
    ----------
    .. [1] Mara, Tarantola and Annoni (2015), Non-parametric methods for global sensitivity analysis of
       model output with dependent inputs, Environ. Model. Softw. 72, 173-183.
       doi:10.1016/j.envsoft.2015.07.010
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
        if not isinstance(inputs.dependence, GaussianCopula):
            raise DesignError("design.method: conditional rows need a Gaussian copula")
        if both_ways:
            raise DesignError("design.both_ways: correlated factors have no rows BA_i; set it to false")
        self.layout = Layout("conditional", inputs.d)
        self.replicate_bundles = replicate_bundles
        self._inputs, self._copula = inputs, inputs.dependence
        self._sequence = sequence(2 * inputs.dimensions, replicate_bundles, seed, case)
        tied = inputs.members
        # Places of every factor among the correlated parameters; empty where it is independent of the rest.
        self._own = [np.flatnonzero(np.isin(tied, factor.columns)) for factor in inputs.factors]
        self._forward: list[Floats] = []
        self._residual: Floats = np.zeros((len(tied), len(tied)))
        for own in self._own:
            forward, residual = self._copula.given(own)
            self._forward.append(forward)
            self._residual[own] = residual

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `Sampler.remarks`."""
        return self._inputs.remarks

    def unit_rows(self, first: int, last: int) -> Floats:
        """Return bundles on the unit cube; see `Sampler.unit_rows`."""
        points = bundle_points(self._sequence, first, last)
        tied, d = self._inputs.carried, self.layout.d
        A, B = (half.copy() for half in np.split(points, 2, axis=1))
        z_A, z_B = self._copula.scores(A[:, tied]), self._copula.scores(B[:, tied])
        A[:, tied], B[:, tied] = self._copula.unit(z_A), self._copula.unit(z_B)
        change = z_B - z_A
        anew = B.copy()  # every factor drawn anew given all others of A
        anew[:, tied] = self._copula.unit(z_A + weighted(change, self._residual))
        rows = np.empty((len(A), self.layout.n_rows, self._inputs.dimensions))
        rows[:, 0], rows[:, 1] = A, B
        rows[:, 2:] = A[:, None]
        for i, (own, coordinates) in enumerate(zip(self._own, self._inputs.factor_coordinates, strict=True)):
            rows[:, 2 + i] = self._given(A, z_A, change, i) if len(own) else A
            rows[:, 2 + i, coordinates] = B[:, coordinates]
            rows[:, 2 + d + i, coordinates] = anew[:, coordinates] if len(own) else B[:, coordinates]
        return rows

    def rows(self, first: int, last: int) -> Floats:
        """Return bundles in physical units; see `Sampler.rows`."""
        return self._inputs.physical(self.unit_rows(first, last))

    def _given(self, A: Floats, z_A: Floats, change: Floats, i: int) -> Floats:
        """Return A after factor i has become that of B and the others have followed it."""
        followed = A.copy()
        z = z_A + weighted(change[:, self._own[i]], self._forward[i])
        followed[:, self._inputs.carried] = self._copula.unit(z)
        return followed
