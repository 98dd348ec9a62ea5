"""What a sampler, a sequence and a distribution owe to those who call them.

All three are functions of their constructor's arguments: two of them built alike return the same
bits anywhere, so that nothing about samples is ever stored or sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from parsl_sa.records import Layout

Floats: TypeAlias = npt.NDArray[np.float64]


class Sampler(Protocol):
    """The rows of any bundle of a study.

    A bundle's rows do not depend on the range they are asked in: a range is a slice of every larger
    one, bit for bit. Bundle b belongs to replicate ``b // replicate_bundles``. Bundles have no upper
    bound: an extended study asks for more of them.

    A sampler may keep what makes the next call cheap; one object serves one thread.
    """

    @property
    def layout(self) -> Layout:
        """Which rows a bundle has; its d counts the factors: groups, and uncertain parameters without one."""
        ...

    @property
    def replicate_bundles(self) -> int:
        """Bundles that share one scrambling."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know of the rows, each with its place in the spec."""
        ...

    def unit_rows(self, first: int, last: int) -> Floats:
        """Return bundles [first, last) on the unit cube.

        Returns
        -------
        ndarray of float64, shape (last - first, layout.n_rows, dimensions)
            Inside the open interval (0, 1): probabilities of the parameters in the order of the spec, and
            odd multiples of 2^-53 where they are independent. Joint parameters, which have no distribution
            of their own, have as many coordinates as they are made from.
        """
        ...

    def rows(self, first: int, last: int) -> Floats:
        """Return bundles [first, last) in physical units.

        Returns
        -------
        ndarray of float64, shape (last - first, layout.n_rows, n_columns)
            A column a parameter, constants included, in the order of the spec.
        """
        ...


class Sequence(Protocol):
    """Points on the unit cube, in replicates that are independent of each other.

    Its class is called with ``(dimensions, replicate_bundles, seed, case=0)``.
    """

    @property
    def dimensions(self) -> int:
        """Coordinates of a point."""
        ...

    @property
    def replicate_bundles(self) -> int:
        """Points of one replicate, a power of two."""
        ...

    def points(self, replicate: int, first: int, last: int) -> Floats:
        """Return points [first, last) of one replicate, counted from its own start.

        Returns
        -------
        ndarray of float64, shape (last - first, dimensions)
            Odd multiples of 2^-53: never 0, never 1, and 1 - u is exact.
        """
        ...


class Distribution(Protocol):
    """The marginal distribution of one parameter.

    Its class is called with the fields of the spec by keyword and raises `DesignError` on fields that
    make no distribution.
    """

    @property
    def uncertain(self) -> bool:
        """Whether the parameter varies, so that it is counted in d."""
        ...

    def from_unit(self, unit: Floats) -> Floats:
        """Return the quantiles at `unit`, values in the open interval (0, 1), elementwise."""
        ...
