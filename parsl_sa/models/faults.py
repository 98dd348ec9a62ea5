"""Words for what went wrong in a user's own code: the exception, and where in the user's file."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def describe(exception: BaseException, folders: Sequence[Path] = ()) -> str:
    """Name an exception of a user's code and the line that the user can act on.

    Parameters
    ----------
    exception : BaseException
        What the user's code raised.
    folders : sequence of Path
        The user's own folders; the innermost frame in one of them is the line named. Without such a
        frame, the innermost frame of all.

    Returns
    -------
    str
        ``ValueError: cannot reshape (model.py:12)``, or the message alone where no frame is known.

    Examples
    --------
    >>> describe(ValueError("cannot reshape"))
    'ValueError: cannot reshape'
    """
    text = str(exception).strip()
    name = type(exception).__name__
    if isinstance(exception, SyntaxError) and exception.filename:
        return f"{name}: {exception.msg} ({exception.filename}:{exception.lineno})"
    said = f"{name}: {text}" if text else name
    frames = traceback.extract_tb(exception.__traceback__)
    own = [frame for frame in frames if _lies_in(frame.filename, folders)]
    chosen = (own or list(frames))[-1:]
    return f"{said} ({chosen[0].filename}:{chosen[0].lineno})" if chosen else said


def _lies_in(filename: str, folders: Sequence[Path]) -> bool:
    return any(filename.startswith(f"{folder}/") for folder in folders)
