"""Gaussian copula: parameters that keep their distributions and are correlated through latent normals."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from parsl_sa.errors import DesignError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parsl_sa.design.dependence import Origin
    from parsl_sa.design.marginals import Marginals
    from parsl_sa.design.protocol import Floats

_LOWEST = 2.0**-53
_PLACE = "inputs.dependence"


class GaussianCopula:
    """Correlation of the normal scores of parameters.

    Parameters
    ----------
    parameters : sequence of str
        Names; those left out are independent.
    correlation : sequence of sequence of float, optional
        Correlation matrix of the latent normals: of the parameters themselves where they are normal, of
        their logarithms where they are lognormal, of their normal scores elsewhere.
    rank_correlation : sequence of sequence of float, optional
        In its stead Spearman's rank correlations rho, exact for continuous parameters: the latent
        correlation is 2 sin(pi rho / 6) [1]_.

    Raises
    ------
    DesignError
        If not exactly one matrix is given, or it is no correlation matrix of full rank.

    References
    ----------
    .. [1] Kruskal (1958), Ordinal measures of association, J. Am. Stat. Assoc. 53, 814-861.
       doi:10.1080/01621459.1958.10501481

    Examples
    --------
    >>> copula = GaussianCopula(["a", "b", "c"], correlation=[[1, 0.6, 0], [0.6, 1, 0], [0, 0, 1]])
    >>> copula.linked
    (('a', 'b'),)
    """

    joint = False
    remarks: tuple[str, ...] = ()

    def __init__(
        self,
        parameters: Sequence[str],
        correlation: Sequence[Sequence[float]] | None = None,
        rank_correlation: Sequence[Sequence[float]] | None = None,
    ) -> None:
        if (correlation is None) == (rank_correlation is None):
            raise DesignError(f"{_PLACE}: needs either correlation or rank_correlation")
        if correlation is not None:
            place, latent = f"{_PLACE}.correlation", np.array(correlation, np.float64)
        else:
            place = f"{_PLACE}.rank_correlation"
            latent = latent_of_ranks(np.array(rank_correlation, np.float64))
        k = len(parameters)
        if latent.shape != (k, k) or (latent != latent.T).any() or (latent.diagonal() != 1).any():
            raise DesignError(f"{place}: must be symmetric with ones on its diagonal, {k} by {k}")
        linked = np.flatnonzero((latent != 0).sum(axis=0) > 1)
        self.correlation = latent[np.ix_(linked, linked)]
        self.parameters = tuple(parameters[i] for i in linked.tolist())
        self.carriers = len(linked)
        self.linked = _components(self.parameters, self.correlation)
        try:
            self._root = np.linalg.cholesky(self.correlation).astype(np.float64)
        except np.linalg.LinAlgError:
            raise DesignError(f"{place}: must be positive definite") from None

    def scores(self, unit: Floats) -> Floats:
        """Return latent normals of unit variance, correlated, of independent coordinates."""
        return weighted(ndtri(unit), self._root)

    def unit(self, scores: Floats) -> Floats:
        """Return the probabilities of latent normals, inside (0, 1)."""
        unit: Floats = np.clip(ndtr(scores), _LOWEST, 1 - _LOWEST)
        return unit

    def tie(self, marginals: Marginals) -> None:
        """Leave the distributions as they are; see `Dependence.tie`."""

    def join(self, unit: Floats, origin: Origin) -> Floats:  # noqa: ARG002 - see protocol
        """Turn independent coordinates into correlated ones; see `Dependence.join`."""
        return self.unit(self.scores(unit))

    def physical(self, unit: Floats) -> Floats:
        """Return nothing: the parameters have distributions of their own."""
        raise NotImplementedError

    def given(self, own: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Return how the latent normals follow from some of them.

        Parameters
        ----------
        own : ndarray of int
            Places of some of the parameters.

        Returns
        -------
        forward : ndarray, shape (carriers, len(own))
            Regression of every score on the own ones: E(z | z_own) = forward @ z_own.
        residual : ndarray, shape (len(own), carriers)
            What of the own ones the others do not tell: z_own - E(z_own | the others) = residual @ z.
        """
        within = np.ix_(own, own)
        forward = np.linalg.solve(self.correlation[within], self.correlation[own]).T
        residual = np.linalg.solve(self._precision[within], self._precision[own])
        # What rounding leaves of exact zeros would move columns that have nothing to do with each other.
        near = self._reach[:, own]
        return np.where(near, forward, 0.0), np.where(near.T, residual, 0.0)

    @cached_property
    def _precision(self) -> Floats:
        return np.linalg.inv(self.correlation).astype(np.float64)

    @cached_property
    def _reach(self) -> npt.NDArray[np.bool_]:
        """Tell which parameters depend on each other at all."""
        member = np.array([[name in names for name in self.parameters] for names in self.linked])
        reach: npt.NDArray[np.bool_] = (member[:, :, None] & member[:, None, :]).any(axis=0)
        return reach


def latent_of_ranks(rank_correlation: Floats) -> Floats:
    """Return the correlation of latent normals with given rank correlations.

    Examples
    --------
    >>> latent_of_ranks(np.array([[1.0, 0.5], [0.5, 1.0]])).round(6)
    array([[1.      , 0.517638],
           [0.517638, 1.      ]])
    """
    latent: Floats = 2 * np.sin(np.pi * rank_correlation / 6)
    np.fill_diagonal(latent, np.where(rank_correlation.diagonal() == 1, 1.0, latent.diagonal()))
    return latent


def weighted(columns: Floats, weights: Floats) -> Floats:
    """Return ``columns @ weights.T`` in an order of additions that does not depend on the number of rows.

    A product by BLAS has other last bits for one row than for many, and a bundle's rows must not.
    """
    total = columns[:, :1] * weights[:, 0]
    for place in range(1, columns.shape[1]):
        total += columns[:, place, None] * weights[:, place]
    return total


def _components(names: Sequence[str], correlation: Floats) -> tuple[tuple[str, ...], ...]:
    """Return the sets of names that correlations tie together, in order of their first one."""
    left, found = list(range(len(names))), []
    while left:
        reached, fresh = {left[0]}, [left[0]]
        while fresh:
            place = fresh.pop()
            near = {int(other) for other in np.flatnonzero(correlation[place])} - reached
            reached |= near
            fresh += near
        found.append(tuple(names[i] for i in sorted(reached)))
        left = [i for i in left if i not in reached]
    return tuple(found)
