"""Random-access sequences on the unit cube: scrambled Sobol' points and counter-based random numbers."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import DesignError

if TYPE_CHECKING:
    from parsl_sa.design.protocol import Floats, Sequence

BITS = 52
"""Digits of a coordinate: k in [0, 2^52) stands for (k + 1/2) 2^-52, which a double holds exactly."""

SOBOL_DIMENSIONS = 21201
"""Dimensions that have direction numbers (Joe and Kuo)."""

_HALF_STEP = 2.0 ** -(BITS + 1)
_SKIP_VALUES = 1 << 20  # coordinates thrown away at a time while skipping: 8 MB


class ScrambledSobol:
    """Sobol' points whose every replicate has its own scrambling.

    Parameters
    ----------
    dimensions : int
        Coordinates of a point, at most 21201.
    replicate_bundles : int
        Points of a replicate, a power of two.
    seed : int
        Not negative; 0 is a seed like any other.
    case : int, optional
        Index of the base input studied; cases scramble independently.

    Raises
    ------
    DesignError
        If an argument is out of range.

    Notes
    -----
    SciPy's generator, a linear matrix scramble and a digital shift [1]_ [2]_ of 52 binary digits,
    seeded from (seed, case, replicate). Half a lattice step is added, which keeps a point in its
    stratum and off 0 and 1. The width of the scrambling does not depend on the number of points.

    A replicate's generator is kept until another replicate is asked for: leases of one replicate in
    rising order cost their own points only, any other order the points that are skipped as well
    (about 1.5 ns a coordinate). SciPy's `fast_forward` is not used: up to SciPy 1.17 at least it
    raises for more than 32 bits.

    References
    ----------
    .. [1] Matousek (1998), On the L2-discrepancy for anchored boxes, J. Complexity 14, 527-556.
       doi:10.1006/jcom.1998.0489
    .. [2] Joe and Kuo (2008), Constructing Sobol sequences with better two-dimensional projections,
       SIAM J. Sci. Comput. 30, 2635-2654. doi:10.1137/070709359

    Examples
    --------
    >>> sequence = ScrambledSobol(dimensions=2, replicate_bundles=8, seed=0)
    >>> points = sequence.points(replicate=3, first=0, last=8)
    >>> sorted((8 * points[:, 0]).astype(int).tolist())
    [0, 1, 2, 3, 4, 5, 6, 7]
    """

    def __init__(self, dimensions: int, replicate_bundles: int, seed: int, case: int = 0) -> None:
        self.dimensions, self.replicate_bundles = _sizes(dimensions, replicate_bundles)
        self.seed, self.case = _not_negative("seed", seed), _not_negative("case", case)
        if dimensions > SOBOL_DIMENSIONS:
            raise DesignError(
                f"design.sequence: Sobol' points have at most {SOBOL_DIMENSIONS} dimensions and this design"
                f' needs {dimensions}; use "random"'
            )
        self._engine: Any = None
        self._replicate = -1
        self._position = 0

    def __repr__(self) -> str:
        return _call(self)

    def points(self, replicate: int, first: int, last: int) -> Floats:
        """Return points [first, last) of a replicate; see `Sequence.points`."""
        _within(replicate, first, last, self.replicate_bundles)
        if first == last:
            return np.empty((0, self.dimensions))
        self._go_to(replicate, first)
        return self._draw(last - first) + _HALF_STEP

    def _go_to(self, replicate: int, position: int) -> None:
        """Place the generator of a replicate before the point at `position`."""
        if replicate != self._replicate:
            # Importing scipy.stats takes half a second, which only a run that draws points should pay.
            from scipy.stats import qmc  # noqa: PLC0415

            source = np.random.default_rng(_source(self.seed, self.case, replicate))
            self._engine = qmc.Sobol(self.dimensions, bits=BITS, rng=source)
            self._replicate, self._position = replicate, 0
        elif position < self._position:
            self._engine.reset()
            self._position = 0
        step = max(1, _SKIP_VALUES // self.dimensions)
        while self._position < position:
            self._draw(min(step, position - self._position))

    def _draw(self, n_points: int) -> Floats:
        """Draw the next points; the array may be the generator's own and must not be written to."""
        drawn: Floats
        if self._position == 0 and n_points & (n_points - 1):
            # SciPy warns of a first draw that is no power of two. Replicates are finished by whoever
            # asks for the rest of them, so the draw is cut in two instead of the warning silenced.
            drawn = np.concatenate([self._engine.random(1), self._engine.random(n_points - 1)])
        else:
            drawn = self._engine.random(n_points)
        self._position += n_points
        return drawn


