"""The colours of every picture, and their names on a page that is light or dark."""

from __future__ import annotations

# Okabe and Ito's colours, which differ in lightness too: they stay apart in grey and for every colour vision.
COLOURS = {"ST": "#E69F00", "S1": "#0072B2"}
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
INK, GREY, GRID, BAND = "#222222", "#5F5F5F", "#DDDDDD", "#F5F5F5"
HATCH, HATCH_PAPER = "#B5B5B5", "#EDEDED"  # masked cells
UNDEFINED = "#8F8F8F"

SEQUENTIAL = "cividis"  # maps of means and spreads: its lightness grows evenly, the same for nearly every eye
SHARES = "viridis"  # maps of indices: more steps to tell apart, and as safe

# What a page calls them; it says which colour that is on a light and on a dark ground.
VARIABLES = {
    INK: "--ink",
    GREY: "--muted",
    GRID: "--grid",
    BAND: "--soft",
    HATCH: "--hatch",
    HATCH_PAPER: "--hatch-paper",
    UNDEFINED: "--undefined",
    **{colour: f"--series-{place}" for place, colour in enumerate(SERIES, start=1)},
}


def themed(style: str) -> str:
    """Replace the colours in a style by the names that the page has for them.

    Examples
    --------
    >>> themed("fill: none; stroke: #222222")
    'fill: none; stroke: var(--ink)'
    """
    for colour, variable in VARIABLES.items():
        style = style.replace(colour.lower(), f"var({variable})")
    return style
