"""The axes of a quantity: their names, and which of them are reduced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parsl_sa.errors import ModelError

CLASS = "class"


def check_batch_axis(shape: tuple[int, ...], batch: int, place: str, name: str) -> None:
    """Refuse an output whose first axis is not the batch.

    Raises
    ------
    ModelError
        At `place`, with the axis that seems to be the batch.
    """
    if shape and shape[0] == batch and 0 not in shape:
        return
    said = f"'{name}' has shape {shape} for a batch of {batch} inputs"
    if 0 in shape:
        raise ModelError(place, f"{said}: it is empty")
    if batch in shape:
        axis = shape.index(batch)
        raise ModelError(
            place, f"{said}: the batch must be axis 0, and seems to be axis {axis}; movedim({axis}, 0)"
        )
    raise ModelError(
        place,
        f"{said}: axis 0 must be the batch, one output an input; do not reduce or squeeze over the batch",
    )


def name_axes(
    shape: tuple[int, ...], dims: Mapping[str, Any] | None, place: str, *, by_class: bool = False
) -> tuple[str, ...]:
    """Check the stated dims against the shape, or name the axes.

    Parameters
    ----------
    shape : tuple of int
        Of one row.
    dims : mapping, optional
        Names, each with its length, its coordinates, or None where the length does not matter.
    place : str
        Where the dims stand in the spec.
    by_class : bool
        Whether the first axis is that of the classes.

    Raises
    ------
    ModelError
        At `place`, if they do not fit.

    Examples
    --------
    >>> name_axes((2, 3), {}, "dims"), name_axes((10, 8, 8), None, "dims", by_class=True)
    (('dim_0', 'dim_1'), ('class', 'dim_1', 'dim_2'))
    """
    if not dims:
        return tuple(CLASS if by_class and axis == 0 else f"dim_{axis}" for axis in range(len(shape)))
    stated = tuple(_length(value) for value in dims.values())
    fits = len(stated) == len(shape) and all(
        one is None or one == length for one, length in zip(stated, shape, strict=True)
    )
    if not fits:
        said = ", ".join(
            f"{name} {'?' if one is None else one}" for name, one in zip(dims, stated, strict=True)
        )
        raise ModelError(
            place, f"the spec says ({said}) but the model gives {shape} an input; correct dims or select"
        )
    return tuple(dims)


def chosen_axes(names: Sequence[str], axes: Sequence[str | int], place: str) -> tuple[int, ...]:
    """Return the axes to reduce, counted from the first behind the batch; all where none is named.

    Raises
    ------
    ModelError
        At `place`, if there is no such axis, or one is named twice.

    Examples
    --------
    >>> chosen_axes(("class", "y", "x"), ["y", -1], "axes"), chosen_axes(("y", "x"), [], "axes")
    ((1, 2), (0, 1))
    """
    if not axes:
        return tuple(range(len(names)))
    found: list[int] = []
    for given in axes:
        axis = names.index(given) if given in names else given
        if not isinstance(axis, int) or not -len(names) <= axis < len(names):
            has = f"there are {', '.join(names)}" if names else "there is none behind the batch"
            numbers = f", by number 0 to {len(names) - 1}" if names else ""
            raise ModelError(place, f"no axis {given!r}; {has}{numbers}")
        found.append(axis % len(names))
    if len(set(found)) < len(found):
        raise ModelError(place, f"names an axis twice: {list(axes)} of {', '.join(names)}")
    return tuple(sorted(found))


def _length(value: Any) -> int | None:
    if value is None:
        return None
    return len(value) if isinstance(value, Sequence) else int(value)
