"""Seconds of a call, and seconds that a wanted error costs."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def least_seconds(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the least seconds of some calls, after one that warms, and what the last one returned."""
    call()
    least, found = np.inf, None
    for _ in range(repeats):
        began_at = time.perf_counter()
        found = call()
        least = min(least, time.perf_counter() - began_at)
    return float(least), found


def seconds_at(curve: Sequence[dict[str, Any]], error: float, key: str = "error") -> float:
    """Return the seconds at which a curve reaches an error, on a line between its points in logarithms.

    Parameters
    ----------
    curve : sequence of dict
        Points with ``seconds`` and the error under `key`, from cheap to dear.
    error : float
        The wanted error, no less than the curve's smallest; where it is over the largest, the cheapest point
        is as little as the method does.
    key : str
        Which error.

    Examples
    --------
    >>> curve = [{"seconds": 1.0, "error": 0.1}, {"seconds": 4.0, "error": 0.025}]
    >>> round(seconds_at(curve, 0.05), 3), seconds_at(curve, 0.2)
    (2.0, 1.0)
    """
    best: list[dict[str, Any]] = []  # from dear to cheap, without what costs more for a larger error
    for one in curve:
        if not best or one[key] < best[0][key]:
            best.insert(0, one)
    errors, seconds = ([math.log(one[name]) for one in best] for name in (key, "seconds"))
    return math.exp(np.interp(math.log(error), errors, seconds))


def common_error(*curves: Sequence[dict[str, Any]], key: str = "error") -> float:
    """Return the smallest error that every curve reaches.

    Examples
    --------
    >>> common_error([{"error": 0.2}, {"error": 0.1}], [{"error": 0.3}, {"error": 0.05}])
    0.1
    """
    return float(max(min(one[key] for one in curve) for curve in curves))
