"""The rules that tie the parts of a spec together, checked on whatever validated by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from parsl_sa.spec.dependence_rules import correlated_factors, dependence_rules
from parsl_sa.spec.design import ONE_AT_A_TIME, SOBOL_DIMENSIONS, DesignSpec
from parsl_sa.spec.distributions import PARAMETER_KINDS
from parsl_sa.spec.factors import group_rules
from parsl_sa.spec.input_rules import brought_parts, input_rules
from parsl_sa.spec.inputs import InputsSpec
from parsl_sa.spec.model import ModelSpec
from parsl_sa.spec.output_rules import base_rules
from parsl_sa.spec.outputs import OutputSpec
from parsl_sa.spec.parameter import ParameterSpec, trained_rules
from parsl_sa.spec.parts import Broken, Finding, Part, Steps
from parsl_sa.spec.statistics import STATISTIC_KINDS, spelled_out


def check(plain: Mapping[str, Any], broken: Broken) -> Iterator[Finding]:
    """Yield every fault that no field shows by itself.

    Parameters
    ----------
    plain : mapping
        The spec as written.
    broken : Broken
        What the field level found; a rule that needs one of these values stays silent.
    """
    model = Part.of(ModelSpec, plain.get("model"), ("model",), broken)
    design = Part.of(DesignSpec, plain.get("design"), ("design",), broken)
    inputs = Part.of(InputsSpec, plain.get("inputs"), ("inputs",), broken)
    parameters = _parameters(plain, broken)
    outputs = [
        Part.of(OutputSpec, item, ("outputs", index), broken)
        for index, item in enumerate(_entries(plain.get("outputs")))
    ]
    statistics = _statistics(plain, broken)

    everything = [*parameters, *brought_parts(inputs, broken)]

    yield from ModelSpec.rules(model)
    for parameter in parameters:
        yield from _kind(parameter.get("distribution")).rules(parameter)
        yield from trained_rules(parameter)
    yield from _repeated(everything, "the parameter")
    yield from _uncertain(everything, design)
    yield from input_rules(inputs, parameters, model, broken)
    yield from group_rules(inputs, everything)
    yield from dependence_rules(inputs, parameters, design, broken)
    yield from DesignSpec.rules(design)
    yield from _repeated(outputs, "the output")
    for output in outputs:
        yield from OutputSpec.rules(output)
        yield from base_rules(output, inputs)
    yield from _repeated(statistics, "the statistic", ())
    correlated = correlated_factors(inputs, parameters, design, broken)
    yield from _one_level(statistics)
    for statistic in statistics:
        yield from _sobol(statistic, design, correlated)
        yield from _effects(statistic, design)


def _entries(plain: Any) -> Iterable[Any]:
    return plain if isinstance(plain, list | tuple) else ()


def _tag(item: Any, key: str) -> str:
    tag = item.get(key) if isinstance(item, Mapping) else None
    return tag if isinstance(tag, str) else ""


def _kind(distribution: str | None) -> type[ParameterSpec]:
    # Where the distribution is unknown, the fields that all parameters share can still be judged.
    return PARAMETER_KINDS.get(distribution or "", ParameterSpec)


def _parameters(plain: Mapping[str, Any], broken: Broken) -> list[Part]:
    inputs = plain.get("inputs")
    written = inputs.get("parameters") if isinstance(inputs, Mapping) else None
    return [
        Part.of(_kind(_tag(item, "distribution")), item, ("inputs", "parameters", index), broken)
        for index, item in enumerate(_entries(written))
    ]


def _statistics(plain: Mapping[str, Any], broken: Broken) -> list[Part]:
    written = [spelled_out(item) for item in _entries(plain.get("statistics"))]
    return [
        Part.of(STATISTIC_KINDS[_tag(item, "name")], item, ("statistics", index), broken)
        for index, item in enumerate(written)
        if _tag(item, "name") in STATISTIC_KINDS
    ]


def _repeated(parts: Iterable[Part], what: str, place: tuple[str, ...] = ("name",)) -> Iterator[Finding]:
    first: dict[str, Part] = {}
    told: set[tuple[Steps, str]] = set()
    for part in parts:
        name = part.get("name")
        # Where the kind is unknown the name was never validated: it may be of any type.
        if not isinstance(name, str):
            continue
        if name in first:
            origin = Finding(first[name].steps, "").fault().place
            if (part.steps, origin) in told:  # a perturbation brings many parameters along
                continue
            told.add((part.steps, origin))
            yield part.finding(f"repeats {what} '{name}' of {origin}; names must differ", *place)
        else:
            first[name] = part


def _uncertain(parameters: list[Part], design: Part) -> Iterator[Finding]:
    place: Steps = ("inputs", "parameters")
    varying = [part for part in parameters if part.get("distribution") != "constant"]
    if parameters and not varying:
        yield Finding(place, "all are constant: give at least one of them a distribution to study")
    halves = 1 if design.get("method") == "monte-carlo" else 2
    dimensions = halves * len(varying)
    if design.get("sequence") == "sobol" and design.get("method") and dimensions > SOBOL_DIMENSIONS:
        yield Finding(
            place,
            f"{len(varying)} uncertain parameters need {dimensions} dimensions, but Sobol' sequences end at "
            f'{SOBOL_DIMENSIONS}; make some constant, or set design.sequence to "random"',
        )


def _one_level(statistics: list[Part]) -> Iterator[Finding]:
    stated = [(part, level) for part in statistics if isinstance(level := part.get("level"), float)]
    for part, level in stated[1:]:
        first, other = stated[0]
        if level != other:
            text = (
                f"is {level:g}, but that of '{first.get('name')}' is {other:g}; all intervals have one level"
            )
            yield part.finding(f"{text}: state it once", "level")


def _effects(statistic: Part, design: Part) -> Iterator[Finding]:
    method = design.get("method")
    if statistic.get("name") == "effects" and method and method != ONE_AT_A_TIME:
        yield statistic.finding(
            f'effects need the rows of a one-at-a-time design: set design.method to "{ONE_AT_A_TIME}", or '
            "leave effects out"
        )


def _sobol(statistic: Part, design: Part, correlated: tuple[str, ...]) -> Iterator[Finding]:
    if statistic.get("name") != "sobol":
        return
    if design.get("method") in {"monte-carlo", ONE_AT_A_TIME}:
        yield statistic.finding(
            'Sobol\' indices need the rows of a pick-freeze design: set design.method to "pick-freeze", '
            "or leave sobol out"
        )
        return
    if correlated and statistic.get("estimator") not in {None, "jansen-paired"}:
        yield statistic.finding(
            f"{', '.join(correlated)} are correlated, and their conditional rows are paired as jansen-paired "
            "alone pairs them; leave the estimator out",
            "estimator",
        )
    if correlated:
        if statistic.get("second_order"):
            yield statistic.finding(
                f"{', '.join(correlated)} are correlated, and S2 is for independent inputs; leave it out",
                "second_order",
            )
        return
    one_way = design.get("both_ways") is False
    if one_way and statistic.get("estimator") == "azzini-rosati":
        yield statistic.finding(
            "azzini-rosati needs the rows BA_i: set design.both_ways to true, or leave the estimator out",
            "estimator",
        )
    if one_way and statistic.get("second_order"):
        yield statistic.finding(
            "S2 needs the rows BA_i: set design.both_ways to true, or leave second_order out", "second_order"
        )
