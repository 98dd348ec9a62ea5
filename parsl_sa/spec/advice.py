"""Warnings: what a sound spec will do that its writer may not expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.spec.design import FEWEST_FOR_INTERVALS, SMALLEST_REPLICATE, replicate_plan
from parsl_sa.spec.statistics import SobolSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.study import StudySpec


def warnings(spec: StudySpec) -> list[str]:
    """Return what the user should know before the study starts.

    Parameters
    ----------
    spec : StudySpec
        A sound spec.

    Returns
    -------
    list of str
        Each begins with its place in the spec; empty where all is as asked.
    """
    return [*_rounding(spec), *_intervals(spec), *_unused_rows(spec)]


def _rounding(spec: StudySpec) -> Iterator[str]:
    design = spec.design
    replicates, size = replicate_plan(design)
    planned = replicates * size
    if planned != design.n:
        whole = f"{replicates} replicate{'s' if replicates > 1 else ''} of {size} bundles"
        yield f"design.n: {design.n} is rounded up to {planned} = {whole}"
    if design.intervals and replicates < design.replicates:
        yield (
            f"design.replicates: {replicates} instead of {design.replicates}, because a replicate has at "
            f"least {SMALLEST_REPLICATE} bundles; n = {design.replicates * SMALLEST_REPLICATE} holds them all"
        )


def _intervals(spec: StudySpec) -> Iterator[str]:
    design = spec.design
    replicates, size = replicate_plan(design)
    if not design.intervals:
        yield "design.intervals: false runs one single sequence; no intervals will be reported"
    elif replicates < FEWEST_FOR_INTERVALS:
        cure = FEWEST_FOR_INTERVALS * max(size, SMALLEST_REPLICATE)
        yield (
            f"design.replicates: {replicates} are too few for intervals, which will be NaN; use at least "
            f"{FEWEST_FOR_INTERVALS}, with n = {cure} for instance"
        )


def _unused_rows(spec: StudySpec) -> Iterator[str]:
    design = spec.design
    if design.method != "pick-freeze":
        return
    sobol = [item for item in spec.resolved_statistics() if isinstance(item, SobolSpec)]
    if not sobol:
        yield (
            f"design.method: pick-freeze evaluates {len(spec.factors) + 2} rows or more a base point for "
            'Sobol\' indices, but statistics do not ask for sobol; "monte-carlo" evaluates one'
        )
    elif design.both_ways and sobol[0].estimator != "azzini-rosati" and not sobol[0].second_order:
        yield (
            f"design.both_ways: {sobol[0].estimator} does not use the rows BA_i, which nearly double the "
            "cost; set it to false"
        )
