"""How a field is laid out in pictures: which axes are drawn, and what is cut into slices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.report.blocks import block_all, block_means, block_size, starts
from parsl_sa.report.numbers import number
from parsl_sa.results.schema import PARAMETER, cell_dims

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

FEW = 4  # cells of an axis that becomes panels rather than a direction of a picture
FEW_NAMED = 8  # the same where the cells have names
SLICES = 4  # shown of an axis with more
POINTS = 600  # of a line


@dataclass(frozen=True)
class Axis:
    """One axis of a field.

    Parameters
    ----------
    name, label : str
        Its dim, and what is written beside it: long name and unit.
    centres : ndarray of float64, shape (n,)
        Rising coordinates of the cells; their indices where the axis has no numbers that rise or fall.
    texts : tuple of str
        Names of the cells, where they have names.
    falling : bool
        Whether the coordinates fall, so that cells are read backwards.
    counted : bool
        Whether `centres` are indices.
    """

    name: str
    label: str
    centres: Floats
    texts: tuple[str, ...] = ()
    falling: bool = False
    counted: bool = True

    @property
    def edges(self) -> Floats:
        """Where cells meet: half-way, shape (n + 1,).

        Examples
        --------
        >>> Axis("x", "x", np.array([0.0, 1.0, 3.0])).edges
        array([-0.5,  0.5,  2. ,  4. ])
        """
        inner = (self.centres[1:] + self.centres[:-1]) / 2.0
        if inner.size == 0:
            return np.array([self.centres[0] - 0.5, self.centres[0] + 0.5])
        first, last = 2.0 * self.centres[0] - inner[0], 2.0 * self.centres[-1] - inner[-1]
        return np.concatenate([[first], inner, [last]])

    def cell(self, place: int) -> str:
        """Name a cell: ``side = upper``."""
        if self.texts:
            return f"{self.name} = {self.texts[place]}"
        value = float(self.centres[self.centres.size - 1 - place if self.falling else place])
        return f"{self.name} = {place if self.counted else number(value, 3)}"


@dataclass(frozen=True)
class Slice:
    """A part of a field that has only the axes that are drawn.

    Parameters
    ----------
    label : str
        Which part; empty where it is the whole field.
    at : dict of str to int
        Position on every axis that is not drawn.
    """

    label: str
    at: dict[str, int]


@dataclass(frozen=True)
class View:
    """A field as pictures.

    Parameters
    ----------
    ds : xarray.Dataset
        The field.
    axes : tuple of Axis
        One for lines; two for maps, the vertical one first.
    slices : tuple of Slice
        What is shown.
    n_slices : int
        How many there are.
    sizes : tuple of int
        Cells a point of the picture stands for, along each axis.
    """

    ds: xr.Dataset
    axes: tuple[Axis, ...]
    slices: tuple[Slice, ...]
    n_slices: int
    sizes: tuple[int, ...]

    @property
    def is_map(self) -> bool:
        """Whether it is drawn in two directions."""
        return len(self.axes) == 2

    @property
    def coarse(self) -> bool:
        """Whether a point stands for several cells."""
        return max(self.sizes) > 1

    def read(self, name: str, part: Slice, parameter: int | None = None) -> Floats:
        """Return the block means of a variable over the drawn axes; NaN throughout if there is none."""
        if name not in self.ds:
            return np.full([starts(axis.centres.size, n).size for axis, n in self._pairs()], np.nan)
        return block_means(self._cells(name, part, parameter).astype(np.float64), self.sizes)

    def masked(self, part: Slice) -> Flags:
        """Tell which points have masked cells only."""
        if "masked" not in self.ds:
            return np.zeros([starts(axis.centres.size, n).size for axis, n in self._pairs()], dtype=np.bool_)
        return block_all(self._cells("masked", part, None).astype(np.bool_), self.sizes)

    def centres(self, axis: int) -> Floats:
        """Return the middle of every point of the picture."""
        return block_means(self.axes[axis].centres, [self.sizes[axis]])

    def edges(self, axis: int) -> Floats:
        """Return where the points of the picture meet."""
        cells = self.axes[axis].edges
        return np.append(cells[starts(cells.size - 1, self.sizes[axis])], cells[-1])

    def _pairs(self) -> list[tuple[Axis, int]]:
        return list(zip(self.axes, self.sizes, strict=True))

    def _cells(self, name: str, part: Slice, parameter: int | None) -> npt.NDArray[Any]:
        at = part.at if parameter is None else {**part.at, PARAMETER: parameter}
        cells = self.ds[name].isel(at).transpose(*(axis.name for axis in self.axes)).values
        backwards = tuple(slice(None, None, -1 if axis.falling else 1) for axis in self.axes)
        turned: npt.NDArray[Any] = cells[backwards]
        return turned


def view(ds: xr.Dataset, side: int = 256) -> View:
    """Choose how to draw a field.

    Parameters
    ----------
    ds : xarray.Dataset
        A field.
    side : int
        Points of a map along its longer side, at most.

    Notes
    -----
    An axis of few cells becomes panels. Of the others the last two span a map, or the only one a line; the
    rest is cut into slices, of which a few are shown.

    Examples
    --------
    >>> import xarray as xr
    >>> shown = view(xr.Dataset({"mean": (("side", "x"), np.zeros((2, 32)))}))
    >>> [axis.name for axis in shown.axes], [part.label for part in shown.slices]
    (['x'], ['side = 0', 'side = 1'])
    """
    dims = cell_dims(ds)
    long = [dim for dim in dims if not _is_short(ds, dim)] or [max(dims, key=lambda dim: ds.sizes[dim])]
    drawn = long[-2:]
    rest = [dim for dim in dims if dim not in drawn]
    shape = [ds.sizes[dim] for dim in rest]
    n_slices = math.prod(shape)
    chosen = np.unique(np.linspace(0, n_slices - 1, min(n_slices, SLICES)).round().astype(int))
    axes = tuple(read_axis(ds, dim) for dim in drawn)
    most = POINTS if len(axes) == 1 else side
    return View(
        ds,
        axes,
        tuple(_slice(ds, rest, shape, int(place)) for place in chosen),
        n_slices,
        tuple(block_size(axis.centres.size, most) for axis in axes),
    )


def read_axis(ds: xr.Dataset, dim: str) -> Axis:
    """Read the coordinate of a dim, if it has one."""
    counts = np.arange(ds.sizes[dim], dtype=np.float64)
    if dim not in ds.coords:
        return Axis(dim, f"{dim} (index)", counts)
    coordinate = ds[dim]
    units = str(coordinate.attrs.get("units", ""))
    label = str(coordinate.attrs.get("long_name") or dim)
    label = f"{label} [{units}]" if units not in {"", "1", "-"} else label
    if coordinate.dtype.kind not in "iuf":
        return Axis(dim, label, counts, texts=tuple(str(text) for text in coordinate.values.tolist()))
    centres = coordinate.values.astype(np.float64)
    steps = np.diff(centres)
    if not np.isfinite(centres).all() or not ((steps > 0.0).all() or (steps < 0.0).all()):
        return Axis(dim, f"{dim} (index)", counts)
    falling = bool(steps.size and steps[0] < 0.0)
    return Axis(dim, label, centres[::-1] if falling else centres, falling=falling, counted=False)


def _is_short(ds: xr.Dataset, dim: str) -> bool:
    named = dim in ds.coords and ds[dim].dtype.kind not in "iuf"
    return ds.sizes[dim] <= (FEW_NAMED if named else FEW)


def _slice(ds: xr.Dataset, dims: list[str], shape: list[int], place: int) -> Slice:
    at = dict(zip(dims, (int(i) for i in np.unravel_index(place, shape)) if dims else (), strict=True))
    label = ", ".join(read_axis(ds, dim).cell(i) for dim, i in at.items() if ds.sizes[dim] > 1)
    return Slice(label, at)
