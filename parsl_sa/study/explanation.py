"""What `parsl_sa.explain` returns: maps, how sure they are, and their picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from parsl_sa.study.advice import warn
from parsl_sa.study.notebook import show_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import numpy.typing as npt
    import xarray as xr
    from matplotlib.figure import Figure

_FLAT = 0.5  # share of undefined cells from which on a map says little


class Explanation:
    """Attribution maps of one input or of several.

    Parameters
    ----------
    indices : xarray.Dataset
        The statistics over the cells of the mask, as `Results` holds them.
    attrs : mapping
        Provenance of the study.
    inputs : ndarray
        What was explained.
    axes : str
        One letter an axis of one input.

    Notes
    -----
    ``maps`` has ``S1`` and ``ST`` (or ``effect``) over ``mask_row`` and ``mask_column``, each with ``_conf``,
    ``_low`` and ``_high``, and ``undefined`` where the answer does not vary; over ``case`` too where several
    inputs were explained.
    """

    def __init__(
        self, indices: xr.Dataset, attrs: Mapping[str, Any], inputs: npt.NDArray[Any], axes: str
    ) -> None:
        from parsl_sa.results.attribution import attribution, mask_of  # noqa: PLC0415 - xarray

        mask = mask_of(attrs)
        if mask is None:
            raise ValueError("the study has no mask, so there are no maps")
        self.indices, self.attrs, self.inputs, self.axes = indices, dict(attrs), inputs, axes
        self.mask = mask
        self.maps: xr.Dataset = attribution(indices, mask)
        warn(self._doubts())

    @property
    def explained(self) -> str:
        """What the maps are of: a quantity and its class, ``"log-odds of cat"``, or the "answer" itself."""
        output = json.loads(self.attrs["spec"])["outputs"][0]
        if not output.get("quantity") or output["quantity"] == "value":
            return str(output["name"])
        target = output.get("target")
        if target is None:
            return str(output["quantity"])
        if target == "predicted" and "predicted" in self.maps.coords and self.maps["predicted"].ndim == 0:
            target = self.maps["predicted"].item()
        return f"{output['quantity']} of {target if target != 'predicted' else 'the predicted class'}"

    @property
    def n_forwards(self) -> int:
        """Evaluations of the network."""
        return int(self.attrs["n_forwards"])

    def at_pixels(self, name: str) -> npt.NDArray[np.float64]:
        """Return a map with the value of its cell at every pixel.

        Parameters
        ----------
        name : str
            A variable of ``maps``, such as ``"ST"`` or ``"ST_conf"``.

        Returns
        -------
        ndarray of float64, shape (rows, columns), several inputs along a first axis
        """
        import numpy as np  # noqa: PLC0415 - `import parsl_sa` stays light

        shape = self.inputs.shape[-len(self.axes) :]
        rows, columns = (shape[self.axes.index(axis)] for axis in "HW")
        cells = self.mask.pixels((rows, columns))
        values = np.asarray(self.maps[name].values, np.float64)
        flat = values.reshape(*values.shape[: values.ndim - len(self.mask.grid)], -1)
        return np.asarray(flat[..., cells])

    def plot(self) -> Figure:
        """Return a figure of the maps laid over the input, each beside its half-widths.

        Where it is the last value of a notebook's cell, it is shown there; ``figure.savefig(path)`` keeps it.

        Raises
        ------
        ValueError
            If what was explained is no image.
        """
        from parsl_sa.report.attribution import NOTE, attribution_plates  # noqa: PLC0415 - matplotlib
        from parsl_sa.report.plates import sheet  # noqa: PLC0415

        if not self.mask.is_image or not {"H", "W"} <= set(self.axes):
            raise ValueError("only maps of images can be laid over them; the numbers are in maps")
        show_figures()
        plates = attribution_plates(self.indices, self.mask, self._pictures(), 12)
        return sheet(plates, f"What the {self.explained} rests on", NOTE, 1)

    def _pictures(self) -> npt.NDArray[np.uint8] | None:
        import torch  # noqa: PLC0415 - `import parsl_sa` stays light

        from parsl_sa.models.inputs import Assembler, pictures  # noqa: PLC0415
        from parsl_sa.models.inputs.bases import Bases  # noqa: PLC0415

        several = self.inputs.ndim > len(self.axes)
        arrays = self.inputs if several else self.inputs[None]
        return pictures(Assembler(0, bases=Bases(arrays, self.axes, "cpu", torch.float64)))

    def _doubts(self) -> Iterator[str]:
        """Say where a map is flat, and what to ask for instead."""
        flag = next(
            (ds[key] for ds, key in ((self.maps, "undefined"), (self.indices, "flat")) if key in ds), None
        )
        flat = 0.0 if flag is None else float(flag.mean())
        if flat >= _FLAT:
            yield (
                f"the answer does not vary in {100 * flat:.0f} % of the map, which is undefined there; a "
                "probability is flat where the network is sure: ask for quantity='log-odds' or 'logit'"
            )

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.mask.grid))
        return f"<Explanation of the {self.explained}: {size} cells, {self.n_forwards:,} forwards>"
