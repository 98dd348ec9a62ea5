"""The names of a classifier's classes: written out, or one a line in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from parsl_sa.spec.fields import complain

if TYPE_CHECKING:
    from collections.abc import Sequence

LABEL = "label"
PREDICTED = "predicted"

_SUFFIXES = (".json", ".txt")
_FORM = 'must be a list of names, such as ["cat", "dog"], or a .txt file with one a line, or a .json list'


class ClassesError(ValueError):
    """Names that cannot be used; the message says why."""


def _classes(given: Any) -> Any:
    if given is None or (isinstance(given, str) and Path(given).suffix in _SUFFIXES):
        return given
    if not isinstance(given, list | tuple):
        raise complain(_FORM)
    try:
        return _names(given)
    except ClassesError as error:
        raise complain(str(error)) from error


Classes = Annotated[
    Any,
    BeforeValidator(_classes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}, "minItems": 2},
                {"type": "string"},
                {"type": "null"},
            ]
        }
    ),
]


def read_classes(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the classes, from the list or the file that a spec names.

    Parameters
    ----------
    given : str, sequence of str, or None
        A path, the names themselves, or None where classes have none.

    Raises
    ------
    ClassesError
        If the file is missing or holds no list of different names.
    """
    if given is None:
        return ()
    if not isinstance(given, str):
        return tuple(given)
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ClassesError(f"{path}: no such file; paths are relative to the spec") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ClassesError(f"{path} cannot be read: {error}") from error
    if path.suffix == ".txt":
        return _names([line.strip() for line in text.splitlines() if line.strip()])
    try:
        return _names(json.loads(text))
    except json.JSONDecodeError as error:
        raise ClassesError(f"{path} is no JSON: {error}") from error


def _names(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(
        isinstance(name, str) and name.strip() for name in given
    ):
        raise ClassesError(_FORM)
    if len(given) < 2:
        raise ClassesError(f"has {len(given)} name; name two classes at least (of a yes-or-no network both)")
    first: dict[str, int] = {}
    for index, name in enumerate(given):
        if name in first:
            raise ClassesError(f"names '{name}' twice, as {first[name]} and as {index}; names must differ")
        first[name] = index
    if taken := {LABEL, PREDICTED} & set(given):
        raise ClassesError(f"has a class '{min(taken)}', which is what a target may say; call it otherwise")
    return tuple(given)
