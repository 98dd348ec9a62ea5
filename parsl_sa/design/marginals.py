"""The parameters of a study as columns: which vary, and from the unit cube to physical units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from parsl_sa.errors import DesignError
from parsl_sa.registry import UnknownPluginError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Seq

    from parsl_sa.design.protocol import Distribution, Floats

_LABELS = frozenset({"name", "distribution", "unit"})


@dataclass(frozen=True)
class Marginals:
    """Independent parameters in the order of the spec.

    Parameters
    ----------
    distributions : tuple of Distribution
        One a column; constants too.

    Examples
    --------
    >>> marginals = Marginals.of([
    ...     {"name": "chord", "distribution": "constant", "value": 2.0},
    ...     {"name": "alpha", "distribution": "uniform", "low": -1.0, "high": 3.0, "unit": "deg"},
    ... ])
    >>> marginals.d, marginals.n_columns
    (1, 2)
    >>> marginals.physical(np.array([[0.25], [0.75]]))
    array([[2., 0.],
           [2., 2.]])
    """

    distributions: tuple[Distribution, ...]

    @classmethod
    def of(cls, parameters: Seq[Mapping[str, Any]]) -> Marginals:
        """Build the distributions from the plain dicts of a spec.

        Parameters
        ----------
        parameters : sequence of mapping
            Each with `name`, `distribution`, the fields of that distribution, and perhaps `unit`.

        Raises
        ------
        DesignError
            If a distribution is unknown, or its fields are; the message names the place.
        """
        return cls(tuple(_distribution(index, parameter) for index, parameter in enumerate(parameters)))

    @property
    def n_columns(self) -> int:
        """Parameters, constants included."""
        return len(self.distributions)

    @property
    def d(self) -> int:
        """Uncertain parameters."""
        return len(self.varying)

    @cached_property
    def varying(self) -> npt.NDArray[np.intp]:
        """Columns of the uncertain parameters, rising."""
        return np.flatnonzero([distribution.uncertain for distribution in self.distributions])

    def of_columns(self, columns: npt.NDArray[np.intp]) -> Marginals:
        """Return some of the parameters."""
        return Marginals(tuple(self.distributions[column] for column in columns))

    def physical(self, unit: Floats) -> Floats:
        """Map points of the unit cube to physical units.

        Parameters
        ----------
        unit : ndarray of float64, shape (n, d)
            Coordinates of the uncertain parameters, in (0, 1).

        Returns
        -------
        ndarray of float64, shape (n, n_columns)
            Constants filled in.
        """
        physical = np.empty((len(unit), self.n_columns))
        place = 0
        for column, distribution in enumerate(self.distributions):
            # Contiguous, so that NumPy takes the same code path, and the same bits, whatever the stride.
            source = np.ascontiguousarray(unit[:, place]) if distribution.uncertain else np.empty(len(unit))
            physical[:, column] = distribution.from_unit(source)
            place += distribution.uncertain
        return physical


def _distribution(index: int, parameter: Mapping[str, Any]) -> Distribution:
    place = f"inputs.parameters[{index}]"
    fields = {key: value for key, value in parameter.items() if key not in _LABELS}
    if "distribution" not in parameter:
        raise DesignError(f"{place}.distribution: is missing")
    try:
        built: Distribution = resolve("distribution", parameter["distribution"])(**fields)
    except UnknownPluginError as error:
        raise DesignError(f"{place}.distribution: {error}") from error
    except TypeError as error:
        raise DesignError(f"{place}: wrong fields for {parameter['distribution']}: {error}") from error
    except DesignError as error:
        raise DesignError(f"{place}.{error}") from error
    return built
