"""The faults of the field level: what pydantic found, in the user's words and with the cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from parsl_sa.registry import names
from parsl_sa.spec.fields import OWN_WORDS, known_names
from parsl_sa.spec.parts import Finding, Steps

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

# Discriminating key of a family of objects -> its plug-in table.
_FAMILIES = {"distribution": "distribution", "name": "statistic", "kind": "dependence"}
_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text in double quotes",
    "bool_type": "true or false",
    "tuple_type": "a list: [...]",
    "dict_type": "an object: {...}",
    "model_type": "an object: {...}",
    "model_attributes_type": "an object: {...}",
}
_BOUNDS = (("gt", "greater than"), ("ge", "at least"), ("lt", "less than"), ("le", "at most"))
_LONGEST_SHOWN = 40


def translate(error: ValidationError, root: type[BaseModel]) -> list[Finding]:
    """Turn pydantic's error into findings.

    Parameters
    ----------
    error : ValidationError
        Of validating a plain spec.
    root : type
        The class that it was validated with.

    Returns
    -------
    list of Finding
        One for each fault, in pydantic's order.
    """
    return [_finding(details, root) for details in error.errors(include_url=False) if not _is_echo(details)]


def _is_echo(details: ErrorDetails) -> bool:
    # A list long enough as written is "too short after validation" only because of entries reported anyway.
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _finding(details: ErrorDetails, root: type[BaseModel]) -> Finding:
    steps, owner, field = _trace(details["loc"], root)
    kind = details["type"]
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _tag_finding(steps, details)
    if kind in _KINDS:
        return Finding(steps, f"must be {_KINDS[kind]}; it is {shown(details['input'])}")
    word = _WORDING.get(kind)
    message = details["msg"] if word is None else word(_Fault(steps, details, owner, field))
    return Finding(steps, message)


class _Fault:
    """One of pydantic's errors beside the class and the field that it concerns."""

    def __init__(
        self, steps: Steps, details: ErrorDetails, owner: type[BaseModel] | None, field: FieldInfo | None
    ) -> None:
        self.key = str(steps[-1]) if steps else ""
        self.input = details["input"]
        self.context: Mapping[str, Any] = details.get("ctx", {})
        self.keys = tuple(owner.model_fields) if owner else ()
        self.description = (field.description or "") if field else ""
        self.metadata = tuple(field.metadata) if field else ()

    def explained(self, message: str) -> str:
        """Add what the field is for, which is the cure of a value that does not fit it."""
        return f"{message}. {self.description}" if self.description else message


def _missing(fault: _Fault) -> str:
    if fault.key == "spec_version":
        return 'is missing; add "spec_version": 1'
    return fault.explained("is missing")


def _unknown_key(fault: _Fault) -> str:
    close = get_close_matches(fault.key, fault.keys, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    return f"unknown key{hint} Known keys: {', '.join(fault.keys)}"


def _out_of_range(fault: _Fault) -> str:
    # A field's own two bounds make one sentence; an entry of a list has only the bound that it broke.
    bounds = [
        f"{words} {getattr(item, name):.16g}"
        for item in fault.metadata
        for name, words in _BOUNDS
        if getattr(item, name, None) is not None
    ]
    bounds = bounds or [
        f"{words} {fault.context[name]:.16g}" for name, words in _BOUNDS if name in fault.context
    ]
    return fault.explained(f"must be {' and '.join(bounds)}; it is {shown(fault.input)}")


def _too_short(fault: _Fault) -> str:
    least = fault.context["min_length"]
    entries = "entry" if least == 1 else "entries"
    return fault.explained(f"needs at least {least} {entries}; it has {len(fault.input)}")


def _literal(fault: _Fault) -> str:
    if fault.key == "spec_version":
        reads = f"must be {fault.context['expected']}, which this parsl-sa reads; it is {shown(fault.input)}"
        return f"{reads}. Use the parsl-sa that it was written for, or bring the spec to that version"
    return f"must be {fault.context['expected']}; it is {shown(fault.input)}"


_WORDING: dict[str, Callable[[_Fault], str]] = {
    OWN_WORDS: lambda fault: str(fault.context["message"]),
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "greater_than": _out_of_range,
    "greater_than_equal": _out_of_range,
    "less_than": _out_of_range,
    "less_than_equal": _out_of_range,
    "too_short": _too_short,
    "string_too_short": lambda fault: fault.explained("must not be empty"),
    "literal_error": _literal,
    "finite_number": lambda fault: f"must be a finite number; it is {shown(fault.input)}",
}


def _tag_finding(steps: Steps, details: ErrorDetails) -> Finding:
    key = str(details.get("ctx", {})["discriminator"]).strip("'")
    family = "perturbation" if "perturbations" in steps else _FAMILIES[key]
    known = names(family)
    written = details["input"]
    given = written.get(key) if isinstance(written, Mapping) else written
    short = not isinstance(written, Mapping)
    place = steps if short else (*steps, key)
    if isinstance(given, str):
        return Finding(place, f"unknown {family} '{given}'; {known_names(given, known)}")
    if given is None and not short and key not in written:
        typo = get_close_matches(key, [str(other) for other in written], n=1)
        hint = f" ('{typo[0]}' may be a misspelling of it)" if typo else ""
        return Finding(place, f"is missing{hint}. Known: {', '.join(known)}")
    return Finding(place, f"must be one of {', '.join(known)}; it is {shown(given)}")


def shown(value: Any) -> str:
    """Show a faulty value in a message, in JSON's words and not too long.

    Examples
    --------
    >>> shown("ten"), shown(None), shown([1, 2]), shown(2.5)
    ("the text 'ten'", 'null', 'a list', '2.5')
    """
    if isinstance(value, str):
        text = value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 3] + "..."
        return f"the text {text!r}"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of too many digits"
    return repr(value)


def _trace(
    loc: tuple[str | int, ...], root: type[BaseModel]
) -> tuple[Steps, type[BaseModel] | None, FieldInfo | None]:
    """Follow pydantic's path through the classes of the spec.

    Pydantic's path also names the member of a family that it chose (``parameters, 2, "uniform",
    "high"``); a user's path does not. Returned are the user's path and the class and field at its end.
    """
    steps: list[str | int] = []
    here: Any = root
    owner: type[BaseModel] | None = root
    field: FieldInfo | None = None
    for step in loc:
        if step == "[key]":
            continue
        if get_origin(here) is dict:  # the key is the user's own, what it stands for is a class again
            steps.append(step)
            here, field = get_args(here)[1], None
            continue
        classes = tuple(_classes(here))
        chosen = [cls for cls in classes if step in _tags(cls)]
        if len(classes) > 1 and chosen:
            here = owner = chosen[0]
            field = None
            continue
        steps.append(step)
        if isinstance(step, int):
            field = None
            continue
        owner = classes[0] if classes else None
        field = owner.model_fields.get(step) if owner else None
        here = field.annotation if field else None
    return tuple(steps), owner, field


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for inner in get_args(annotation):
        yield from _classes(inner)


def _tags(cls: type[BaseModel]) -> tuple[Any, ...]:
    return tuple(
        tag
        for key in _FAMILIES
        if key in cls.model_fields and get_origin(cls.model_fields[key].annotation) is Literal
        for tag in get_args(cls.model_fields[key].annotation)
    )
