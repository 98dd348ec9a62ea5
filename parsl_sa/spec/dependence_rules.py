"""The rules that tie a dependence to parameters, groups and design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parsl_sa.spec.correlation import matrix_rules
from parsl_sa.spec.dependence import DEPENDENCE_KINDS, linked
from parsl_sa.spec.design import ONE_AT_A_TIME
from parsl_sa.spec.factors import Names, factors_of
from parsl_sa.spec.parts import Finding, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from parsl_sa.spec.parts import Broken

JOINT = "joint"
SWITCH = "switch"
_DISCRETE = ("integer", "choice", "discrete", "ordinal", SWITCH)
_OF_JOINT = ("rows", "simplex")
_UNORDERED = "categorical"
_ORDER = 'if they have one, use "distribution": "ordinal"'


def dependence_rules(
    inputs: Part, parameters: Sequence[Part], design: Part, broken: Broken
) -> Iterator[Finding]:
    """Yield what is wrong with the dependence, and with parameters and design beside it.

    Parameters
    ----------
    inputs, design : Part
        What validated of them.
    parameters : sequence of Part
        What validated of each parameter.
    broken : Broken
        What the field level found.
    """
    found = [*_own_rules(inputs, parameters, broken)]
    yield from found
    if not found:
        yield from _design_rules(inputs, parameters, design)


def correlated_factors(
    inputs: Part, parameters: Sequence[Part], design: Part, broken: Broken
) -> tuple[str, ...]:
    """Return parameters of different factors that are correlated in a pick-freeze design.

    Empty where there are none, and where what validated does not tell.
    """
    if any(_own_rules(inputs, parameters, broken)):
        return ()
    crossing = _crossing(inputs, parameters)
    kind = inputs.get("dependence")["kind"] if crossing else ""
    return crossing[0] if is_conditional(design.get("method"), kind, crossing) else ()


def is_conditional(method: str | None, kind: str, crossing: Sequence[Sequence[str]]) -> bool:
    """Tell whether pick-freeze becomes the conditional design."""
    return method == "pick-freeze" and kind == "gaussian-copula" and bool(crossing)


def crossing_sets(
    plain: Mapping[str, Any], kinds: Mapping[str, str], groups: Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    """Return the sets of parameters that depend on each other and are not all in one factor.

    Parameters
    ----------
    plain : mapping
        A sound dependence.
    kinds : mapping of str to str
        Distribution of every uncertain parameter.
    groups : mapping of str to sequence of str
        Members of each group.
    """
    factors = factors_of(kinds, groups)
    factor_of = {name: factor for factor, names in factors.items() for name in names}
    joint = [name for name, kind in kinds.items() if kind == JOINT]
    return [names for names in linked(plain, joint) if len({factor_of[name] for name in names}) > 1]


def _own_rules(inputs: Part, parameters: Sequence[Part], broken: Broken) -> Iterator[Finding]:
    """Yield what is wrong with the dependence and its parameters, whatever the design."""
    plain = inputs.get("dependence")
    if _is_unclear(inputs, parameters):
        return
    kind = None if plain is None else plain["kind"]
    yield from _joint_rules(parameters, kind, plain)
    if kind is None:
        return
    part = Part.of(DEPENDENCE_KINDS[kind], plain, (*inputs.steps, "dependence"), broken)
    yield from _names(part, parameters, kind)
    if kind == "gaussian-copula":
        yield from matrix_rules(part)
    elif kind == "simplex":
        yield from _simplex(part)
    elif kind == "linear-constraints":
        yield from _constraints(part, parameters)


def _is_unclear(inputs: Part, parameters: Sequence[Part]) -> bool:
    """Tell whether faults of the field level leave nothing to conclude."""
    return "dependence" in inputs.broken or any({"name", "distribution"} & part.broken for part in parameters)


def _crossing(inputs: Part, parameters: Sequence[Part]) -> list[tuple[str, ...]]:
    plain, groups = inputs.get("dependence"), inputs.get("groups")
    if _is_unclear(inputs, parameters) or plain is None or groups is None:
        return []
    return crossing_sets(plain, _kinds(parameters), groups)


def _kinds(parameters: Sequence[Part]) -> dict[str, str]:
    """Return the distribution of every uncertain parameter."""
    kinds = {str(part.get("name")): str(part.get("distribution")) for part in parameters}
    return {name: kind for name, kind in kinds.items() if kind != "constant"}


def _is_discrete(part: Part) -> bool:
    kind = part.get("distribution")
    return kind in _DISCRETE or (kind == "empirical" and not part.get("interpolate"))


def _joint_rules(parameters: Sequence[Part], kind: str | None, plain: Any) -> Iterator[Finding]:
    joint = [part for part in parameters if part.get("distribution") == JOINT]
    listed = plain.get("parameters") if kind == "simplex" else None
    for part in joint:
        if kind not in _OF_JOINT:
            text = 'needs an inputs.dependence of the kind "rows" or "simplex", which says what it is'
            yield part.finding(f'"joint" {text}', "distribution")
        elif listed is not None and part.get("name") not in listed:
            yield part.finding(
                f"'{part.get('name')}' is not among inputs.dependence.parameters; add it, or give it a "
                "distribution",
                "distribution",
            )
    if kind == "rows" and not joint:
        text = 'no parameter takes a column of the table; declare those with "distribution": "joint"'
        yield Finding(("inputs", "dependence"), text)


def _names(part: Part, parameters: Sequence[Part], kind: str) -> Iterator[Finding]:
    """Judge the list of parameters, where the kind has one."""
    names, seen = Names(parameters), set[str]()
    for index, name in enumerate(part.get("parameters") or ()):
        wrong = names.fault(name)
        if not wrong and name in seen:
            wrong = f"lists '{name}' twice"
        if not wrong and kind == "simplex" and names.kinds[name] != JOINT:
            wrong = f'\'{name}\' has a distribution of its own; a share has "distribution": "joint"'
        if not wrong and names.kinds[name] == _UNORDERED:
            wrong = f"'{name}' is categorical: its levels have no order to follow others in; {_ORDER}"
        if wrong:
            yield part.finding(wrong, "parameters", index)
        seen.add(name)


def _simplex(part: Part) -> Iterator[Finding]:
    given, count = part.lengths.get("concentration"), part.lengths.get("parameters")
    if given is not None and given != count:
        yield part.finding(
            f"must be one number, or one for each of the {count} parameters; it has {given}", "concentration"
        )


def _constraints(part: Part, parameters: Sequence[Part]) -> Iterator[Finding]:
    names = Names(parameters)
    for index, each in enumerate(part.get("constraints") or ()):
        place = ("constraints", index)
        for name, factor in each["coefficients"].items():
            wrong = names.fault(name)
            if not wrong and names.kinds[name] == _UNORDERED:
                wrong = f"'{name}' is categorical: its codes are no quantities that could be added up"
            if wrong or factor == 0:
                yield part.finding(wrong or "must not be 0; leave it out", *place, "coefficients", name)
        low, high = each.get("at_least"), each.get("at_most")
        if low is None and high is None:
            yield part.finding('needs "at_most", "at_least" or both', *place)
        elif low is not None and high is not None and low >= high:
            text = "no random point meets an equation: leave a parameter out and compute it in the model"
            yield part.finding(f"must exceed at_least ({low:g}); it is {high:g}. {text}", *place, "at_most")


def _design_rules(inputs: Part, parameters: Sequence[Part], design: Part) -> Iterator[Finding]:
    """Yield why the design cannot exchange the factors."""
    crossing, method = _crossing(inputs, parameters), design.get("method")
    if method == ONE_AT_A_TIME:
        yield from _switches(inputs, parameters)
    if method not in {"pick-freeze", ONE_AT_A_TIME} or not crossing:
        return
    plain, names = inputs.get("dependence"), ", ".join(crossing[0])
    if plain["kind"] != "gaussian-copula" or method == ONE_AT_A_TIME:
        yield Finding(
            ("design", "method"),
            f"{method} exchanges parameters one by one, but {names} depend on each other: use "
            '"monte-carlo", or put them all in one group of inputs.groups',
        )
        return
    discrete = {str(part.get("name")) for part in parameters if _is_discrete(part)}
    for name in (name for each in crossing for name in each if name in discrete):
        yield inputs.finding(
            f"'{name}' is discrete, and its indices among correlated parameters would be those of the normal "
            f'score behind it: put {names} in one group of inputs.groups, or use "monte-carlo"',
            *("dependence", "parameters", plain["parameters"].index(name)),
        )
    if design.get("both_ways"):
        yield design.finding(
            f"correlated parameters ({names}) have no rows BA_i; set it to false, or put them in one group",
            "both_ways",
        )


def _switches(inputs: Part, parameters: Sequence[Part]) -> Iterator[Finding]:
    """Yield switches that depend on others, in a design that sets them whatever the others are."""
    plain, kinds = inputs.get("dependence"), _kinds(parameters)
    if plain is None or _is_unclear(inputs, parameters):
        return
    listed = plain.get("parameters") or [name for names in linked(plain, ()) for name in names]
    for name in (name for name in listed if kinds[name] == SWITCH):
        yield inputs.finding(
            f"'{name}' is a switch, which a one-at-a-time design sets to on or off whatever the others are; "
            "leave it out",
            "dependence",
        )
