"""Warnings of scripts and notebooks: the texts that the command line prints before a study starts."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class StudyWarning(UserWarning):
    """What a study will do that its writer may not expect."""


def warn(texts: Iterable[str]) -> None:
    """Warn of each text; the place is that of the caller's caller."""
    for text in texts:
        warnings.warn(text, StudyWarning, stacklevel=3)
