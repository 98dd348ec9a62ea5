"""From a file or a plain dict to a spec, with every fault at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from parsl_sa.errors import Fault, SpecError
from parsl_sa.spec.faults import shown, translate
from parsl_sa.spec.parts import Broken, Finding, Steps
from parsl_sa.spec.semantics import check
from parsl_sa.spec.study import StudySpec


class _Object(dict[str, Any]):
    """A JSON object in which some keys were written more than once."""

    repeated: tuple[str, ...] = ()


def load_spec(path: str | Path) -> StudySpec:
    """Read and check the spec of a study.

    Parameters
    ----------
    path : str or Path
        A JSON file.

    Returns
    -------
    StudySpec
        As written, with defaults; see `resolved` for absolute paths.

    Raises
    ------
    SpecError
        With every fault of the file, each with its place, in the file's order.
    """
    return parse_spec(_read(Path(path)))


def parse_spec(plain: Mapping[str, Any]) -> StudySpec:
    """Check the spec of a study that is at hand as plain values.

    Parameters
    ----------
    plain : mapping
        What a JSON file of a spec would hold.

    Returns
    -------
    StudySpec
        As given, with defaults.

    Raises
    ------
    SpecError
        With every fault, each with its place, in the order of `plain`.

    Examples
    --------
    >>> parse_spec({"spec_version": 1, "name": "x", "mdoel": {}})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    parsl_sa.errors.SpecError: mdoel: unknown key; did you mean 'model'? Known keys: spec_version, ...
    """
    repeated = list(_written_twice(plain, ()))
    findings = list(_unwritable(plain, ()))
    unwritable = {finding.steps for finding in findings}
    try:
        spec = StudySpec.model_validate(plain)
    except ValidationError as error:
        spec = None
        findings += [finding for finding in translate(error, StudySpec) if finding.steps not in unwritable]
    if isinstance(plain, Mapping):
        findings += check(plain, Broken(findings))
    # A key written twice hides its first value from all the rest; its last one is judged like any other.
    findings += repeated
    if spec is None or findings:
        findings.sort(key=lambda finding: _position(finding.steps, plain))
        raise SpecError([finding.fault() for finding in findings])
    return spec


def _written_twice(value: Any, steps: Steps) -> Iterator[Finding]:
    if isinstance(value, Mapping):
        for key in getattr(value, "repeated", ()):
            yield Finding((*steps, key), "is written twice in this object; keep one of the two")
        for key, inner in value.items():
            yield from _written_twice(inner, (*steps, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _written_twice(inner, (*steps, index))


def _unwritable(value: Any, steps: Steps) -> Iterator[Finding]:
    """Yield what may stand in no spec whatever the field: NaN, infinity and what JSON cannot hold."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(key, str):
                yield from _unwritable(inner, (*steps, key))
            else:
                yield Finding((*steps, key), f"keys must be texts; {shown(key)} is not")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _unwritable(inner, (*steps, index))
    elif isinstance(value, float):
        if not isfinite(value):
            yield Finding(steps, f"must be a finite number; it is {value}")
    elif not isinstance(value, str | int | None):
        yield Finding(steps, f"must be a JSON value; it is of the Python type {type(value).__name__}")


def _position(steps: Steps, plain: Any) -> tuple[int, ...]:
    """Return where a place stands in the spec as written; what is missing stands at the end of its object."""
    position: list[int] = []
    here = plain
    for step in steps:
        if isinstance(here, Mapping) and step in here:
            position.append(list(here).index(step))
            here = here[step]
        elif isinstance(here, list | tuple) and isinstance(step, int) and step < len(here):
            position.append(step)
            here = here[step]
        else:
            position.append(len(here) if isinstance(here, Mapping | list | tuple) else 0)
            break
    return tuple(position)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _unreadable(path, "no such file; give the path of a study's spec.json") from None
    except IsADirectoryError:
        raise _unreadable(
            path, f"is a folder; give the JSON file in it, such as {path / 'spec.json'}"
        ) from None
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"is not UTF-8 text (byte {error.start}); a spec is a JSON file") from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from None
    try:
        plain = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _unreadable(path, f"is not JSON: {place}: {_syntax(error)}") from None
    except RecursionError:
        raise _unreadable(path, "is nested too deeply for a spec") from None
    except ValueError:
        # Python refuses to read integers of thousands of digits.
        raise _unreadable(path, "holds a number of too many digits") from None
    if not isinstance(plain, dict):
        raise _unreadable(path, f"must hold a JSON object {{...}}; it is {shown(plain)}")
    return plain


def _unreadable(path: Path, message: str) -> SpecError:
    return SpecError([Fault(str(path), message)])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = _Object(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        made.repeated = tuple(key for key in made if keys.count(key) > 1)
    return made


def _syntax(error: json.JSONDecodeError) -> str:
    """Word a syntax error, with the usual cause where the text shows it."""
    rest = error.doc[error.pos :].lstrip()
    before = error.doc[: error.pos].rstrip()
    message = error.msg[:1].lower() + error.msg[1:]
    if not error.doc.strip():
        return "the file is empty"
    if rest.startswith(("//", "/*", "#")):
        return f"{message}; JSON has no comments: remove it, or use a description field"
    if rest.startswith("'"):
        return f"{message}; texts and keys stand in double quotes"
    if (before.endswith(",") and rest.startswith(("}", "]"))) or rest.startswith(","):
        return f"{message}; remove the comma before the closing bracket"
    if not rest:
        return f"{message}; the file ends before its last bracket is closed"
    near = rest.splitlines()[0][:30]
    return f"{message} before: {near}"
