"""The kinds of value that a spec holds, and the base class of its objects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from parsl_sa.registry import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.annotated_handlers import GetCoreSchemaHandler, GetJsonSchemaHandler

# The type of an error whose message is already in the user's words.
OWN_WORDS = "own_words"

# Integers up to here are exact as float64, which is what every model input passes through.
LARGEST_EXACT = 2**53

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


class Section(BaseModel):
    """Base of every object of a spec: frozen, finite, no unknown keys, no silent conversions."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


def known_names(given: str, known: tuple[str, ...]) -> str:
    """Word the cure of an unknown name: the closest known one, if any, then all of them.

    Examples
    --------
    >>> known_names("unifrom", ("uniform", "normal"))
    "did you mean 'uniform'? known: uniform, normal"
    """
    close = get_close_matches(given, known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}known: {', '.join(known)}"


def complain(message: str) -> PydanticCustomError:
    """Make the error of a field validator whose message is already in the user's words."""
    # The message travels as context: braces in what the user wrote must not be read as a template.
    return PydanticCustomError(OWN_WORDS, "{message}", {"message": message})


@dataclass(frozen=True)
class PlugIn:
    """Annotation of a text that must be a name of a plug-in table.

    Parameters
    ----------
    family : str
        A key of `parsl_sa.registry.TABLES`. The table is read when a spec is validated, so one line in
        the table is all that a new plug-in needs.
    also : tuple of str
        Names that mean something without standing in the table.
    """

    family: str
    also: tuple[str, ...] = ()

    def check(self, name: str) -> str:
        """Return a known name; complain about another with the known ones."""
        known = names(self.family)
        if name not in {*known, *self.also}:
            raise complain(f"unknown {self.family} '{name}'; {known_names(name, known)}")
        return name

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "enum": [*self.also, *names(self.family)]}


def _whole(value: Any) -> Any:
    # JSON writers and people write 1e4 and 4096.0 for whole numbers; no information is lost in these.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _matching(pattern: re.Pattern[str], message: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise complain(f"{message}; it is '{text}'")
        return text

    return check


def _label(text: str) -> str:
    if not text.strip() or text != text.strip() or not text.isprintable():
        raise complain(
            f"must be a printable text without spaces at its ends, for tables and plots; it is {text!r}"
        )
    return text


Number = Annotated[float, Field()]
# Stands behind the bounds of a field, so that they bound the integer and show in the JSON Schema.
AsWhole = BeforeValidator(_whole)
Count = Annotated[int, Field(ge=1), AsWhole]
Positive = Annotated[float, Field(gt=0)]
Level = Annotated[float, Field(gt=0, lt=1)]
Label = Annotated[str, AfterValidator(_label)]
Slug = Annotated[
    str,
    Field(json_schema_extra={"pattern": f"^{_SLUG.pattern}$"}),
    AfterValidator(
        _matching(
            _SLUG,
            "must be 1 to 64 letters, digits, '.', '_' or '-' and start with a letter or digit, "
            "because folders and stored groups are named after it",
        )
    ),
]
Device = Annotated[
    str,
    Field(json_schema_extra={"pattern": f"^({_DEVICE.pattern})$"}),
    AfterValidator(_matching(_DEVICE, "must be 'auto', 'cpu', 'cuda' or 'cuda:N' with N the index of a GPU")),
]
# JSON has lists, records have tuples: this one conversion is allowed in otherwise strict objects.
AsTuple = Field(strict=False)
