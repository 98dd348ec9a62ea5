"""The rules that tie the parts of a spec together, checked on whatever validated by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from parsl_sa.spec.design import SOBOL_DIMENSIONS, DesignSpec
from parsl_sa.spec.distributions import AnyParameter, ParameterSpec
from parsl_sa.spec.model import ModelSpec
from parsl_sa.spec.outputs import OutputSpec
from parsl_sa.spec.parts import Broken, Finding, Part, Steps
from parsl_sa.spec.statistics import AnyStatistic, spelled_out

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True)
class _Family:
    """Objects told apart by one key; `fallback` is what they share where that key is unknown."""

    key: str
    kinds: Mapping[str, type[BaseModel]]
    fallback: type[BaseModel] | None = None

    @classmethod
    def of(cls, union: Any, key: str, fallback: type[BaseModel] | None = None) -> _Family:
        kinds = {get_args(kind.model_fields[key].annotation)[0]: kind for kind in get_args(union)}
        return cls(key, kinds, fallback)

    def part(self, item: Any, steps: Steps, broken: Broken) -> Part:
        """Keep the sound fields of a member."""
        tag = item.get(self.key) if isinstance(item, Mapping) else None
        kind = self.kinds.get(tag, self.fallback) if isinstance(tag, str) else self.fallback
        return Part(steps, {}) if kind is None else Part.of(kind, item, steps, broken)


PARAMETERS = _Family.of(AnyParameter, "distribution", ParameterSpec)
STATISTICS = _Family.of(AnyStatistic, "name")


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
    parameters = _parameters(plain, broken)
    outputs = [
        Part.of(OutputSpec, item, ("outputs", index), broken)
        for index, item in enumerate(_entries(plain.get("outputs")))
    ]
    statistics = _statistics(plain, broken)

    yield from ModelSpec.rules(model)
    for parameter in parameters:
        kind = PARAMETERS.kinds.get(str(parameter.get("distribution")), ParameterSpec)
        yield from kind.rules(parameter) if issubclass(kind, ParameterSpec) else ()
    yield from _repeated(parameters, "the parameter")
    yield from _uncertain(parameters, design)
    yield from DesignSpec.rules(design)
    for output in outputs:
        yield from OutputSpec.rules(output)
    yield from _repeated(outputs, "the output")
    yield from _repeated(statistics, "the statistic", ())
    for statistic in statistics:
        yield from _sobol(statistic, design)


def _entries(plain: Any) -> Iterable[Any]:
    return plain if isinstance(plain, list | tuple) else ()


def _parameters(plain: Mapping[str, Any], broken: Broken) -> list[Part]:
    inputs = plain.get("inputs")
    written = inputs.get("parameters") if isinstance(inputs, Mapping) else None
    return [
        PARAMETERS.part(item, ("inputs", "parameters", index), broken)
        for index, item in enumerate(_entries(written))
    ]


def _statistics(plain: Mapping[str, Any], broken: Broken) -> list[Part]:
    return [
        STATISTICS.part(spelled_out(item), ("statistics", index), broken)
        for index, item in enumerate(_entries(plain.get("statistics")))
    ]


def _repeated(parts: Iterable[Part], what: str, place: tuple[str, ...] = ("name",)) -> Iterator[Finding]:
    first: dict[str, Part] = {}
    for part in parts:
        name = part.get("name")
        # Where the kind is unknown the name was never validated: it may be of any type.
        if not isinstance(name, str):
            continue
        if name in first:
            origin = Finding(first[name].steps, "").fault().place
            yield part.finding(f"repeats {what} '{name}' of {origin}; names must differ", *place)
        else:
            first[name] = part


def _uncertain(parameters: list[Part], design: Part) -> Iterator[Finding]:
    place: Steps = ("inputs", "parameters")
    varying = [part for part in parameters if part.get("distribution") != "constant"]
    if parameters and not varying:
        yield Finding(place, "all are constant: give at least one of them a distribution to study")
    halves = 2 if design.get("method") == "pick-freeze" else 1
    dimensions = halves * len(varying)
    if design.get("sequence") == "sobol" and design.get("method") and dimensions > SOBOL_DIMENSIONS:
        yield Finding(
            place,
            f"{len(varying)} uncertain parameters need {dimensions} dimensions, but Sobol' sequences end at "
            f'{SOBOL_DIMENSIONS}; make some constant, or set design.sequence to "random"',
        )


def _sobol(statistic: Part, design: Part) -> Iterator[Finding]:
    if statistic.get("name") != "sobol":
        return
    if design.get("method") == "monte-carlo":
        yield statistic.finding(
            'Sobol\' indices need the rows of a pick-freeze design: set design.method to "pick-freeze", '
            "or leave sobol out"
        )
    elif statistic.get("estimator") == "azzini-rosati" and design.get("both_ways") is False:
        yield statistic.finding(
            'azzini-rosati needs the rows BA_i: set design.both_ways to true, or use "jansen-paired"',
            "estimator",
        )
