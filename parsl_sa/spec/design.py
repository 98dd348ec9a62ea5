"""The design: which rule yields the inputs, how many, and how they fall into replicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from parsl_sa.spec.fields import AsWhole, Count, PlugIn, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

# Replicates are balanced at powers of two; smaller ones than this make poor interval samples of ratios.
SMALLEST_REPLICATE = 16
ONE_AT_A_TIME = "one-at-a-time"
# Below this many replicates the t interval over their totals is not reported.
FEWEST_FOR_INTERVALS = 8
# What the direction numbers of scrambled Sobol' sequences reach to.
SOBOL_DIMENSIONS = 21201
_LARGEST_N = 2**40
_ONE_WAY = {
    "monte-carlo": "whose bundle is a single row",
    ONE_AT_A_TIME: "whose changes all start from the base point",
}


class DesignSpec(Section):
    """The rule that yields the inputs, and its size."""

    method: Annotated[str, PlugIn("sampler")] = Field(
        default="pick-freeze",
        description='"pick-freeze" gives the rows A, B and AB_i that Sobol\' indices need; "one-at-a-time" '
        'gives a base point and its neighbours, for effects; "monte-carlo" gives independent rows for '
        "moments and extrema alone.",
    )
    sequence: Annotated[str, PlugIn("sequence")] = Field(
        default="sobol",
        description='"sobol" for scrambled quasi-random points, "random" for independent ones.',
    )
    n: Annotated[int, Field(ge=1, le=_LARGEST_N), AsWhole] = Field(
        description="Number of base points, rounded up to whole replicates. With d uncertain parameters, a "
        "group counted as one, a pick-freeze study evaluates the model n (d + 2) times, or n (2 d + 2) times "
        "with both_ways, and a one-at-a-time study n (d + 1) times."
    )
    replicates: Count = Field(
        default=16,
        description="Planned number of replicates: parts of the design of equal power-of-two size, each "
        "scrambled by itself, whose scatter gives the intervals. Fewer than 8 give none.",
    )
    both_ways: bool = Field(
        default=False,
        description="Also evaluate the rows BA_i: about twice the evaluations, and the better estimates of "
        "S1 by azzini-rosati.",
    )
    seed: Annotated[int, Field(ge=0, lt=2**63), AsWhole] = Field(
        default=0,
        description="Seed of the design; the same seed gives the same inputs, and 0 is a seed like others.",
    )
    intervals: bool = Field(
        default=True,
        description="false runs one single sequence instead of replicates: smaller errors, but no "
        "interval that would state them.",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """Yield what is wrong between fields that are sound one by one."""
        method = part.get("method")
        if method in _ONE_WAY and part.get("both_ways"):
            yield part.finding(
                f"has no meaning for {method}, {_ONE_WAY[method]}; leave it out or use "
                '"method": "pick-freeze"',
                "both_ways",
            )


def replicate_plan(design: DesignSpec) -> tuple[int, int]:
    """Cut a design into whole replicates.

    Parameters
    ----------
    design : DesignSpec
        With n base points and L planned replicates.

    Returns
    -------
    replicates : int
        Number of replicates used, so that they hold at least n base points.
    replicate_bundles : int
        Size of one: 2^floor(log2(n / L)) and at least the `smallest_replicate`; with ``intervals`` false,
        the power of two that holds all n in one replicate.

    Examples
    --------
    >>> replicate_plan(DesignSpec(n=4096))
    (16, 256)
    >>> replicate_plan(DesignSpec(n=5000))
    (20, 256)
    >>> replicate_plan(DesignSpec(n=5000, intervals=False))
    (1, 8192)
    >>> replicate_plan(DesignSpec(method="one-at-a-time", n=8))
    (8, 1)
    """
    if not design.intervals:
        return 1, 1 << (design.n - 1).bit_length()
    share = design.n // design.replicates
    # bit_length - 1 is floor(log2) without a float; a share of 0 or 1 ends at the smallest replicate.
    size = max(smallest_replicate(design.method), 1 << max(share.bit_length() - 1, 0))
    return -(-design.n // size), size


def smallest_replicate(method: str) -> int:
    """Return how few bundles a replicate may have: one for means of effects, more for ratios.

    Examples
    --------
    >>> smallest_replicate("one-at-a-time"), smallest_replicate("pick-freeze")
    (1, 16)
    """
    return 1 if method == ONE_AT_A_TIME else SMALLEST_REPLICATE
