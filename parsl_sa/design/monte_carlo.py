"""Plain Monte Carlo: one row a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.design.dependence import Origin
from parsl_sa.design.sequences import bundle_points
from parsl_sa.records import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from parsl_sa.design.inputs import Inputs
    from parsl_sa.design.protocol import Floats, Sequence


class MonteCarlo:
    """Sampler of moments, quantiles and everything else that needs no frozen columns.

    Parameters
    ----------
    inputs, sequence, replicate_bundles, seed, case
        As in `PickFreeze`.
    both_ways : bool, optional
        Means nothing here and is ignored: a bundle of one row has no way back.

    Raises
    ------
    DesignError
        If nothing varies, or the sequence has not so many dimensions.
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
        self.layout = Layout("monte-carlo", inputs.d)
        self.replicate_bundles = replicate_bundles
        self._inputs, self._seed, self._case = inputs, seed, case
        self._sequence = sequence(inputs.dimensions, replicate_bundles, seed, case)

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `Sampler.remarks`."""
        return self._inputs.remarks

    def unit_rows(self, first: int, last: int) -> Floats:
        """Return bundles on the unit cube; see `Sampler.unit_rows`."""
        points = bundle_points(self._sequence, first, last)
        return self._inputs.draw(points, Origin(self._seed, self._case, first))[:, None]

    def rows(self, first: int, last: int) -> Floats:
        """Return bundles in physical units; see `Sampler.rows`."""
        return self._inputs.physical(self.unit_rows(first, last))
