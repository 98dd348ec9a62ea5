"""A spec as a text that people edit: one entry of a list a line."""

from __future__ import annotations

import json
from typing import Any

_WIDTH = 120


def written(value: Any, indent: int = 0, key: str = "") -> str:
    """Write plain values as JSON; what fits on a line stands on one.

    Parameters
    ----------
    value : object
        Plain JSON values.
    indent : int
        Of the line that it begins on.
    key : str
        What stands before it on that line.

    Examples
    --------
    >>> print(written({"n": 4, "list": [{"a": 1}, {"b": 2}]}))
    {"n": 4, "list": [{"a": 1}, {"b": 2}]}
    """
    line = key + json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + 2
    if isinstance(value, dict):
        entries = [written(entry, inner, f"{json.dumps(name)}: ") for name, entry in value.items()]
        opening, closing = "{", "}"
    else:
        entries = [written(entry, inner) for entry in value]
        opening, closing = "[", "]"
    lines = f",\n{' ' * inner}".join(entries)
    return f"{key}{opening}\n{' ' * inner}{lines}\n{' ' * indent}{closing}"
