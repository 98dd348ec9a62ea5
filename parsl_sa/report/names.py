"""Long names made to fit, and what base inputs are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsl_sa.records import CASE
from parsl_sa.results.schema import cell_dims

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

SEPARATORS = "._-/ [:"


def shorten(name: str, width: int) -> str:
    """Cut the middle out of a name that is longer than `width`.

    Examples
    --------
    >>> shorten("boundary_layer.weights[3]", 16), shorten("alpha", 16)
    ('boundary…ghts[3]', 'alpha')
    """
    if len(name) <= width:
        return name
    head = (width - 1 + 1) // 2
    return f"{name[:head]}…{name[len(name) - (width - 1 - head) :]}"


def two_lines(name: str, width: int) -> str:
    r"""Break a name into at most two lines of `width`, at a separator near its middle where there is one.

    Examples
    --------
    >>> two_lines("boundary_layer.weights[3]", 16)
    'boundary_layer.\nweights[3]'
    """
    if len(name) <= width:
        return name
    places = [i + 1 for i, letter in enumerate(name) if letter in SEPARATORS and 0 < i < len(name) - 1]
    fitting = [i for i in places if i <= width and len(name) - i <= width]
    if fitting:
        cut = min(fitting, key=lambda i: abs(2 * i - len(name)))
        return f"{name[:cut]}\n{name[cut:]}"
    whole = shorten(name, 2 * width)
    cut = (len(whole) + 1) // 2
    return f"{whole[:cut]}\n{whole[cut:]}"


def listed(names: Sequence[str], most: int) -> str:
    """Join names as a sentence does; with more than one beyond `most`, those are only counted.

    Examples
    --------
    >>> listed(["a"], 4), listed(["a", "b", "c"], 4), listed(["a", "b", "c", "d"], 2)
    ('a', 'a, b and c', 'a, b and 2 others')
    """
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def distinct(names: Sequence[str], width: int) -> list[str]:
    """Shorten names so that they still differ where that can be: what all begin with goes first.

    Examples
    --------
    >>> distinct(["encoder.layers.0.weight[7]", "encoder.layers.3.weight[7]"], 13)
    ['…0.weight[7]', '…3.weight[7]']
    >>> distinct(["alpha", "leading_edge_weight"], 13)
    ['alpha', 'leadin…weight']
    """
    short = [shorten(name, width) for name in names]
    if len(set(short)) == len(set(names)):
        return short
    first, last = min(names), max(names)  # what these two begin with, all begin with
    alike = next(
        (i for i, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    cut = max((i + 1 for i, letter in enumerate(first[:alike]) if letter in SEPARATORS), default=0)
    return [shorten(f"…{name[cut:]}" if cut else name, width) for name in names]


def cells_word(ds: xr.Dataset) -> str:
    """Return what the cells of a quantity are called: base inputs, where they are all it has.

    Examples
    --------
    >>> import xarray as xr
    >>> cells_word(xr.Dataset({"mean": ("case", [1.0])})), cells_word(xr.Dataset({"mean": ("x", [1.0])}))
    ('base inputs', 'cells')
    """
    return "base inputs" if cell_dims(ds) == (CASE,) else "cells"


def named(ds: xr.Dataset, place: int) -> str:
    """Name a base input, with its label and what the model took it for.

    Examples
    --------
    >>> import xarray as xr
    >>> coords = {"case": [7], "label": ("case", ["cat"]), "predicted": ("case", ["dog"])}
    >>> named(xr.Dataset(coords=coords), 0)
    '7: cat, taken for dog'
    """
    one = ds.isel({CASE: place})
    name = str(one[CASE].item()) if CASE in ds.coords else str(place)
    return ": ".join(filter(None, (name, told(one))))


def told(one: xr.Dataset) -> str:
    """Say what one base input is, and what the model took it for; empty where neither is known.

    Examples
    --------
    >>> import xarray as xr
    >>> told(xr.Dataset(coords={"label": "cat", "predicted": "dog"})), told(xr.Dataset())
    ('cat, taken for dog', '')
    """
    label, predicted = (str(one[key].item()) if key in one.coords else "" for key in ("label", "predicted"))
    if label and predicted and label != predicted:
        return f"{label}, taken for {predicted}"
    return label or (f"taken for {predicted}" if predicted else "")
