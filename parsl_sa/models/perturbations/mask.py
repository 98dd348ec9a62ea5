"""The perturbation `mask`: cells of the input blended into a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from parsl_sa.errors import ModelError
from parsl_sa.models.perturbations.protocol import Column, columns_of
from parsl_sa.models.perturbations.seeded import normals
from parsl_sa.spec.perturbations import MaskSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.models.inputs.bases import Bases

_OWN_STREAM = 1  # so that a noise with the same seed is another


@dataclass(frozen=True)
class Mask:
    """Keeps a cell by its share, and takes the rest from the baseline: ``m x + (1 - m) baseline``.

    Parameters
    ----------
    bases : Bases
        The base inputs.
    cells : Tensor of int64, shape of the axes but the channels
        Which cell each pixel belongs to.
    columns : Tensor of int64, shape (n_cells,)
        Column of the share of each cell.
    baseline : callable
        Baseline of a batch, from its rows and cases.

    References
    ----------
    .. [1] Fel, Cadene, Chalvidal, Cord, Vigouroux, Serre (2021), Look at the variance! Efficient black-box
       explanations with Sobol-based sensitivity analysis, NeurIPS 34, sec. 3. arXiv:2111.04138
    .. [2] Zeiler, Fergus (2014), Visualizing and understanding convolutional networks, ECCV.
       doi:10.1007/978-3-319-10590-1_53
    """

    bases: Bases
    cells: torch.Tensor
    columns: torch.Tensor
    baseline: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

    @classmethod
    def of(cls, plain: Mapping[str, Any], columns: Sequence[str], bases: Bases, place: str) -> Mask:
        """See `Perturbation.of`."""
        cells = _grid(plain, bases, place) if plain["segments"] is None else _segments(plain, bases, place)
        own = columns_of(MaskSpec.model_validate(plain).cells(), columns)
        device = bases.device
        found = torch.as_tensor(cells, device=device)
        return cls(
            bases,
            found,
            own.to(device),
            _baseline(plain, columns, bases, _width(plain, bases, len(own)), place),
        )

    def __call__(self, inputs: torch.Tensor, rows: torch.Tensor, cases: torch.Tensor) -> torch.Tensor:
        """See `Perturbation.__call__`."""
        shares = rows[:, self.columns].to(inputs.dtype)
        kept = shares[:, self.cells.reshape(-1)].reshape(len(rows), *self.cells.shape)
        if "C" in self.bases.axes:
            kept = kept.unsqueeze(self.bases.axes.index("C") + 1)
        baseline = self.baseline(rows, cases)
        # at 1 and 0 these are the input and the baseline to the bit
        return kept * inputs + (1.0 - kept) * baseline


def _grid(plain: Mapping[str, Any], bases: Bases, place: str) -> npt.NDArray[np.int64]:
    """Cut the axes into cells as equal as can be, and number them in C order.

    Examples
    --------
    >>> from parsl_sa.models.inputs.bases import Bases
    >>> _grid({"grid": [2, 2]}, Bases(np.zeros((1, 3, 4)), "HW", "cpu", torch.float32), "").tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3]]
    """
    grid, lengths = plain["grid"], bases.spatial
    for count, length in zip(grid, lengths, strict=True):
        if count > length:
            raise ModelError(
                f"{place}.grid", f"asks for {count} cells along an axis of {length}; the input is {lengths}"
            )
    along = [np.arange(length) * count // length for count, length in zip(grid, lengths, strict=True)]
    index = np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), grid)
    return np.asarray(index, np.int64)


def _segments(plain: Mapping[str, Any], bases: Bases, place: str) -> npt.NDArray[np.int64]:
    place = f"{place}.segments"
    found = np.load(plain["segments"], allow_pickle=False)
    if found.dtype.kind not in "iu" or found.shape != bases.spatial:
        raise ModelError(
            place,
            f"{plain['segments']} holds {found.dtype} of shape {found.shape}; it must number the cell of "
            f"each of {bases.spatial} pixels",
        )
    present = np.unique(found)
    if present[0] != 0 or len(present) != present[-1] + 1:
        raise ModelError(
            place,
            f"must number the cells from 0 without gaps; it has {len(present)}, from {present[0]} to "
            f"{present[-1]}",
        )
    cells: npt.NDArray[np.int64] = found.astype(np.int64)
    return cells


def _width(plain: Mapping[str, Any], bases: Bases, n_cells: int) -> float:
    """Return the standard deviation of the blur, in pixels."""
    if plain["blur"] is not None:
        return float(plain["blur"])
    grid = plain["grid"] or [max(1, round(n_cells ** (1 / len(bases.spatial))))] * len(bases.spatial)
    sides = [length / count for length, count in zip(bases.spatial, grid, strict=True)]
    return float(max(1.0, max(sides) / 4))


def _baseline(
    plain: Mapping[str, Any], columns: Sequence[str], bases: Bases, width: float, place: str
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the function that gives the baseline of a batch."""
    kind = 0.0 if plain["baseline"] == "zero" else plain["baseline"]
    if isinstance(kind, list | tuple):
        if len(kind) != bases.shape[-1]:
            text = f"has {len(kind)} numbers for {bases.shape[-1]} features"
            raise ModelError(f"{place}.baseline", text)
        each = torch.tensor([kind], dtype=bases.dtype, device=bases.device)
        return lambda rows, cases: each  # noqa: ARG005
    if not isinstance(kind, str):
        fixed = torch.full((1,) * (len(bases.shape) + 1), float(kind), dtype=bases.dtype, device=bases.device)
        return lambda rows, cases: fixed  # noqa: ARG005
    dims = bases.spatial_dims
    if kind == "mean":
        return lambda rows, cases: bases.derived("mean", lambda x: x.mean(dims, keepdim=True), cases)  # noqa: ARG005
    if kind == "blur":
        key = f"blur {width}"
        return lambda rows, cases: bases.derived(key, lambda x: _blurred(x, dims, width), cases)  # noqa: ARG005
    seed = Column.of(plain["seed"], columns)

    def noise(rows: torch.Tensor, cases: torch.Tensor) -> torch.Tensor:
        mean = bases.derived("mean", lambda x: x.mean(dims, keepdim=True), cases)
        sd = bases.derived("sd", lambda x: x.std(dims, keepdim=True, correction=0), cases)
        drawn = normals(seed.read(rows).round().long(), int(np.prod(bases.shape)), _OWN_STREAM)
        return mean + sd * drawn.to(bases.dtype).reshape(len(rows), *bases.shape)

    return noise


def _blurred(inputs: torch.Tensor, dims: Sequence[int], width: float) -> torch.Tensor:
    sigma = [width if axis in dims else 0.0 for axis in range(inputs.ndim)]
    blurred = gaussian_filter(inputs.numpy(force=True), sigma, mode="nearest")
    return torch.as_tensor(blurred).to(inputs.device)