class CounterRandom:
    """Independent uniform points by a counter-based generator.

    Parameters
    ----------
    dimensions, replicate_bundles, seed, case
        As in `ScrambledSobol`, without the limit on dimensions.

    Raises
    ------
    DesignError
        If an argument is out of range.

    Notes
    -----
    Philox 4x64 [1]_ keyed by (seed, case, replicate). A point owns ceil(dimensions / 4) consecutive
    counter values, so that any point is reached at once. The top 52 bits of each word are used.

    References
    ----------
    .. [1] Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC11.
       doi:10.1145/2063384.2063405

    Examples
    --------
    >>> sequence = CounterRandom(dimensions=3, replicate_bundles=8, seed=0)
    >>> bool((sequence.points(1, 0, 8)[5:6] == sequence.points(1, 5, 6)).all())
    True
    """

    def __init__(self, dimensions: int, replicate_bundles: int, seed: int, case: int = 0) -> None:
        self.dimensions, self.replicate_bundles = _sizes(dimensions, replicate_bundles)
        self.seed, self.case = _not_negative("seed", seed), _not_negative("case", case)

    def __repr__(self) -> str:
        return _call(self)

    def points(self, replicate: int, first: int, last: int) -> Floats:
        """Return points [first, last) of a replicate; see `Sequence.points`."""
        _within(replicate, first, last, self.replicate_bundles)
        counters = -(-self.dimensions // 4)
        key = _source(self.seed, self.case, replicate).generate_state(2, np.uint64)
        words = np.random.Philox(key=key, counter=first * counters).random_raw((last - first) * 4 * counters)
        lattice = words.reshape(last - first, 4 * counters)[:, : self.dimensions] >> np.uint64(64 - BITS)
        return lattice.astype(np.float64) * 2.0**-BITS + _HALF_STEP


def bundle_points(sequence: Sequence, first: int, last: int) -> Floats:
    """Return the points of bundles [first, last), counted over all replicates.

    Parameters
    ----------
    sequence : Sequence
        Where the points come from.
    first, last : int
        Half-open range of bundle indices, 0 <= first <= last.

    Returns
    -------
    ndarray of float64, shape (last - first, sequence.dimensions)
        One point a bundle.

    Raises
    ------
    DesignError
        If the range is none.
    """
    if not 0 <= first <= last:
        raise DesignError(f"bundles [{first}, {last}) are not a range")
    size = sequence.replicate_bundles
    stretches = [
        sequence.points(replicate, max(first - replicate * size, 0), min(last - replicate * size, size))
        for replicate in range(first // size, -(-last // size))
        if max(first, replicate * size) < min(last, (replicate + 1) * size)
    ]
    if len(stretches) == 1:
        return stretches[0]
    return np.concatenate([np.empty((0, sequence.dimensions)), *stretches])


def _source(seed: int, case: int, replicate: int) -> np.random.SeedSequence:
    """Return the entropy of one replicate; spawn keys keep replicates and cases apart for any seed."""
    return np.random.SeedSequence(entropy=seed, spawn_key=(case, replicate))


def _not_negative(name: str, value: int) -> int:
    """Return an explicit integer; None would mean entropy of the machine, and no input could be redone."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0 or isinstance(value, bool):
        raise DesignError(f"design.{name}: must be an integer >= 0, not {value!r}")
    return number


def _sizes(dimensions: int, replicate_bundles: int) -> tuple[int, int]:
    if dimensions < 1:
        raise DesignError("inputs.parameters: nothing varies; at least one must not be constant")
    if replicate_bundles < 1 or replicate_bundles & (replicate_bundles - 1):
        raise DesignError(f"a replicate has a power of two of bundles, not {replicate_bundles}")
    return dimensions, replicate_bundles


def _within(replicate: int, first: int, last: int, size: int) -> None:
    if replicate < 0 or not 0 <= first <= last <= size:
        raise DesignError(f"replicate {replicate} of {size} points has no points [{first}, {last})")


def _call(sequence: ScrambledSobol | CounterRandom) -> str:
    fields = ("dimensions", "replicate_bundles", "seed", "case")
    return f"{type(sequence).__name__}({', '.join(f'{f}={getattr(sequence, f)}' for f in fields)})"
