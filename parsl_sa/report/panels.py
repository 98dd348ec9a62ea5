"""What the panels of a figure show, before anything is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.report.dependence import is_dependent
from parsl_sa.report.ranking import Ranking, rank
from parsl_sa.results.schema import PARAMETER, cell_dims, is_field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import xarray as xr

    Floats = npt.NDArray[np.float64]

INDICES = ("ST", "S1")
# Wider than any share can be: what lies beyond is cut, and marked as cut.
LOWEST, HIGHEST = -0.25, 1.25


@dataclass(frozen=True)
class Panel:
    """One quantity as bars and lines.

    Parameters
    ----------
    title : str
        The quantity and its unit.
    note : str
        What bars and lines mean where they are taken over cells; empty where lines are intervals.
    names : tuple of str, length d
        Its parameters.
    bars : dict of str to ndarray of float64, shape (3, d)
        By index (``"ST"``, ``"S1"``): estimate, and both ends of its line. NaN where there is none.
    constant : bool
        Whether every index is undefined.
    dependent : bool
        Whether the inputs depend on each other, so that the indices mean something else.
    """

    title: str
    note: str
    names: tuple[str, ...]
    bars: dict[str, Floats]
    constant: bool
    dependent: bool = False

    def pick(self, key: str, names: Sequence[str]) -> Floats:
        """Return estimates and ends of the lines of some parameters, shape (3, len(names))."""
        place = {name: i for i, name in enumerate(self.names)}
        padded = np.hstack([self.bars[key], np.full((3, 1), np.nan)])
        picked: Floats = padded[:, [place.get(name, len(place)) for name in names]]
        return picked


def panel(name: str, ds: xr.Dataset) -> Panel | None:
    """Turn a quantity into a panel; None where it has no indices.

    Parameters
    ----------
    name : str
        The quantity.
    ds : xarray.Dataset
        A scalar shows its estimates and intervals. So does a field whose results hold aggregated indices;
        without them it shows the median and the 5th and 95th percentile over its cells.
    """
    ranking = rank(ds)
    if ranking is None:
        return None
    unit = str(ds.attrs.get("unit", ""))
    title = f"{name} [{unit}]" if unit not in {"", "1", "-"} else name
    constant = not np.isfinite(ranking.ST).any()
    if is_field(ds):
        n_cells = math.prod(ds.sizes[dim] for dim in cell_dims(ds))
        title = f"{title}, {n_cells:,} cells"
    if is_field(ds) and not ranking.has_intervals:
        note = f"median of {n_cells:,} cells; line: 5 to 95 % of them"
        bars = {key: _over_cells(ds, key, ranking.names) for key in INDICES}
        return Panel(title, note, ranking.names, bars, constant, is_dependent(ds))
    estimates = {key: _estimates(ranking, key) for key in INDICES}
    return Panel(title, "", ranking.names, estimates, constant, is_dependent(ds))


def order(panels: Sequence[Panel]) -> list[str]:
    """Sort the parameters by their largest ST over the panels; those without any go last."""
    largest: dict[str, float] = {}
    for shown in panels:
        for name, value in zip(shown.names, shown.bars["ST"][0].tolist(), strict=True):
            largest[name] = max(largest.get(name, -math.inf), value if math.isfinite(value) else -math.inf)
    return sorted(largest, key=lambda name: -largest[name])


def span(panels: Sequence[Panel], names: Sequence[str]) -> tuple[float, float]:
    """Choose one range for all panels, so that lengths compare across them."""
    ends = np.concatenate([shown.pick(key, names).ravel() for shown in panels for key in INDICES])
    ends = ends[np.isfinite(ends)]
    low, high = (min(float(ends.min()), 0.0), float(ends.max())) if ends.size else (0.0, 1.0)
    room = 0.03 * (high - low)
    return max(LOWEST, low - room) if low < 0.0 else 0.0, min(HIGHEST, max(high + room, 0.1))


def caption(panels: Sequence[Panel], attrs: Mapping[str, Any]) -> str:
    """Say what the numbers rest on and what the whiskers mean.

    Examples
    --------
    >>> caption([], {"n_used": 4094, "n_planned": 4096, "estimator": "azzini-rosati"})
    '4094 of 4096 bundles · azzini-rosati'
    """
    scalars = [shown for shown in panels if not shown.note and not shown.constant]
    level = f"{100 * float(attrs.get('level') or 0.95):g} %"
    has_intervals = any(np.isfinite(shown.bars["ST"][1]).any() for shown in scalars)
    whiskers = f"whiskers: {level} interval" if has_intervals else "no intervals: they need 8 replicates"
    used = f"{attrs['n_used']} of {attrs.get('n_planned', '?')} bundles" if "n_used" in attrs else ""
    return " · ".join(
        part for part in (used, str(attrs.get("estimator") or ""), whiskers if scalars else "") if part
    )


def left_out(panels: Sequence[Panel], hidden: Sequence[str]) -> str:
    """Sum up the parameters that are not shown."""
    if not hidden:
        return ""
    values = np.concatenate([shown.pick("ST", hidden)[0] for shown in panels])
    values = values[np.isfinite(values)]
    if not values.size:
        return f"… and {len(hidden)} more"
    return f"… and {len(hidden)} more, each ST below {math.floor(100 * float(values.max()) + 1) / 100:.2f}"


def _estimates(ranking: Ranking, key: str) -> Floats:
    return np.array([getattr(ranking, f"{key}{part}") for part in ("", "_low", "_high")], dtype=np.float64)


def _over_cells(ds: xr.Dataset, key: str, names: Sequence[str]) -> Floats:
    if key not in ds:
        return np.full((3, len(names)), np.nan)
    cells = ds[key].sel({PARAMETER: list(names)}).transpose(PARAMETER, ...).values
    rows = [row[np.isfinite(row)] for row in cells.reshape(len(names), -1)]
    return np.array(
        [np.quantile(row, [0.5, 0.05, 0.95]) if row.size else np.full(3, np.nan) for row in rows],
        dtype=np.float64,
    ).T
