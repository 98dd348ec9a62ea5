"""The statistics of a study and their options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from parsl_sa.registry import names
from parsl_sa.spec.fields import AsTuple, Level, PlugIn, Section, complain

if TYPE_CHECKING:
    from pydantic.annotated_handlers import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

LEVEL = 0.95
_LEVEL = (
    "Confidence level of the intervals, such as 0.99; one for all statistics. Null or left out takes that "
    "of the others, and 0.95 where none states one."
)


class MomentsSpec(Section):
    """Mean and variance, with intervals over replicates."""

    name: Literal["moments"] = Field(description="Name of the statistic.")
    level: Level | None = Field(default=None, description=_LEVEL)


class ExtremaSpec(Section):
    """Smallest and largest value seen."""

    name: Literal["extrema"] = Field(description="Name of the statistic.")


class EffectsSpec(Section):
    """Effects of one factor at a time, with intervals over replicates; needs design.method one-at-a-time."""

    name: Literal["effects"] = Field(description="Name of the statistic.")
    level: Level | None = Field(default=None, description=_LEVEL)


class SobolSpec(Section):
    """Sobol' indices of first, total and second order, with intervals over replicates."""

    name: Literal["sobol"] = Field(description="Name of the statistic.")
    estimator: Annotated[str, PlugIn("estimator")] | None = Field(
        default=None,
        description='The formula: "azzini-rosati" needs design.both_ways, the others do not use its rows. '
        "Null or left out takes azzini-rosati where both_ways is true, jansen-paired for "
        "correlated inputs, saltelli-jansen elsewhere; "
        "docs/choosing.md says why.",
    )
    second_order: bool = Field(
        default=False,
        description="Also form S2 of every pair of parameters, d (d - 1) / 2 indices a cell; needs "
        "design.both_ways.",
    )
    level: Level | None = Field(default=None, description=_LEVEL)


AnyStatistic = MomentsSpec | ExtremaSpec | EffectsSpec | SobolSpec

STATISTIC_KINDS: dict[str, type[Section]] = {
    get_args(kind.model_fields["name"].annotation)[0]: kind for kind in get_args(AnyStatistic)
}


def spelled_out(statistic: Any) -> Any:
    """Turn the short form of a statistic, its name alone, into the long one.

    Examples
    --------
    >>> spelled_out("moments")
    {'name': 'moments'}
    """
    return {"name": statistic} if isinstance(statistic, str) else statistic


def _long_form(statistic: Any) -> Any:
    if not isinstance(statistic, str | Mapping | Section):
        raise complain('must be a name such as "moments", or an object with a name and options')
    return spelled_out(statistic)


class _ShortForm:
    """Says in the JSON Schema that a name alone will do."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "enum": list(names("statistic"))}, handler(schema)]}


Statistic = Annotated[AnyStatistic, Field(discriminator="name"), BeforeValidator(_long_form), _ShortForm()]
Statistics = Annotated[tuple[Statistic, ...], AsTuple, Field(min_length=1)]


def default_statistics(method: str) -> tuple[AnyStatistic, ...]:
    """Return what a study computes when its spec asks for nothing in particular.

    Parameters
    ----------
    method : str
        Method of the design.
    """
    always = (MomentsSpec(name="moments"), ExtremaSpec(name="extrema"))
    if method == "one-at-a-time":
        return (*always, EffectsSpec(name="effects"))
    return (*always, SobolSpec(name="sobol")) if method == "pick-freeze" else always


def default_estimator(*, both_ways: bool, conditional: bool) -> str:
    """Return the estimator of Sobol' indices that suits the rows at hand; docs/choosing.md says why."""
    if conditional:
        return "jansen-paired"
    return "azzini-rosati" if both_ways else "saltelli-jansen"


def common_level(statistics: Iterable[AnyStatistic]) -> float:
    """Return the level that the statistics state, or the usual one."""
    stated = (item.level for item in statistics if not isinstance(item, ExtremaSpec))
    return next((level for level in stated if level is not None), LEVEL)


def resolved_statistic(
    statistic: AnyStatistic, *, level: float, both_ways: bool, conditional: bool
) -> AnyStatistic:
    """Fill in what a statistic leaves to the design and to the other statistics.

    Parameters
    ----------
    statistic : statistic of a spec
        With or without an estimator and a level.
    level : float
        That of all intervals.
    both_ways : bool
        Whether the design has the rows BA_i.
    conditional : bool
        Whether it has the rows of dependent inputs.
    """
    if isinstance(statistic, ExtremaSpec):
        return statistic
    filled: dict[str, Any] = {"level": level}
    if isinstance(statistic, SobolSpec) and statistic.estimator is None:
        filled["estimator"] = default_estimator(both_ways=both_ways, conditional=conditional)
    return statistic.model_copy(update=filled)
