"""Distributions on the real line: their fields, and the rules that tie the fields together."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from parsl_sa.spec.fields import Number, Positive
from parsl_sa.spec.parameter import ParameterSpec, exceeds, shown_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part

# A design of 52-bit points reaches 8.2 standard deviations; beyond this a lognormal value may overflow.
_REACH_SD = 8.3
_LARGEST_LOG = 709.0


class UniformSpec(ParameterSpec):
    """Every value between two bounds equally likely."""

    distribution: Literal["uniform"] = Field(description="Kind of distribution.")
    low: Number = Field(description="Lower bound.")
    high: Number = Field(description="Upper bound; exceeds `low`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from exceeds(part, "low", "high")


class LogUniformSpec(ParameterSpec):
    """The logarithm is uniform: every order of magnitude equally likely."""

    distribution: Literal["loguniform"] = Field(description="Kind of distribution.")
    low: Positive = Field(description="Lower bound; greater than 0, because its logarithm is taken.")
    high: Positive = Field(description="Upper bound; exceeds `low`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from exceeds(part, "low", "high")


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
        yield from exceeds(part, "low", "high")


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
                    f"; for X of mean {shown_number(mean)} and standard deviation {shown_number(sd)} "
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
        yield from exceeds(part, "low", "high")
        low, mode, high = (part.get(key) for key in ("low", "mode", "high"))
        if mode is None or (low is not None and high is not None and low > high):
            return
        if (low is not None and mode < low) or (high is not None and mode > high):
            bounds = (
                f"{'?' if low is None else shown_number(low)}, {'?' if high is None else shown_number(high)}"
            )
            yield part.finding(f"must lie in [low, high] = [{bounds}]; it is {shown_number(mode)}", "mode")


class BetaSpec(ParameterSpec):
    """Between two bounds, with a density of one hump, of a slope, or of two horns at the bounds."""

    distribution: Literal["beta"] = Field(description="Kind of distribution.")
    alpha: Positive = Field(
        description="First shape, greater than 0; the larger it is, the less lies near `low`."
    )
    beta: Positive = Field(
        description="Second shape, greater than 0; the larger it is, the less lies near `high`."
    )
    low: Number = Field(default=0.0, description="Lower bound.")
    high: Number = Field(default=1.0, description="Upper bound; exceeds `low`.")

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """See `ParameterSpec.rules`."""
        yield from exceeds(part, "low", "high")
