"""The factors of a study: groups of parameters that vary together, and the parameters that are in none."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from parsl_sa.spec.fields import AsTuple, Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from parsl_sa.spec.parts import Finding, Part

Groups = dict[Label, Annotated[tuple[str, ...], AsTuple, Field(min_length=1)]]


def factors_of(names: Iterable[str], groups: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the parameters of every factor; a group stands where its first member stands.

    Parameters
    ----------
    names : iterable of str
        The uncertain parameters, in the order of the spec.
    groups : mapping of str to sequence of str
        Members of each group.

    Examples
    --------
    >>> factors_of(["a", "b", "c"], {"ends": ["c", "a"]})
    {'ends': ('a', 'c'), 'b': ('b',)}
    """
    group_of = {name: group for group, members in groups.items() for name in members}
    factors: dict[str, tuple[str, ...]] = {}
    for name in names:
        factor = group_of.get(name, name)
        factors[factor] = (*factors.get(factor, ()), name)
    return factors


def group_rules(inputs: Part, parameters: Sequence[Part]) -> Iterator[Finding]:
    """Yield what is wrong with the groups.

    Parameters
    ----------
    inputs : Part
        What validated of the inputs.
    parameters : sequence of Part
        What validated of each parameter.
    """
    names, taken = Names(parameters), dict[str, str]()
    for group, members in (inputs.get("groups") or {}).items():
        if group in names.kinds:
            yield inputs.finding("is the name of a parameter; call the group otherwise", "groups", group)
        for index, name in enumerate(members):
            wrong = names.fault(name)
            if not wrong and name in taken:
                same = taken[name] == group
                wrong = (
                    f"lists '{name}' twice" if same else f"'{name}' is in the group '{taken[name]}' already"
                )
            if wrong:
                yield inputs.finding(wrong, "groups", group, index)
            taken.setdefault(name, group)


class Names:
    """The names that groups and dependences may list.

    Parameters
    ----------
    parameters : sequence of Part
        What validated of each parameter.
    """

    def __init__(self, parameters: Sequence[Part]) -> None:
        self.kinds = {str(part.get("name")): str(part.get("distribution")) for part in parameters}
        self._complete = not any("name" in part.broken for part in parameters)

    def fault(self, name: str) -> str:
        """Say why a name is not that of an uncertain parameter; empty if it is, or if that cannot be told."""
        if name in self.kinds:
            constant = self.kinds[name] == "constant"
            return f"'{name}' is constant; list uncertain parameters" if constant else ""
        if not self._complete:
            return ""
        close = get_close_matches(name, self.kinds, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        known = ", ".join(key for key, kind in self.kinds.items() if kind != "constant")
        return f"no parameter is called '{name}'; {hint}known: {known}"
