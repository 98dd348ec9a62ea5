"""The first base inputs as images that a person can look at, for reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.models.inputs.assembler import Assembler

MOST = 12
_LONGEST = 256  # pixels of a side; of a larger image every second, third, ... is kept


def pictures(assembler: Assembler) -> npt.NDArray[np.uint8] | None:
    """Return the first base inputs as colour images; None where they are no images.

    Parameters
    ----------
    assembler : Assembler
        Of the study.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, 3), or None
        At most 12. The range of all of them becomes 0 to 255, unless they are 0 to 255 or 0 to 1 by
        themselves; of other numbers of channels the mean is shown.
    """
    bases = assembler.bases
    if bases is None or not {"H", "W"} <= set(bases.axes):
        return None
    found = bases.of(torch.arange(min(len(bases), MOST))).to(torch.float64)
    if "C" in bases.axes:
        found = found.permute(0, *(bases.axes.index(axis) + 1 for axis in "HWC"))
    else:
        found = found.permute(0, *(bases.axes.index(axis) + 1 for axis in "HW")).unsqueeze(-1)
    if found.shape[-1] != 3:
        found = found.mean(-1, keepdim=True).expand(*found.shape[:-1], 3)
    step = -(-max(found.shape[1:3]) // _LONGEST)
    images = found[:, ::step, ::step].numpy(force=True)
    low, high = _range(float(images.min()), float(images.max()))
    return np.round(255.0 * np.clip((images - low) / (high - low), 0.0, 1.0)).astype(np.uint8)


def _range(low: float, high: float) -> tuple[float, float]:
    """Return what black and white stand for.

    Examples
    --------
    >>> _range(3.0, 250.0), _range(0.1, 0.9), _range(-1.0, 1.0)
    ((0.0, 255.0), (0.0, 1.0), (-1.0, 1.0))
    """
    if low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    if low >= 0.0 and 16.0 < high <= 255.0:
        return 0.0, 255.0
    return low, high if high > low else low + 1.0
