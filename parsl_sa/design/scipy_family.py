"""Any continuous distribution of `scipy.stats` as a quantile function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import stats

from parsl_sa.design.refusal import is_finite, require, require_finite

if TYPE_CHECKING:
    from parsl_sa.design.protocol import Floats

# The outermost points of the lattice of `sequences`, and its middle.
_ENDS = np.array([2.0**-53, 0.5, 1 - 2.0**-53])


@dataclass(frozen=True)
class ScipyFamily:
    """A continuous distribution of SciPy by its name.

    Parameters
    ----------
    family : str
        Name in `scipy.stats`.
    shapes : mapping of str to float, optional
        Its shapes by SciPy's names; kept as sorted pairs.
    loc, scale : float, optional
        Shift and stretch (> 0).

    Notes
    -----
    Above the median the quantile is SciPy's inverse of the survival function at 1 - u, which is exact for the
    points of a sequence, so the upper tail is as good as the lower one. How good depends on the family: some
    are inverted by SciPy in closed form, others by a search, which is exact to about 1e-12 and slow.

    Examples
    --------
    >>> ScipyFamily("expon", scale=2.0).from_unit(np.array([0.5])).round(4)
    array([1.3863])
    """

    family: str
    shapes: Mapping[str, float] | tuple[tuple[str, float], ...] = ()
    loc: float = 0.0
    scale: float = 1.0
    uncertain: ClassVar[bool] = True
    _frozen: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_finite(self, "loc", "scale")
        require(self.scale > 0, f"scale: must exceed 0, not {self.scale}")
        kind: Any = getattr(stats, self.family, None) if isinstance(self.family, str) else None
        require(
            isinstance(kind, stats.rv_continuous),
            f"family: scipy.stats has no continuous distribution {self.family!r}",
        )
        require(isinstance(self.shapes, Mapping | tuple), f"shapes: must be a mapping, not {self.shapes!r}")
        shapes = dict(self.shapes)
        require(all(map(is_finite, shapes.values())), f"shapes: must be finite numbers, not {shapes}")
        object.__setattr__(self, "shapes", tuple(sorted(shapes.items())))
        try:
            object.__setattr__(self, "_frozen", kind(**shapes, loc=self.loc, scale=self.scale))
            with np.errstate(all="ignore"):  # what overflows is told below
                ends = self.from_unit(_ENDS)
        except TypeError as error:
            require(False, f"shapes: do not suit {self.family}: {error}")
        require(not np.isnan(ends[1]), f"shapes: make no {self.family} distribution: {shapes}")
        require(
            bool(np.isfinite(ends).all()),
            f"shapes: quantiles of {self.family} overflow or are unknown at 2^-53 of either end: {ends}",
        )

    def from_unit(self, unit: Floats) -> Floats:
        """Return quantiles."""
        lower = unit <= 0.5
        quantiles = np.empty(unit.shape)
        quantiles[lower] = self._frozen.ppf(unit[lower])
        quantiles[~lower] = self._frozen.isf(1 - unit[~lower])
        return quantiles
