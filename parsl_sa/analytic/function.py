"""What a test function knows of itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from parsl_sa.errors import BundleShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Function:
    """A function with exact answers.

    Parameters
    ----------
    name : str
        Its name.
    parameters : tuple of dict
        The inputs as a spec states them: name, distribution and its fields.
    evaluate : callable
        From inputs of shape (n, d) to outputs of shape (n,) or (n, n_cells).
    mean, variance : ndarray of float64, shape () or (n_cells,)
        Exact moments of the output.
    S1, ST : ndarray of float64, shape (d,) or (d, n_cells)
        Exact Sobol' indices, first order and total.
    closed : callable, optional
        From a list of inputs, counted from 0, to their closed index: the share of the variance of which
        they are the cause alone or among themselves.
    """

    name: str
    parameters: tuple[dict[str, Any], ...]
    evaluate: Callable[[Floats], Floats]
    mean: Floats
    variance: Floats
    S1: Floats
    ST: Floats
    closed: Callable[[Sequence[int]], Floats] | None = None

    @property
    def d(self) -> int:
        """Number of inputs."""
        return len(self.parameters)

    def __call__(self, x: Floats) -> Floats:
        """Evaluate rows of inputs.

        Parameters
        ----------
        x : ndarray of float64, shape (n, d)
            Inputs in the units of `parameters`.

        Returns
        -------
        ndarray of float64, shape (n,) or (n, n_cells)
            Outputs.

        Raises
        ------
        BundleShapeError
            If `x` has another number of columns.
        """
        if x.ndim != 2 or x.shape[1] != self.d:
            raise BundleShapeError(f"{self.name} takes rows of shape (n, {self.d}), not {x.shape}")
        return self.evaluate(x)

    def of_groups(self, groups: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
        """Return the indices of groups of inputs.

        Parameters
        ----------
        groups : sequence of sequence of int
            Inputs of each group, counted from 0.

        Returns
        -------
        S1, ST : ndarray of float64, shape (n_groups,) or (n_groups, n_cells)
            Closed indices, and total ones: all of the variance less the closed index of the other inputs.

        Raises
        ------
        ValueError
            If this function does not know its closed indices.
        """
        if self.closed is None:
            raise ValueError(f"{self.name} has no closed indices")
        others = [[i for i in range(self.d) if i not in group] for group in groups]
        closed = np.array([self.closed(list(group)) for group in groups])
        return closed, 1 - np.array([self.closed(rest) for rest in others])


def sums_of(S1: Floats) -> Callable[[Sequence[int]], Floats]:
    """Return the closed index of an additive function, which is the sum of the first-order ones."""
    return partial(_sum_of, S1)


def _sum_of(S1: Floats, members: Sequence[int]) -> Floats:
    total: Floats = S1[list(members)].sum(axis=0)
    return total


def uniforms(d: int, low: float = 0.0, high: float = 1.0) -> tuple[dict[str, Any], ...]:
    """Return d parameters x1, x2, ... that are uniform on [low, high]."""
    return tuple(
        {"name": f"x{i}", "distribution": "uniform", "low": low, "high": high} for i in range(1, d + 1)
    )


def normals(means: Floats, sds: Floats) -> tuple[dict[str, Any], ...]:
    """Return Gaussian parameters x1, x2, ... of the given means and standard deviations."""
    return tuple(
        {"name": f"x{i}", "distribution": "normal", "mean": float(mean), "sd": float(sd)}
        for i, (mean, sd) in enumerate(zip(means, sds, strict=True), start=1)
    )
