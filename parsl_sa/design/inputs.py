"""The inputs of a study as columns: which vary together, and from the unit cube to physical units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from parsl_sa.design.marginals import Marginals
from parsl_sa.errors import DesignError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Seq

    from parsl_sa.design.protocol import Floats


@dataclass(frozen=True, eq=False)
class Factor:
    """Parameters that vary together: a group, or one parameter by itself.

    Parameters
    ----------
    name : str
        Of the group or the parameter.
    columns : ndarray of int
        Their columns in physical units, rising.
    coordinates : ndarray of int
        Their coordinates on the unit cube.
    """

    name: str
    columns: npt.NDArray[np.intp]
    coordinates: npt.NDArray[np.intp]


class Inputs:
    """Parameters in the order of the spec, and the factors they form.

    Parameters
    ----------
    marginals : Marginals
        The parameters.
    factors : sequence of Factor
        Every uncertain column in one of them.

    Examples
    --------
    >>> uniform = {"distribution": "uniform", "low": 0.0, "high": 1.0}
    >>> inputs = Inputs.of([{"name": name, **uniform} for name in "abc"], {"ends": ["c", "a"]})
    >>> [(factor.name, factor.columns.tolist()) for factor in inputs.factors]
    [('ends', [0, 2]), ('b', [1])]
    """

    def __init__(self, marginals: Marginals, factors: Seq[Factor]) -> None:
        self.marginals, self.factors = marginals, tuple(factors)
        self.dimensions, self.n_columns = marginals.d, marginals.n_columns

    @classmethod
    def of(cls, parameters: Seq[Mapping[str, Any]], groups: Mapping[str, Seq[str]] | None = None) -> Inputs:
        """Build inputs from the plain values of a spec.

        Parameters
        ----------
        parameters : sequence of mapping
            As for `Marginals.of`.
        groups : mapping of str to sequence of str, optional
            Names of the parameters of each group; all others stand by themselves.

        Raises
        ------
        DesignError
            If a parameter or a group is faulty; the message names the place.
        """
        marginals = Marginals.of(parameters)
        varying = marginals.varying
        members = _members([str(parameters[column].get("name", column)) for column in varying], groups or {})
        factors = [Factor(name, varying[places], np.array(places, np.intp)) for name, places in members]
        return cls(marginals, factors)

    @property
    def d(self) -> int:
        """Factors."""
        return len(self.factors)

    def physical(self, unit: Floats) -> Floats:
        """Map points of the unit cube to physical units.

        Parameters
        ----------
        unit : ndarray of float64, shape (..., dimensions)
            Values in (0, 1).

        Returns
        -------
        ndarray of float64, shape (..., n_columns)
            Constants filled in.
        """
        flat = self.marginals.physical(unit.reshape(-1, self.dimensions))
        return flat.reshape(*unit.shape[:-1], self.n_columns)


def _members(names: Seq[str], groups: Mapping[str, Seq[str]]) -> list[tuple[str, list[int]]]:
    """Return name and places among the uncertain parameters of every factor, in order of its first one."""
    group_of: dict[str, str] = {}
    for group, listed in groups.items():
        for index, name in enumerate(listed):
            place = f"inputs.groups.{group}[{index}]"
            if name not in names:
                raise DesignError(f"{place}: no uncertain parameter is called '{name}'")
            if name in group_of:
                raise DesignError(f"{place}: '{name}' is in the group '{group_of[name]}' already")
            group_of[name] = group
    members: list[tuple[str, list[int]]] = []
    begun: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        if name not in group_of:
            members.append((name, [column]))
        elif group_of[name] in begun:
            begun[group_of[name]].append(column)
        else:
            begun[group_of[name]] = [column]
            members.append((group_of[name], begun[group_of[name]]))
    return members
