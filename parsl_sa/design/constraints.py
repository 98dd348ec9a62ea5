"""Linear constraints: independent parameters, given that inequalities hold, by rejection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from parsl_sa.design.counters import points_at
from parsl_sa.errors import DesignError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from parsl_sa.design.dependence import Origin
    from parsl_sa.design.marginals import Marginals
    from parsl_sa.design.protocol import Floats

FEWEST_ACCEPTED = 1e-3
"""Share of candidates below which constraints are refused: a row would cost thousands of them."""

_PLACE = "inputs.dependence.constraints"
_TRIED = 1 << 14
_TRIAL_SIDE = 2  # the sides 0 and 1 are A and B
_VALUES_AT_ONCE = 1 << 20
_MOST_CANDIDATES = 1 << 24


class LinearConstraints:
    """Inequalities that parameters keep.

    Parameters
    ----------
    constraints : sequence of mapping
        Each with ``coefficients``, a mapping of names to factors, and ``at_least`` or ``at_most`` or both:
        bounds of the sum of factor times parameter.

    Notes
    -----
    The first candidate is the point of the sequence; the next ones come from a counter-based generator at
    the place (seed, case, bundle, side), so that a row is a function of these alone. Constraints that
    share no parameter are met each for itself.

    Examples
    --------
    >>> given = LinearConstraints([{"coefficients": {"a": 1, "b": -1}, "at_most": 0.5}])
    >>> given.parameters
    ('a', 'b')
    """

    joint = False

    def __init__(self, constraints: Sequence[Mapping[str, Any]]) -> None:
        self.parameters = tuple(dict.fromkeys(name for each in constraints for name in each["coefficients"]))
        self.carriers = len(self.parameters)
        n = len(constraints)
        self._factors = np.zeros((n, self.carriers))
        self._bounds = np.full((n, 2), (-np.inf, np.inf))
        for row, each in enumerate(constraints):
            for name, factor in each["coefficients"].items():
                self._factors[row, self.parameters.index(name)] = factor
            for side, key in enumerate(("at_least", "at_most")):
                if each.get(key) is not None:
                    self._bounds[row, side] = each[key]
        self._blocks = list(_blocks(self._factors != 0))
        self.linked = tuple(tuple(self.parameters[i] for i in columns) for columns, _ in self._blocks)
        self._marginals: list[Marginals] = []
        self.rates: tuple[float, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """How many candidates meet the constraints, once that was tried."""
        return tuple(
            f"{_PLACE}: {100 * rate:.2g} % of the candidates for {', '.join(names)} meet them, by a trial; "
            "the others are drawn again, which takes time but no forwards"
            for names, rate in zip(self.linked, self.rates, strict=True)
        )

    def tie(self, marginals: Marginals) -> None:
        """See how many of some thousand candidates meet the constraints; see `Dependence.tie`.

        Raises
        ------
        DesignError
            If hardly any does.
        """
        self._marginals = [marginals.of_columns(columns) for columns, _ in self._blocks]
        rates = []
        for block, (columns, _) in enumerate(self._blocks):
            lane = _lane(block, _TRIAL_SIDE)
            points = points_at(np.arange(_TRIED), np.arange(1), len(columns), lane=lane, key=(0, 0))[:, 0]
            rate = float(self._meets(points, block).mean())
            if rate < FEWEST_ACCEPTED:
                told = f"only {rate * _TRIED:.0f}" if rate else "none"
                names = ", ".join(self.linked[block])
                raise DesignError(
                    f"{_PLACE}: {told} of {_TRIED} candidates for {names} met them, and 1 in "
                    f"{1 / FEWEST_ACCEPTED:.0f} must; narrow the distributions to where the constraints hold"
                )
            rates.append(rate)
        self.rates = tuple(rates)

    def join(self, unit: Floats, origin: Origin) -> Floats:
        """Replace points that break a constraint; see `Dependence.join`."""
        joined, key = unit.copy(), _key(origin)
        for block, (columns, _) in enumerate(self._blocks):
            lane, d = _lane(block, origin.side), len(columns)
            left, begin = np.flatnonzero(~self._meets(np.ascontiguousarray(unit[:, columns]), block)), 1
            while len(left):
                if begin > _MOST_CANDIDATES:
                    raise DesignError(f"{_PLACE}: no candidate of {_MOST_CANDIDATES} met them")
                # How many are drawn at once changes the time alone: each has its own place.
                count = int(min(2 / self.rates[block] + 1, max(1, _VALUES_AT_ONCE // (len(left) * d))))
                points = points_at(
                    origin.first + left, np.arange(begin, begin + count), d, lane=lane, key=key
                )
                met = self._meets(points.reshape(-1, d), block).reshape(len(left), count)
                found = met.any(axis=1)
                joined[np.ix_(left[found], columns)] = points[found, met[found].argmax(axis=1)]
                left, begin = left[~found], begin + count
        return joined

    def physical(self, unit: Floats) -> Floats:
        """Return nothing: the parameters have distributions of their own."""
        raise NotImplementedError

    def _meets(self, unit: Floats, block: int) -> npt.NDArray[np.bool_]:
        """Tell which points meet the constraints of a block."""
        columns, rows = self._blocks[block]
        values, met = self._marginals[block].physical(unit), np.ones(len(unit), np.bool_)
        for row in rows:
            total = np.zeros(len(unit))
            for place, column in enumerate(columns):
                total += self._factors[row, column] * values[:, place]
            met &= (total >= self._bounds[row, 0]) & (total <= self._bounds[row, 1])
        return met


def _blocks(
    uses: npt.NDArray[np.bool_],
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Yield columns and rows of constraints that share parameters."""
    left = set(range(len(uses)))
    while left:
        rows = {min(left)}
        while True:
            columns = uses[sorted(rows)].any(axis=0)
            grown = rows | {row for row in left if (uses[row] & columns).any()}
            if grown == rows:
                break
            rows = grown
        left -= rows
        yield np.flatnonzero(columns), np.array(sorted(rows), np.intp)


def _lane(block: int, side: int) -> int:
    return 4 * block + side


def _key(origin: Origin) -> tuple[int, int]:
    """Return the key of a study; its spawn key is longer than any that a sequence takes."""
    source = np.random.SeedSequence(entropy=origin.seed, spawn_key=(origin.case, 0, 0, 0, 1))
    words = source.generate_state(2, np.uint32)
    return int(words[0]), int(words[1])
