"""Indices of the cells of a mask, laid out where the cells lie: attribution maps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from parsl_sa.results.schema import LOOK, PARAMETER
from parsl_sa.spec.perturbations import MaskSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

AXES = ("mask_row", "mask_column")


@dataclass(frozen=True)
class Masked:
    """The mask of a study.

    Parameters
    ----------
    names : tuple of str
        Parameter of each cell, in C order of the grid or of the segments; its group, where it is in one.
    grid : tuple of int
        Cells along each axis; one number where the cells are segments.
    segments : str
        File that numbers the cell of every pixel; empty for a grid.
    """

    names: tuple[str, ...]
    grid: tuple[int, ...]
    segments: str = ""

    @property
    def is_image(self) -> bool:
        """Whether its cells lie on an image."""
        return bool(self.segments) or len(self.grid) == 2

    def pixels(self, shape: tuple[int, int]) -> npt.NDArray[np.int64] | None:
        """Return the cell of every pixel of an image; None where the file of segments is gone.

        Examples
        --------
        >>> Masked(("a", "b"), (1, 2)).pixels((2, 4)).tolist()
        [[0, 0, 1, 1], [0, 0, 1, 1]]
        """
        if self.segments:
            try:
                cells = np.load(self.segments, allow_pickle=False)
            except (OSError, ValueError):
                return None
            step = -(
                -max(cells.shape) // max(shape)
            )  # of a large image every second, third, ... pixel is kept
            cells = cells[::step, ::step] if cells.ndim == 2 else cells
            return cells.astype(np.int64) if cells.shape == shape else None
        rows, columns = (np.arange(n) * count // n for n, count in zip(shape, self.grid, strict=True))
        return np.asarray(rows[:, None] * self.grid[1] + columns[None, :], np.int64)


def mask_of(attrs: Mapping[str, Any]) -> Masked | None:
    """Return the mask of a study from its provenance; None where it has none.

    Parameters
    ----------
    attrs : mapping
        With ``spec``, the frozen spec as JSON text.
    """
    inputs = json.loads(attrs.get("spec") or "{}").get("inputs") or {}
    groups = {name: group for group, names in (inputs.get("groups") or {}).items() for name in names}
    for plain in inputs.get("perturbations") or ():
        if plain.get("kind") == "mask":
            mask = MaskSpec.model_validate(plain)
            names = tuple(groups.get(name, name) for name in mask.cells())
            return Masked(names, mask.grid or (len(names),), mask.segments or "")
    return None


def attribution(ds: xr.Dataset, mask: Masked) -> xr.Dataset:
    """Lay the indices of the cells of a mask out over its grid.

    Parameters
    ----------
    ds : xarray.Dataset
        A quantity of a study with that mask.
    mask : Masked
        Its mask.

    Returns
    -------
    xarray.Dataset
        Whatever `ds` has over `parameter`, but not its history, over `mask_row` and `mask_column` instead
        (for segments and one-dimensional grids over `mask_column`), other axes before them. Parameters that
        are no cells are left out.

    Examples
    --------
    >>> ds = xr.Dataset({"ST": ("parameter", [0.5, 0.25, 0.25])}, {"parameter": ["mask[0]", "sd", "mask[1]"]})
    >>> attribution(ds, Masked(("mask[0]", "mask[1]"), (2,)))["ST"].values.tolist()
    [0.5, 0.25]
    """
    over = [
        str(name)
        for name, values in ds.data_vars.items()
        if PARAMETER in values.dims and LOOK not in values.dims
    ]
    cells = ds[over].sel({PARAMETER: list(mask.names)})
    dims = AXES[-len(mask.grid) :]
    variables = {}
    for name in over:
        others = [dim for dim in cells[name].dims if dim != PARAMETER]
        values = cells[name].transpose(*others, PARAMETER)
        shape = (*values.shape[:-1], *mask.grid)
        variables[name] = ((*others, *dims), values.values.reshape(shape), values.attrs)
    kept = {
        name: coord for name, coord in ds.coords.items() if PARAMETER not in coord.dims and name != "look"
    }
    return xr.Dataset(variables, attrs=ds.attrs).assign_coords(kept)
