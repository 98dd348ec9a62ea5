"""The text that cuts a tensor behind its batch axis, such as ``0:3, :``, read and never evaluated."""

from __future__ import annotations

import re
from types import EllipsisType

Cut = tuple[int | slice | EllipsisType, ...]

_WHOLE = re.compile(r"[+-]?\d+")
_FORM = 'is written like an index of NumPy behind the batch axis: numbers, "first:last", ":" and "..."'


class CutError(ValueError):
    """A text that is no cut; the message says what one looks like."""


def parse_cut(text: str) -> Cut:
    """Read a cut.

    Parameters
    ----------
    text : str
        Entries with commas between them, one an axis behind the batch: an index (which removes the axis), a
        range ``first:last:step`` with any part left out, or ``...`` for all axes in between.

    Raises
    ------
    CutError
        If it is something else, or runs backwards.

    Examples
    --------
    >>> parse_cut("0:3, :, -1")
    (slice(0, 3, None), slice(None, None, None), -1)
    """
    cut = tuple(_entry(entry.strip(), text) for entry in text.split(",")) if text.strip() else ()
    if sum(entry is Ellipsis for entry in cut) > 1:
        raise CutError(f"can hold '...' once; it is '{text}'")
    return cut


def _entry(entry: str, text: str) -> int | slice | EllipsisType:
    if entry == "...":
        return Ellipsis
    if _WHOLE.fullmatch(entry):
        return int(entry)
    parts = [part.strip() for part in entry.split(":")]
    if len(parts) not in {2, 3} or not all(part == "" or _WHOLE.fullmatch(part) for part in parts):
        raise CutError(f"{_FORM}, with commas between; '{entry}' of '{text}' is none of them")
    numbers = [int(part) if part else None for part in parts]
    if len(numbers) == 3 and numbers[2] is not None and numbers[2] < 1:
        raise CutError(f"can only run forwards; the step of '{entry}' is {numbers[2]}")
    return slice(*numbers)
