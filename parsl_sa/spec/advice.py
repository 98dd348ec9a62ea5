"""Warnings: what a sound spec will do that its writer may not expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.spec.dependence_rules import SWITCH
from parsl_sa.spec.design import FEWEST_FOR_INTERVALS, ONE_AT_A_TIME, replicate_plan, smallest_replicate
from parsl_sa.spec.perturbations import MaskSpec
from parsl_sa.spec.statistics import EffectsSpec, SobolSpec

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
    return [
        *_rounding(spec),
        *_intervals(spec),
        *_repeated_bundles(spec),
        *_unused_rows(spec),
        *_blended_away(spec),
    ]


def _rounding(spec: StudySpec) -> Iterator[str]:
    design = spec.design
    replicates, size = replicate_plan(design)
    planned = replicates * size
    if planned != design.n:
        whole = f"{replicates} replicate{'s' if replicates > 1 else ''} of {size} bundles"
        yield f"design.n: {design.n} is rounded up to {planned} = {whole}"
    smallest = smallest_replicate(design.method)
    if design.intervals and replicates < design.replicates and not spec.deterministic:
        least = f"{smallest} bundle{'s' if smallest > 1 else ''}"
        yield (
            f"design.replicates: {replicates} instead of {design.replicates}, because a replicate has at "
            f"least {least}; n = {design.replicates * smallest} holds them all"
        )


def _intervals(spec: StudySpec) -> Iterator[str]:
    design = spec.design
    replicates, size = replicate_plan(design)
    if spec.deterministic:  # there is no sampling error
        return
    if not design.intervals:
        yield "design.intervals: false runs one single sequence; no intervals will be reported"
    elif replicates < FEWEST_FOR_INTERVALS:
        cure = FEWEST_FOR_INTERVALS * size
        yield (
            f"design.replicates: {replicates} are too few for intervals, which will be NaN; use at least "
            f"{FEWEST_FOR_INTERVALS}, with n = {cure} for instance"
        )


def _repeated_bundles(spec: StudySpec) -> Iterator[str]:
    if spec.deterministic and spec.design.n > 1:
        yield (
            f"design.n: nothing but switches varies, so {spec.design.n} base points give the same effects; "
            "1 is enough, and exact"
        )


def _blended_away(spec: StudySpec) -> Iterator[str]:
    for index, one in enumerate(spec.inputs.perturbations):
        if spec.design.method == ONE_AT_A_TIME and isinstance(one, MaskSpec) and one.distribution != SWITCH:
            yield (
                f"inputs.perturbations[{index}].distribution: '{one.distribution}' changes cells both ways, "
                "and such effects are 0 on average; to take cells away one at a time, say 'switch'"
            )


def _unused_rows(spec: StudySpec) -> Iterator[str]:
    design = spec.design
    if design.method == ONE_AT_A_TIME and not any(
        isinstance(item, EffectsSpec) for item in spec.resolved_statistics()
    ):
        yield (
            f"design.method: one-at-a-time evaluates {len(spec.factors) + 1} rows a base point for effects, "
            'but statistics do not ask for them; "monte-carlo" evaluates one'
        )
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
