"""Parameters in the order of their total-order index, and how far that order can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.results.schema import PARAMETER, PARAMETER_UNIT, is_field, parameter_names
from parsl_sa.results.summary import aggregated

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import xarray as xr

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The indices of one quantity, sorted by ST from large to small, undefined ones last.

    Parameters
    ----------
    names, units : tuple of str, length d
        The parameters and their units, empty where none is stated.
    S1, S1_conf, S1_low, S1_high, ST, ST_conf, ST_low, ST_high : ndarray of float64, shape (d,)
        Estimates, half-widths and bounds; NaN where there is none. For a field the aggregated indices;
        results that hold only indices of cells have no interval of them.
    ST_bound : ndarray of float64, shape (d,)
        Upper bounds of ST that hold for all parameters at once; `ST_high` in results without them.
    undefined : ndarray of bool, shape (d,)
        Whether the index does not exist because the output is constant; for a field, in every cell that is
        not masked.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    S1: Floats
    S1_conf: Floats
    S1_low: Floats
    S1_high: Floats
    ST: Floats
    ST_conf: Floats
    ST_low: Floats
    ST_high: Floats
    ST_bound: Floats
    undefined: npt.NDArray[np.bool_]

    @property
    def has_intervals(self) -> bool:
        """Whether any ST has an interval."""
        return bool(np.isfinite(self.ST_low).any())


def rank(ds: xr.Dataset) -> Ranking | None:
    """Sort the parameters of a quantity by their total-order index.

    Parameters
    ----------
    ds : xarray.Dataset
        One quantity, as the results store holds it.

    Returns
    -------
    Ranking or None
        None where the quantity has no indices (a design without pick-freeze rows).

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"ST": ("parameter", [0.1, 0.8])}, {"parameter": ["a", "b"]})
    >>> rank(ds).names
    ('b', 'a')
    """
    if "ST" not in ds:
        return None
    columns = {
        f"{name}{suffix}": _column(ds, f"{name}{suffix}")
        for name in ("S1", "ST")
        for suffix in ("", "_conf", "_low", "_high")
    }
    for name in ("S1", "ST"):
        _complete(columns, name)
    order = np.argsort(-columns["ST"], kind="stable")  # NaN goes last
    names, units = parameter_names(ds), _units(ds)
    return Ranking(
        tuple(names[i] for i in order),
        tuple(units[i] for i in order),
        **{key: column[order] for key, column in columns.items()},
        ST_bound=_bound(ds, columns)[order],
        undefined=_undefined(ds)[order],
    )


def positions(ranking: Ranking) -> list[tuple[int, int] | None]:
    """Return the first and last place that each parameter's interval of ST allows it.

    A parameter is placed below another only where the two intervals do not overlap. Parameters without an
    interval are not placed.

    Examples
    --------
    >>> import xarray as xr
    >>> bounds = {"ST_low": ("parameter", [0.7, 0.1, 0.05]), "ST_high": ("parameter", [0.9, 0.3, 0.2])}
    >>> ds = xr.Dataset({"ST": ("parameter", [0.8, 0.2, 0.1]), **bounds}, {"parameter": ["a", "b", "c"]})
    >>> positions(rank(ds))
    [(1, 1), (2, 3), (2, 3)]
    """
    return places(ranking.ST_low, ranking.ST_high)


def places(low: Floats, high: Floats) -> list[tuple[int, int] | None]:
    """Return the first and last place, from the largest, that intervals allow; None without one.

    Examples
    --------
    >>> places(np.array([0.7, 0.1, np.nan]), np.array([0.9, 0.3, np.nan]))
    [(1, 1), (2, 2), None]
    """
    placed = np.isfinite(low) & np.isfinite(high)
    lows, highs = np.sort(low[placed]), np.sort(high[placed])
    above = lows.size - np.searchsorted(lows, high, side="right")
    below = np.searchsorted(highs, low, side="left")
    return [
        (int(a) + 1, lows.size - int(b)) if ok else None
        for a, b, ok in zip(above, below, placed, strict=True)
    ]


def _column(ds: xr.Dataset, name: str) -> Floats:
    d = ds.sizes[PARAMETER]
    if is_field(ds):
        index, _, end = name.partition("_")
        stored = f"{index}_aggregated_{end}" if end else f"{index}_aggregated"
        if stored in ds:
            return np.asarray(ds[stored].values, dtype=np.float64)
        return aggregated(ds, name) if name in ds and not end else np.full(d, np.nan)
    return np.asarray(ds[name].values, dtype=np.float64) if name in ds else np.full(d, np.nan)


def _bound(ds: xr.Dataset, columns: Mapping[str, Floats]) -> Floats:
    wide = _column(ds, "ST_conf_simultaneous")
    return np.where(np.isfinite(wide), columns["ST"] + wide, columns["ST_high"])


def _complete(columns: dict[str, Floats], name: str) -> None:
    for bound, sign in (("low", -1.0), ("high", 1.0)):
        given = columns[f"{name}_{bound}"]
        from_half_width = columns[name] + sign * columns[f"{name}_conf"]
        columns[f"{name}_{bound}"] = np.where(np.isfinite(given), given, from_half_width)


def _undefined(ds: xr.Dataset) -> npt.NDArray[np.bool_]:
    if "undefined" not in ds:
        return np.zeros(ds.sizes[PARAMETER], dtype=np.bool_)
    flags = ds["undefined"].transpose(PARAMETER, ...)
    if "masked" in ds:  # there the index is not asked for, and not undefined
        flags = (flags | ds["masked"]).transpose(PARAMETER, ...)
    by_parameter = flags.values.reshape(flags.sizes[PARAMETER], -1)
    return np.asarray(by_parameter.all(axis=1), dtype=np.bool_)


def _units(ds: xr.Dataset) -> list[str]:
    if PARAMETER_UNIT in ds.coords:
        return [str(unit) for unit in ds[PARAMETER_UNIT].values.tolist()]
    return [""] * ds.sizes[PARAMETER]
