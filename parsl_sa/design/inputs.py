"""The inputs of a study as columns: which vary together, and from the unit cube to physical units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from parsl_sa.design.dependence import Joint
from parsl_sa.design.marginals import Marginals
from parsl_sa.errors import DesignError
from parsl_sa.registry import UnknownPluginError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Seq

    from parsl_sa.design.dependence import Dependence, Origin
    from parsl_sa.design.protocol import Floats

_PLACE = "inputs.dependence"


@dataclass(frozen=True, eq=False)
class Factor:
    """Parameters that vary together: a group, or one parameter by itself.

    Parameters
    ----------
    name : str
        Of the group or the parameter.
    columns : ndarray of int
        Their columns in physical units, rising.
    """

    name: str
    columns: npt.NDArray[np.intp]


class Inputs:
    """Parameters in the order of the spec, the factors they form, and how they depend on each other.

    Parameters
    ----------
    marginals : Marginals
        The parameters; joint ones have no numbers there.
    factors : sequence of Factor
        Every uncertain column in one of them.
    dependence : Dependence, optional
        Of some parameters; the others are independent.
    members : ndarray of int, optional
        Columns of the parameters of the dependence, in its order.

    Examples
    --------
    >>> uniform = {"distribution": "uniform", "low": 0.0, "high": 1.0}
    >>> inputs = Inputs.of([{"name": name, **uniform} for name in "abc"], {"ends": ["c", "a"]})
    >>> [(factor.name, factor.columns.tolist()) for factor in inputs.factors]
    [('ends', [0, 2]), ('b', [1])]
    """

    def __init__(
        self,
        marginals: Marginals,
        factors: Seq[Factor],
        dependence: Dependence | None = None,
        members: npt.NDArray[np.intp] | None = None,
    ) -> None:
        self.marginals, self.factors, self.dependence = marginals, tuple(factors), dependence
        self.n_columns = marginals.n_columns
        self.members = np.array([], np.intp) if members is None else members
        self.coordinates = _coordinates(marginals, dependence, self.members)
        self.dimensions = int(self.coordinates.max(initial=-1)) + 1

    @classmethod
    def of(
        cls,
        parameters: Seq[Mapping[str, Any]],
        groups: Mapping[str, Seq[str]] | None = None,
        dependence: Mapping[str, Any] | None = None,
    ) -> Inputs:
        """Build inputs from the plain values of a spec.

        Parameters
        ----------
        parameters : sequence of mapping
            As for `Marginals.of`.
        groups : mapping of str to sequence of str, optional
            Names of the parameters of each group; all others stand by themselves.
        dependence : mapping, optional
            With ``kind`` and the fields of that dependence.

        Raises
        ------
        DesignError
            If a parameter, a group or the dependence is faulty; the message names the place.
        """
        marginals = Marginals.of(parameters)
        varying = marginals.varying
        names = [str(parameters[column].get("name", column)) for column in varying]
        factors = [Factor(name, varying[places]) for name, places in _members(names, groups or {})]
        tied = None if dependence is None else _dependence(dependence)
        if tied is not None and not tied.parameters:
            tied = None
        joint = {
            names[i] for i, column in enumerate(varying) if isinstance(marginals.distributions[column], Joint)
        }
        if joint != (set(tied.parameters) if tied is not None and tied.joint else set()):
            raise DesignError(f"{_PLACE}: {', '.join(sorted(joint)) or 'no parameter'} is declared joint")
        if tied is None:
            return cls(marginals, factors)
        for name in tied.parameters:
            if name not in names:
                raise DesignError(f"{_PLACE}: no uncertain parameter is called '{name}'")
        members = varying[[names.index(name) for name in tied.parameters]]
        if not tied.joint:
            tied.tie(marginals.of_columns(members))
        return cls(marginals, factors, tied, members)

    @property
    def d(self) -> int:
        """Factors."""
        return len(self.factors)

    @cached_property
    def crossing(self) -> tuple[tuple[str, ...], ...]:
        """The sets of parameters that depend on each other and are not all in one factor."""
        if self.dependence is None:
            return ()
        column = dict(zip(self.dependence.parameters, self.members.tolist(), strict=True))
        factor_of = {c: place for place, factor in enumerate(self.factors) for c in factor.columns.tolist()}
        return tuple(
            names for names in self.dependence.linked if len({factor_of[column[name]] for name in names}) > 1
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know of the inputs, each with its place in the spec."""
        return () if self.dependence is None else self.dependence.remarks

    @property
    def carried(self) -> npt.NDArray[np.intp]:
        """Coordinates of the dependence."""
        carriers = 0 if self.dependence is None else self.dependence.carriers
        return self.coordinates[self.members[:carriers]]

    @cached_property
    def factor_coordinates(self) -> list[npt.NDArray[np.intp]]:
        """Coordinates of each factor."""
        places = [self.coordinates[factor.columns] for factor in self.factors]
        return [each[each >= 0] for each in places]

    @property
    def factor_columns(self) -> list[npt.NDArray[np.intp]]:
        """Columns of each factor."""
        return [factor.columns for factor in self.factors]

    def draw(self, points: Floats, origin: Origin) -> Floats:
        """Turn points of a sequence into coordinates that depend on each other as the parameters do.

        Parameters
        ----------
        points : ndarray of float64, shape (n, dimensions)
            Independent coordinates.
        origin : Origin
            Which points these are.

        Returns
        -------
        ndarray of float64, shape (n, dimensions)
            In (0, 1).
        """
        if self.dependence is None:
            return points
        drawn, places = points.copy(), self.carried
        drawn[:, places] = self.dependence.join(points[:, places], origin)
        return drawn

    def physical(self, unit: Floats) -> Floats:
        """Map points of the unit cube to physical units.

        Parameters
        ----------
        unit : ndarray of float64, shape (..., dimensions)
            Coordinates that `draw` returned.

        Returns
        -------
        ndarray of float64, shape (..., n_columns)
            Constants filled in.
        """
        flat = unit.reshape(-1, self.dimensions)
        if self.dependence is None or not self.dependence.joint:
            physical = self.marginals.physical(flat)
        else:
            # Joint parameters that carry no coordinate read another's, and are written over.
            physical = self.marginals.physical(flat[:, self.coordinates[self.marginals.varying]])
            physical[:, self.members] = self.dependence.physical(flat[:, self.carried])
        return physical.reshape(*unit.shape[:-1], self.n_columns)


def _coordinates(
    marginals: Marginals, dependence: Dependence | None, members: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return the coordinate of every column, -1 where it takes none: each the next, in order of the spec."""
    takes = np.zeros(marginals.n_columns, np.bool_)
    takes[marginals.varying] = True
    if dependence is not None:
        takes[members[dependence.carriers :]] = False
    return np.where(takes, np.cumsum(takes) - 1, -1)


def _dependence(plain: Mapping[str, Any]) -> Dependence:
    fields = {key: value for key, value in plain.items() if key != "kind"}
    try:
        built: Dependence = resolve("dependence", plain["kind"])(**fields)
    except UnknownPluginError as error:
        raise DesignError(f"{_PLACE}.kind: {error}") from error
    except KeyError as error:
        raise DesignError(f"{_PLACE}.{error.args[0]}: is missing") from error
    except TypeError as error:
        raise DesignError(f"{_PLACE}: wrong fields for {plain['kind']}: {error}") from error
    return built


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
