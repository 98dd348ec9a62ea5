"""The attribution maps of a quantity as a group of figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parsl_sa.records import CASE
from parsl_sa.report.attribution import NOTE, attribution_plates
from parsl_sa.report.page.pictures import Group
from parsl_sa.results.attribution import mask_of
from parsl_sa.results.schema import cell_dims

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import xarray as xr

    from parsl_sa.results.attribution import Masked

TOP, MOST = 4, 12  # base inputs shown at once, and with those behind "more"


@dataclass(frozen=True)
class Explained:
    """What attribution maps need beside a quantity.

    Parameters
    ----------
    mask : Masked
        The mask of the study.
    pictures : ndarray of uint8, shape (n, height, width, 3), or None
        The first base inputs as they look.
    """

    mask: Masked
    pictures: npt.NDArray[np.uint8] | None = None

    @classmethod
    def of(cls, attrs: Mapping[str, Any], pictures: npt.NDArray[np.uint8] | None) -> Explained | None:
        """Return it for a study whose mask lies on an image; None for any other."""
        mask = mask_of(attrs)
        return cls(mask, pictures) if mask is not None and mask.is_image else None

    def covers(self, ds: xr.Dataset) -> bool:
        """Tell whether a quantity is drawn as maps: one number, or one a base input."""
        return set(cell_dims(ds)) <= {CASE}

    def group(self, ds: xr.Dataset) -> Group | None:
        """Group the maps of a quantity; None where it has none."""
        if not self.covers(ds):
            return None
        plates = attribution_plates(ds, self.mask, self.pictures, MOST)
        if not plates:
            return None
        notes = [NOTE]
        if (n_cases := ds.sizes.get(CASE, 1)) > len(plates):
            notes.append(f"Drawn are the first of {n_cases:,} base inputs; all are in the CSV.")
        undefined = "undefined" in ds and bool(ds["undefined"].any())
        return Group(
            "attribution",
            "Where the input matters",
            tuple(notes),
            tuple(plates[:TOP]),
            tuple(plates[TOP:]),
            marks=("undefined",) if undefined else (),
        )
