"""Lines of text above a table: what was counted, and mean, spread and extrema."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.report.names import cells_word
from parsl_sa.report.numbers import MISSING, measured, number
from parsl_sa.results.schema import EFFECTS, is_field
from parsl_sa.results.summary import over_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr


def counts(attrs: Mapping[str, Any]) -> str:
    """Say how much of the plan the numbers rest on, and what ``±`` means.

    Examples
    --------
    >>> counts({"name": "airfoil", "n_used": 4094, "n_planned": 4096, "dropped": [1, 2], "level": 0.95})
    'airfoil · 4094 of 4096 bundles used · 2 dropped · ± is half the 95 % interval'
    """
    dropped = attrs.get("dropped") or []
    n_dropped = dropped if isinstance(dropped, int) else len(dropped)
    parts = [
        str(attrs.get("name") or ""),
        f"{attrs.get('n_used', '?')} of {attrs.get('n_planned', '?')} bundles used",
        f"{n_dropped} dropped" if n_dropped else "",
        "" if attrs.get("finished", True) else "unfinished",
        str(attrs.get("estimator") or ""),
        f"± is half the {100 * float(attrs.get('level') or 0.95):g} % interval",
    ]
    return " · ".join(part for part in parts if part)


def moments(ds: xr.Dataset) -> str:
    """Write mean, standard deviation and extrema in a line, with the intervals that exist.

    Examples
    --------
    >>> import xarray as xr
    >>> numbers = {"mean": 3.5, "mean_conf": 0.02, "variance": 13.84, "minimum": -10.1, "maximum": 17.2}
    >>> moments(xr.Dataset({key: ((), value) for key, value in numbers.items()}))
    'mean 3.500 ± 0.020   sd 3.720   min -10.10   max 17.20'
    """
    unit = str(ds.attrs.get("unit", ""))
    parts = [f"{label} {text}" for label, text in moment_pairs(ds)]
    parts += ["(median, smallest to largest)"] if is_field(ds) else []
    return "   ".join([*parts, f"[{unit}]"] if unit not in {"", "1", "-"} else parts)


def moment_pairs(ds: xr.Dataset) -> list[tuple[str, str]]:
    """Return mean, standard deviation and extrema as labels and texts; of a field over its cells."""
    return _field_moments(ds) if is_field(ds) else _scalar_moments(ds)


def _of(ds: xr.Dataset) -> str:
    """Return whose moments they are: one at a time, only base points are independent of each other."""
    return "base " if EFFECTS[0] in ds else ""


def _scalar_moments(ds: xr.Dataset) -> list[tuple[str, str]]:
    pairs = []
    if "mean" in ds:
        pairs.append((f"{_of(ds)}mean", _plus_minus(float(ds["mean"]), _value(ds, "mean_conf"))))
    if "variance" in ds and not (EFFECTS[0] in ds and math.isnan(float(ds["variance"]))):  # of one base point
        sd = math.sqrt(max(float(ds["variance"]), 0.0)) if math.isfinite(float(ds["variance"])) else math.nan
        # d sd = d variance / (2 sd)
        half = _value(ds, "variance_conf") / (2.0 * sd) if sd > 0.0 else math.nan
        pairs.append((f"{_of(ds)}sd", _plus_minus(sd, half)))
    return pairs + [(key[:3], number(float(ds[key]))) for key in ("minimum", "maximum") if key in ds]


def _field_moments(ds: xr.Dataset) -> list[tuple[str, str]]:
    pairs = []
    if "mean" in ds:
        pairs.append((f"{_of(ds)}mean over the {cells_word(ds)}", over_cells_text(ds["mean"].values)))
    if "variance" in ds and not (EFFECTS[0] in ds and bool(ds["variance"].isnull().all())):
        pairs.append((f"{_of(ds)}sd", over_cells_text(np.sqrt(np.maximum(ds["variance"].values, 0.0)))))
    return pairs


def _plus_minus(value: float, half: float) -> str:
    text, half_text = measured(value, half)
    return text if half_text == MISSING else f"{text} ± {half_text}"


def over_cells_text(values: np.ndarray[Any, Any], digits: int = 3) -> str:
    """Write the median of a field's cells, and the smallest and largest in brackets.

    Examples
    --------
    >>> over_cells_text(np.array([1.0, 2.0, 4.0]))
    '2.00 (1.00 to 4.00)'
    """
    cells = over_cells(np.asarray(values, dtype=np.float64))
    small, middle, large = (
        number(float("nan") if cells[key] is None else float(cells[key] or 0.0), digits)
        for key in ("min", "median", "max")
    )
    return f"{middle} ({small} to {large})"


def _value(ds: xr.Dataset, name: str) -> float:
    return float(ds[name]) if name in ds else math.nan
