"""How a distribution refuses fields that make none: the field first, then what is wrong with it."""

from __future__ import annotations

import math

import numpy as np

from parsl_sa.errors import DesignError


def require(condition: bool, message: str) -> None:
    """Raise `DesignError` unless a condition holds."""
    if not condition:
        raise DesignError(message)


def require_finite(distribution: object, *names: str) -> None:
    """Raise `DesignError` unless the named fields of a distribution are finite numbers."""
    for name in names:
        value = getattr(distribution, name)
        require(is_finite(value), f"{name}: must be a finite number, not {value!r}")


def is_finite(value: object) -> bool:
    """Tell whether a value is a number, and finite."""
    return isinstance(value, (int, float, np.integer, np.floating)) and math.isfinite(value)
