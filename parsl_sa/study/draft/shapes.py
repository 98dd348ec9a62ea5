"""What a model takes: as its file says, as its first layer says, or found by calling it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from parsl_sa.errors import Fault, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.models import Model
    from parsl_sa.models.protocol import InputTensor

BATCH = 7  # a prime: an axis of that length is the batch
_MOST_COLUMNS = 64
_SIDES = (32, 64, 224)  # of images, where only a call can tell


@dataclass(frozen=True)
class Taken:
    """The inputs of a model.

    Parameters
    ----------
    shapes : dict
        Shape of each input without its batch axis, by name; the name is empty where there is one without.
    remarks : tuple of str
        How it was found out, where the user should look again.
    """

    shapes: dict[str, tuple[int, ...]]
    remarks: tuple[str, ...] = ()

    @property
    def only(self) -> tuple[int, ...]:
        """Shape of the only input; empty where there are several."""
        return next(iter(self.shapes.values())) if len(self.shapes) == 1 else ()

    @property
    def is_image(self) -> bool:
        """Whether its only input has rows, columns and channels."""
        return len(self.only) == 3


def taken(model: Model, n_columns: int | None, sides: tuple[int, int] | None) -> Taken:
    """Find out what a model takes.

    Parameters
    ----------
    model : Model
        As loaded.
    n_columns : int or None
        Columns of the data, if these are a table.
    sides : tuple of int, or None
        Rows and columns of the images, if the data are images.

    Raises
    ------
    SpecError
        If none of what is tried goes through the model.

    Notes
    -----
    Tried are, in this order, the shapes that the file states, with open lengths filled in from the data; the
    widths of a module's weights, the first layer first; for anything else as many columns as the data have,
    then 1, 2, 3, ..., of which the least that the model takes is right for code that names its columns.
    """
    described = {tensor.name: tensor for tensor in model.inputs}
    if len(described) > 1:
        return _several(described, n_columns)
    name = next(iter(described), "")
    tried: list[str] = []
    for shape in _candidates(model, described.get(name), n_columns, sides):
        fault = _fault(model, shape)
        if fault is None:
            return Taken({name: shape}, _remarks(model, shape, n_columns))
        tried.append(f"{shape}: {fault}")
    text = "parsl-sa cannot tell what it takes; write the spec by hand (docs/spec.md), or give --data"
    raise SpecError(
        [Fault("MODEL", f"{text}. Last tried was an input of shape {tried[-1] if tried else 'none'}")]
    )


def batch_of(model: Model) -> int:
    """Return a batch that a model takes, as near to `BATCH` as can be."""
    return model.fixed_batch or max(model.smallest_batch, min(BATCH, model.largest_batch or BATCH))


def _several(described: dict[str, InputTensor], n_columns: int | None) -> Taken:
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in described.items()}
    open_ones = [name for name, shape in shapes.items() if None in shape or len(shape) > 1]
    if open_ones:
        shape = described[open_ones[0]].shape
        text = f"its input '{open_ones[0]}' has the shape {shape}, and init fills columns only"
        raise SpecError([Fault("MODEL", f"{text}: write inputs.template by hand (docs/spec.md)")])
    closed = {name: tuple(int(n or 0) for n in shape) for name, shape in shapes.items()}
    needed = sum(shape[0] if shape else 1 for shape in closed.values())
    if n_columns is not None and n_columns < needed:
        raise SpecError([Fault("--data", f"has {n_columns} numeric columns, and the model takes {needed}")])
    return Taken(closed)


def _candidates(
    model: Model, tensor: InputTensor | None, n_columns: int | None, sides: tuple[int, int] | None
) -> Iterator[tuple[int, ...]]:
    squares = [sides] if sides else [(side, side) for side in _SIDES]
    if tensor is not None:
        shape = tensor.shape[1:]
        if None not in shape:
            yield tuple(int(n or 0) for n in shape)
        elif len(shape) == 1:
            yield from _widths(n_columns)
        elif len(shape) == 3:
            yield from (_filled(shape, square) for square in squares)
        return
    for weight in _weights(model):
        if weight.ndim == 2:
            yield (weight.shape[1],)
        elif weight.ndim == 4:
            yield from ((weight.shape[1], *square) for square in squares)
    yield from _widths(n_columns)


def _weights(model: Model) -> list[nn.Parameter]:
    function = getattr(model, "function", None)
    return list(function.parameters()) if isinstance(function, nn.Module) else []


def _widths(n_columns: int | None) -> Iterator[tuple[int, ...]]:
    if n_columns is not None:
        yield (n_columns,)
    yield from ((n,) for n in range(1, _MOST_COLUMNS + 1))


def _filled(shape: tuple[int | None, ...], square: tuple[int, int]) -> tuple[int, ...]:
    """Fill the open lengths of an image in: channels first unless they are stated last."""
    rows, columns = square
    channels_last = shape[0] is None and shape[-1] in {1, 3, 4}
    defaults = (rows, columns, 3) if channels_last else (3, rows, columns)
    return tuple(default if n is None else n for n, default in zip(shape, defaults, strict=True))


def _fault(model: Model, shape: tuple[int, ...]) -> str | None:
    """Call the model with an input of a shape; return what it raises, None if it goes through."""
    try:
        model(np.full((batch_of(model), *shape), 0.5))
    except Exception as fault:  # noqa: BLE001 - a model may raise anything at what it does not take
        lines = str(fault).strip().splitlines()
        return f"{type(fault).__name__}: {lines[0] if lines else ''}"
    return None


def _remarks(model: Model, shape: tuple[int, ...], n_columns: int | None) -> tuple[str, ...]:
    if model.inputs or _weights(model) or shape == (n_columns,):
        return ()
    text = f"{shape[0]} is the least number of columns that the function takes; see that it is right"
    return (f"inputs.parameters: {text}",)
