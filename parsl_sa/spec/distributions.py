"""The distributions of uncertain parameters: their fields, and the rules that tie the fields together."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite, log
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field

from parsl_sa.spec.fields import LARGEST_EXACT, AsTuple, AsWhole, Label, Number, Positive, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

# A design of 52-bit points reaches 8.2 standard deviations; beyond this a lognormal value may overflow.
_REACH_SD = 8.3
_LARGEST_LOG = 709.0

_Exact = Annotated[int, Field(ge=-LARGEST_EXACT, le=LARGEST_EXACT), AsWhole]


class ParameterSpec(Section):
    """What every parameter states beside the fields of its distribution."""

    name: Label = Field(description="Name of the parameter; unique, shown in every table and plot.")
    unit: str = Field(default="", description='Physical unit, for example "deg"; shown, never computed with.')
    description: str = Field(default="", description="One line on what the parameter is, for reports.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:  # noqa: ARG003 - families with rules read it
        """Yield what is wrong between fields that are sound one by one.

        Parameters
        ----------
        part : Part
            The parameter's sound fields.
        """
        yield from ()


def _exceeds(part: Part, lower: str, upper: str, *, strictly: bool = True) -> Iterator[Finding]:
    low, high = part.get(lower), part.get(upper)
    if low is None or high is None:
        return
    if high < low or (strictly and high == low):
        words = "must exceed" if strictly else "must not be below"
        cure = '; a parameter that does not vary has "distribution": "constant"' if high == low else ""
        yield part.finding(f"{words} {lower} ({_shown(low)}); it is {_shown(high)}{cure}", upper)
    elif not isfinite(high - low):
        yield part.finding(f"high - low overflows double precision ({_shown(low)} to {_shown(high)})", upper)


def _shown(value: float) -> str:
    return repr(value) if isinstance(value, int) and abs(value) > LARGEST_EXACT else repr(float(value))


class UniformSpec(ParameterSpec):
    """Every value between two bounds equally likely."""

    distribution: Literal["uniform"] = Field(description="Kind of distribution.")
    low: Number = Field(description="Lower bound.")
    high: Number = Field(description="Upper bound; exceeds `low`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from _exceeds(part, "low", "high")


class LogUniformSpec(ParameterSpec):
    """The logarithm is uniform: every order of magnitude equally likely."""

    distribution: Literal["loguniform"] = Field(description="Kind of distribution.")
    low: Positive = Field(description="Lower bound; greater than 0, because its logarithm is taken.")
    high: Positive = Field(description="Upper bound; exceeds `low`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from _exceeds(part, "low", "high")


class NormalSpec(ParameterSpec):
    """Gaussian."""

    distribution: Literal["normal"] = Field(description="Kind of distribution.")
    mean: Number = Field(description="Mean.")
    sd: Positive = Field(description="Standard deviation; greater than 0.")


class TruncatedNormalSpec(ParameterSpec):
    """Gaussian cut off at one or both bounds."""

    distribution: Literal["truncated-normal"] = Field(description="Kind of distribution.")
    mean: Number = Field(description="Mean of the Gaussian before it is cut.")
    sd: Positive = Field(description="Standard deviation of the Gaussian before it is cut; greater than 0.")
    low: Number | None = Field(default=None, description="Lower bound; null or left out where there is none.")
    high: Number | None = Field(
        default=None, description="Upper bound; null or left out where there is none."
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        if not {"low", "high"} & part.broken and part.get("low") is None and part.get("high") is None:
            yield part.finding('needs "low", "high" or both; without a bound use "distribution": "normal"')
        yield from _exceeds(part, "low", "high")


class LogNormalSpec(ParameterSpec):
    """The logarithm is Gaussian."""

    distribution: Literal["lognormal"] = Field(description="Kind of distribution.")
    mean_log: Number = Field(description="Mean of ln(X), not of X.")
    sd_log: Positive = Field(description="Standard deviation of ln(X), not of X; greater than 0.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        mean, sd = part.get("mean_log"), part.get("sd_log")
        if mean is not None and sd is not None and mean + _REACH_SD * sd > _LARGEST_LOG:
            hint = ""
            if 0 < sd < mean:
                hint = (
                    f"; for X of mean {_shown(mean)} and standard deviation {_shown(sd)} "
                    f"write about {log(mean):.4g} and {sd / mean:.4g}"
                )
            yield part.finding(
                f"exp(mean_log + {_REACH_SD} sd_log) overflows: mean_log and sd_log describe ln(X){hint}",
                "mean_log",
            )


class TriangularSpec(ParameterSpec):
    """Density that rises in a line to the mode and falls in a line after it."""

    distribution: Literal["triangular"] = Field(description="Kind of distribution.")
    low: Number = Field(description="Lower bound.")
    mode: Number = Field(description="Most likely value, in [low, high].")
    high: Number = Field(description="Upper bound; exceeds `low`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from _exceeds(part, "low", "high")
        low, mode, high = (part.get(key) for key in ("low", "mode", "high"))
        if mode is None or (low is not None and high is not None and low > high):
            return
        if (low is not None and mode < low) or (high is not None and mode > high):
            bounds = f"{'?' if low is None else _shown(low)}, {'?' if high is None else _shown(high)}"
            yield part.finding(f"must lie in [low, high] = [{bounds}]; it is {_shown(mode)}", "mode")


class IntegerSpec(ParameterSpec):
    """Every whole number between two bounds, both included, equally likely."""

    distribution: Literal["integer"] = Field(description="Kind of distribution.")
    low: _Exact = Field(description="Smallest value, included.")
    high: _Exact = Field(description="Largest value, included; exceeds `low`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from _exceeds(part, "low", "high")


class ChoiceSpec(ParameterSpec):
    """One of some listed numbers."""

    distribution: Literal["choice"] = Field(description="Kind of distribution.")
    values: Annotated[tuple[Number, ...], AsTuple] = Field(
        min_length=2, description="The numbers to choose from; at least two, all different."
    )
    weights: Annotated[tuple[Positive, ...], AsTuple] | None = Field(
        default=None,
        description="Relative weight of each value, greater than 0, as many as values; null or left out "
        "where all are equally likely. They need not sum to 1.",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        for low, high in pairwise(sorted(part.get("values") or ())):
            if low == high:
                yield part.finding(
                    f"lists {_shown(low)} twice; give it once and use weights to make it more likely",
                    "values",
                )
                break
        values, weights = part.lengths.get("values"), part.lengths.get("weights")
        if values is not None and weights is not None and weights != values:
            yield part.finding(
                f"must have one weight for each of the {values} values; it has {weights}", "weights"
            )


class ConstantSpec(ParameterSpec):
    """A fixed value: a model input, but not an uncertain one."""

    distribution: Literal["constant"] = Field(description="Kind of distribution.")
    value: Number = Field(description="The value in every row.")


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
            yield part.finding(f"must differ from on ({_shown(on)}), or the switch does nothing", "off")


class JointSpec(ParameterSpec):
    """No distribution of its own: `inputs.dependence` draws it with others, from a table or a simplex."""

    distribution: Literal["joint"] = Field(description="Kind of distribution.")


AnyParameter = (
    UniformSpec
    | LogUniformSpec
    | NormalSpec
    | TruncatedNormalSpec
    | LogNormalSpec
    | TriangularSpec
    | IntegerSpec
    | ChoiceSpec
    | ConstantSpec
    | JointSpec
    | SwitchSpec
)

PARAMETER_KINDS: dict[str, type[ParameterSpec]] = {
    get_args(kind.model_fields["distribution"].annotation)[0]: kind for kind in get_args(AnyParameter)
}
