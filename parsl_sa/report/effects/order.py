"""Parameters in the order of their effects, and how far that order can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parsl_sa.report.ranking import places
from parsl_sa.results.schema import EFFECTS, INTERVAL_PARTS, PARAMETER, is_field, parameter_names

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """The effects of one quantity, sorted by their mean magnitude from large to small, unknown ones last.

    Parameters
    ----------
    names : tuple of str, length d
        The parameters.
    unit : str
        Of the output, and so of its effects; empty where none is stated.
    effect, effect_conf, effect_low, effect_high : ndarray of float64, shape (d,)
        Mean effects, half-widths and bounds; NaN where there is none. For a field the mean over its cells,
        which has no interval unless the effects are exact.
    effect_abs, effect_abs_conf, effect_abs_low, effect_abs_high : ndarray of float64, shape (d,)
        The same of magnitudes.
    effect_abs_bound : ndarray of float64, shape (d,)
        Upper bounds of the magnitudes that hold for all parameters at once; `effect_abs_high` in results
        without them.
    effect_sd : ndarray of float64, shape (d,)
        Standard deviations over base points; for a field, their mean.
    flat : bool
        Whether nothing changes the output beyond rounding; for a field, in no cell that is not masked.
    """

    names: tuple[str, ...]
    unit: str
    effect: Floats
    effect_conf: Floats
    effect_low: Floats
    effect_high: Floats
    effect_abs: Floats
    effect_abs_conf: Floats
    effect_abs_low: Floats
    effect_abs_high: Floats
    effect_abs_bound: Floats
    effect_sd: Floats
    flat: bool

    @property
    def known(self) -> bool:
        """Whether there is any number."""
        return bool(np.isfinite(self.effect_abs).any())

    @property
    def has_intervals(self) -> bool:
        """Whether any effect has an interval."""
        return bool(np.isfinite(self.effect_abs_low).any())

    @property
    def largest(self) -> float:
        """The largest mean magnitude; NaN where none is known."""
        return float(np.nanmax(self.effect_abs)) if self.known else float("nan")

    def positions(self) -> list[tuple[int, int] | None]:
        """Return the first and last place that each parameter's interval allows it."""
        return places(self.effect_abs_low, self.effect_abs_high)


def effects(ds: xr.Dataset) -> Effects | None:
    """Sort the parameters of a quantity by the mean magnitude of their effects; None where it has no effects.

    Examples
    --------
    >>> import xarray as xr
    >>> size = {"effect": ("parameter", [0.1, -0.8]), "effect_abs": ("parameter", [0.1, 0.8])}
    >>> effects(xr.Dataset(size, {"parameter": ["a", "b"]})).names
    ('b', 'a')
    """
    if EFFECTS[0] not in ds:
        return None
    ends = ("", *(f"_{part}" for part in INTERVAL_PARTS))
    wanted = [*(f"{name}{end}" for name in EFFECTS[:2] for end in ends), EFFECTS[2]]
    columns = {name: _column(ds, name) for name in wanted}
    bound = columns["effect_abs"] + _column(ds, "effect_abs_conf_simultaneous")
    columns["effect_abs_bound"] = np.where(np.isfinite(bound), bound, columns["effect_abs_high"])
    order = np.argsort(-columns["effect_abs"], kind="stable")  # NaN goes last
    names, unit = parameter_names(ds), str(ds.attrs.get("unit", ""))
    return Effects(
        tuple(names[i] for i in order),
        "" if unit in {"1", "-"} else unit,
        **{name: column[order] for name, column in columns.items()},
        flat=_flat(ds),
    )


def is_exact(ds: xr.Dataset) -> bool:
    """Tell whether the effects of a quantity have no sampling error: every interval has the width 0.

    Examples
    --------
    >>> import xarray as xr
    >>> is_exact(xr.Dataset({"effect_conf": ("parameter", [0.0, 0.0])}))
    True
    """
    return "effect_conf" in ds and bool((ds["effect_conf"] == 0.0).all())


def _column(ds: xr.Dataset, name: str) -> Floats:
    if name not in ds or (is_field(ds) and name not in EFFECTS and not is_exact(ds)):
        return np.full(ds.sizes[PARAMETER], np.nan)
    cells = ds[name].transpose(PARAMETER, ...).values.reshape(ds.sizes[PARAMETER], -1)
    known = np.isfinite(cells)
    n_known = np.maximum(known.sum(axis=1), 1)
    return np.where(known.any(axis=1), np.where(known, cells, 0.0).sum(axis=1) / n_known, np.nan)


def _flat(ds: xr.Dataset) -> bool:
    if "flat" not in ds:
        return False
    flags = ds["flat"]
    return bool((flags | ds["masked"] if "masked" in ds else flags).all())
