"""Distributions of separate values and of named levels: their fields, and the rules between them."""

from __future__ import annotations

from itertools import pairwise
from math import fsum, isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from parsl_sa.spec.fields import LARGEST_EXACT, AsTuple, AsWhole, Number, Positive, complain
from parsl_sa.spec.parameter import ParameterSpec, exceeds, shown_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

_Exact = Annotated[int, Field(ge=-LARGEST_EXACT, le=LARGEST_EXACT), AsWhole]
_Weights = Annotated[tuple[Positive, ...], AsTuple]
_WEIGHTS = "null or left out where all are equally likely. They need not sum to 1."

# Probabilities that are written with ten digits or so sum to 1 within this.
_SUM_TOLERANCE = 1e-9


class IntegerSpec(ParameterSpec):
    """Every whole number between two bounds, both included, equally likely."""

    distribution: Literal["integer"] = Field(description="Kind of distribution.")
    low: _Exact = Field(description="Smallest value, included.")
    high: _Exact = Field(description="Largest value, included; exceeds `low`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from exceeds(part, "low", "high")


class ChoiceSpec(ParameterSpec):
    """One of some listed numbers, by relative weights."""

    distribution: Literal["choice"] = Field(description="Kind of distribution.")
    values: Annotated[tuple[Number, ...], AsTuple] = Field(
        min_length=2, description="The numbers to choose from; at least two, all different."
    )
    weights: _Weights | None = Field(
        default=None,
        description=f"Relative weight of each value, greater than 0, as many as values; {_WEIGHTS}",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from _distinct(part, "values", "use weights to make it more likely")
        yield from _one_each(part, "values", "weights")


class DiscreteSpec(ParameterSpec):
    """One of some listed numbers, by probabilities that are known."""

    distribution: Literal["discrete"] = Field(description="Kind of distribution.")
    values: Annotated[tuple[Number, ...], AsTuple] = Field(
        min_length=2, description="The numbers that come up; at least two, all different."
    )
    probabilities: _Weights = Field(
        description="Probability of each value, greater than 0, as many as values; they sum to 1. For "
        'relative weights, which need not, there is "choice".'
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from _distinct(part, "values", "add its probabilities up")
        yield from _one_each(part, "values", "probabilities")
        total = fsum(part.get("probabilities") or (1.0,))
        if abs(total - 1) > _SUM_TOLERANCE:
            yield part.finding(
                f"must sum to 1; they sum to {total:.10g}. A value may be missing; relative weights are "
                'those of "distribution": "choice"',
                "probabilities",
            )


def _levels(given: Any, *, numbers: bool) -> Any:
    kinds = "texts, or numbers" if numbers else "texts"
    if not isinstance(given, list | tuple) or len(given) < 2:
        raise complain(f"must be a list of at least two {kinds}")
    if all(isinstance(level, str) for level in given):
        if any(not level.strip() or not level.isprintable() for level in given):
            raise complain("must be printable texts, for tables and plots; one is empty or is not")
    elif not numbers or not all(_is_number(level) for level in given):
        raise complain(f"must hold {kinds} alone")
    return tuple(given)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 2}
_RANKS = {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}, "minItems": 2}

Names = Annotated[Any, BeforeValidator(lambda given: _levels(given, numbers=False)), WithJsonSchema(_NAMES)]
Ranks = Annotated[Any, BeforeValidator(lambda given: _levels(given, numbers=True)), WithJsonSchema(_RANKS)]


class CategoricalSpec(ParameterSpec):
    """One of some named levels without an order; the model gets the place of the level, from 0."""

    distribution: Literal["categorical"] = Field(description="Kind of distribution.")
    levels: Names = Field(
        description='Names of the levels, such as ["rough", "smooth"]; at least two, all different. The '
        "model gets 0 for the first, 1 for the second, and so on."
    )
    weights: _Weights | None = Field(
        default=None,
        description=f"Relative weight of each level, greater than 0, as many as levels; {_WEIGHTS}",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from _distinct(part, "levels", "use weights to make it more likely")
        yield from _one_each(part, "levels", "weights")


class OrdinalSpec(ParameterSpec):
    """One of some levels in their order; the model gets the rank of the level, from 0."""

    distribution: Literal["ordinal"] = Field(description="Kind of distribution.")
    levels: Ranks = Field(
        description='The levels from the lowest to the highest: names such as ["low", "mid", "high"], or '
        "rising numbers; at least two. The model gets 0 for the first, 1 for the second, and so on; for the "
        'numbers themselves there are "choice" and "discrete".'
    )
    weights: _Weights | None = Field(
        default=None,
        description=f"Relative weight of each level, greater than 0, as many as levels; {_WEIGHTS}",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        levels = part.get("levels") or ()
        falls = [b for a, b in pairwise(levels) if isinstance(b, int | float) and b < a]
        yield from _distinct(part, "levels", "use weights to make it more likely")
        if falls:
            yield part.finding(f"must rise; {shown_number(falls[0])} stands after a larger number", "levels")
        yield from _one_each(part, "levels", "weights")


def _distinct(part: Part, key: str, cure: str) -> Iterator[Finding]:
    for one, next_one in pairwise(sorted(part.get(key) or ())):
        if one == next_one:
            shown = f"'{one}'" if isinstance(one, str) else shown_number(one)
            yield part.finding(f"lists {shown} twice; give it once and {cure}", key)
            break


def _one_each(part: Part, key: str, weights: str) -> Iterator[Finding]:
    count, given = part.lengths.get(key), part.lengths.get(weights)
    if count is not None and given is not None and given != count:
        one = "probability" if weights == "probabilities" else "weight"
        yield part.finding(f"must have one {one} for each of the {count} {key}; it has {given}", weights)


class SwitchSpec(ParameterSpec):
    """Something that is there or taken away, half of the time; one at a time: away in its own row alone."""

    distribution: Literal["switch"] = Field(description="Kind of distribution.")
    on: Number = Field(default=1.0, description="The value where it is there.")
    off: Number = Field(default=0.0, description="The value where it is taken away; differs from `on`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        on, off = part.get("on"), part.get("off")
        if on is not None and on == off:
            yield part.finding(f"must differ from on ({shown_number(on)}), or the switch does nothing", "off")
