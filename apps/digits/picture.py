"""Draw the picture of this use case from two finished studies, and print what its README says of them.

``python apps/digits/picture.py runs/digits runs/digits-occlusion``
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
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "docs" / "images" / "digits.png"
SHOWN = 12
ROWS = ("image", "share ST\nof each block", "half-width\nof its interval", "margin gained\nwithout the pixel")


def square(of_cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Lay the cells of a mask out as its square grid."""
    side = round(len(of_cells) ** 0.5)
    return of_cells.reshape(side, side)


def said(read: xr.Dataset, margin: xr.Dataset) -> list[str]:
    """Return the sentences of the README that follow from the two studies."""
    wrong = read["label"].values != read["predicted"].values
    before = margin["mean"].values
    after = before - margin["effect"].values
    repaired = (after[:, wrong] > 0).any(0)
    broken = (after[:, ~wrong] < 0).any(0)
    lines = [
        f"{wrong.sum()} of {len(wrong)} images are read wrong",
        f"one pixel less makes {repaired.sum()} of {wrong.sum()} wrong ones right",
        f"one pixel less makes {broken.sum()} of {(~wrong).sum()} right ones wrong",
    ]
    for name, picked in {"wrong": wrong, "right": ~wrong}.items():
        weights = read["variance"].values[picked]
        total = square((read["ST"].values[:, picked] * weights).sum(1) / weights.sum())
        alone = (read["S1"].values[:, picked] * weights).sum() / weights.sum()
        middle = ", ".join(f"{share:.2f}" for share in total[1:3, 1:3].flat)
        lines.append(f"{name}: sum of S1 {alone:.2f}; ST of the four blocks in the middle {middle}")
    return lines


def draw(images: npt.NDArray[np.uint8], read: xr.Dataset, margin: xr.Dataset) -> Figure:
    """Draw the first images, which are read wrong, above their maps; one column an image."""
    figure = Figure(figsize=(12, 5), layout="constrained")
    axes = figure.subplots(len(ROWS), SHOWN)
    effects = -margin["effect"].values[:, :SHOWN]
    most = np.abs(effects).max()
    keys: list[AxesImage] = []
    for case in range(SHOWN):
        column = axes[:, case]
        total, half = (square(read[name].values[:, case]) for name in ("ST", "ST_conf"))
        keys = [
            column[0].imshow(images[case], cmap="gray_r"),
            column[1].imshow(total, cmap="viridis", vmin=0, vmax=1),
            column[2].imshow(half, cmap="viridis", vmin=0, vmax=1),
            column[3].imshow(square(effects[:, case]), cmap="RdBu", vmin=-most, vmax=most),
        ]
        label, predicted = (str(read[name].values[case]) for name in ("label", "predicted"))
        column[0].set_title(f"{label}, read as {predicted}", fontsize=9)
    for row, (text, key) in enumerate(zip(ROWS, keys, strict=True)):
        axes[row, 0].set_ylabel(text, fontsize=9)
        if row:
            figure.colorbar(key, ax=list(axes[row]), pad=0.01)
    for panel in axes.flat:
        _bare(panel)
    return figure


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])


def main(attribution: str, occlusion: str, picture: str | Path = PICTURE) -> None:
    """Read both study directories, print, and draw."""
    read, margin = Results.open(attribution)["read"], Results.open(occlusion)["margin"]
    print("\n".join(said(read, margin)))
    draw(np.load(HERE / "held_out.npy"), read, margin).savefig(picture, dpi=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
