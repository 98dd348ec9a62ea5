"""Draw the picture of this use case from two finished studies, and print what its README says of them.

``python apps/faces/picture.py runs/faces runs/faces-halves``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from parsl_sa import Results

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "docs" / "images" / "faces.png"
GRID = 5
ROWS = ("patch", "ST of each cell", "half-width of its interval")
SHOWN = (3, 11, 5, 62)
"""A plain face, a bearded one, a turned one with glasses, and that of the widest spread."""


def square(of_cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Lay the cells of the mask out as its grid."""
    return of_cells.reshape(GRID, GRID)


def said(face: xr.Dataset, halves: xr.Dataset) -> list[str]:
    """Return the sentences of the README that follow from the two studies."""
    total = square(face["ST_aggregated"].values)
    centre = total[1:-1, 1:-1]
    rim = (total.sum() - centre.sum()) / (total.size - centre.size)
    lines = [
        f"ST of a cell: {centre.mean():.3f} on average in the centre, {rim:.3f} at the rim",
        f"sum of S1 {face['S1_aggregated'].values.sum():.2f}",
    ]
    found = halves["mean"].values - halves["effect"].values
    for name, faces in {"as they are": found[:, :100], "mirrored": found[:, 100:]}.items():
        left, middle, right = faces.sum(1).round()
        lines.append(
            f"faces {name}: without the left {left:.0f} of 100 are found, without the middle {middle:.0f}, "
            f"without the right {right:.0f}"
        )
    return lines


def draw(patches: npt.NDArray[np.float32], face: xr.Dataset) -> Figure:
    """Draw the mean face and single ones above their maps of ST and of the half-width of its interval."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots(3, 1 + len(SHOWN))
    columns = [("all faces", patches[:100].mean(0), face["ST_aggregated"], face["ST_aggregated_conf"])]
    for case in SHOWN:
        one = face.isel(case=case)
        columns.append((f"face {case}", patches[case], one["ST"], one["ST_conf"]))
    highest = max(float(total.max()) for _, _, total, _ in columns)
    for (name, patch, total, half), column in zip(columns, axes.T, strict=True):
        column[0].set_title(name)
        column[0].imshow(patch, cmap="gray")
        for panel, values in zip(column[1:], (total, half), strict=True):
            key = panel.imshow(square(values.values), cmap="viridis", vmin=0, vmax=highest)
        for panel in column:
            panel.set_xticks([])
            panel.set_yticks([])
    for panel, text in zip(
        axes[:, 0], ("patch", "ST of each cell", "half-width of its interval"), strict=True
    ):
        panel.set_ylabel(text)
    figure.colorbar(key, ax=list(axes[1:].flat), pad=0.01, label="share of the variance")
    return figure


def main(attribution: str, halves: str, picture: str | Path = PICTURE) -> None:
    """Read both study directories, print, and draw."""
    face, detected = Results.open(attribution)["face"], Results.open(halves)["detected"]
    print("\n".join(said(face, detected)))
    draw(np.load(HERE / "data" / "patches.npy"), face).savefig(picture, dpi=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
