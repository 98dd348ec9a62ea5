"""Turn the outputs of a spec into quantities: names, dims and shapes as one forward showed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.models.selection import SelectionError, as_array, select
from parsl_sa.records import Quantity

if TYPE_CHECKING:
    import numpy.typing as npt


def read(output: Any, specs: Sequence[Mapping[str, Any]]) -> list[npt.NDArray[Any]]:
    """Select every quantity from an output.

    Parameters
    ----------
    output : object
        What the model returned.
    specs : sequence of mapping
        The spec's ``outputs``.

    Returns
    -------
    list of ndarray
        One an output, on the host, with the batch as the first axis.

    Raises
    ------
    ModelError
        At ``outputs[i].select``, if a path leads to no tensor, or at ``outputs[i]`` if it holds no numbers.
    """
    found = []
    for index, spec in enumerate(specs):
        try:
            array = as_array(select(output, str(spec.get("select") or "")))
        except SelectionError as wrong:
            raise ModelError(f"outputs[{index}].select", str(wrong)) from None
        if array.dtype.kind not in "fiub":
            cure = "return its real part or modulus" if array.dtype.kind == "c" else "return numbers"
            raise ModelError(
                f"outputs[{index}]", f"'{spec['name']}' is {array.dtype}, not real numbers; {cure}"
            )
        found.append(array)
    return found


def learn(
    arrays: Sequence[npt.NDArray[Any]], specs: Sequence[Mapping[str, Any]], batch: int
) -> tuple[Quantity, ...]:
    """Name the axes of every quantity and lay their cells out one after the other.

    Parameters
    ----------
    arrays : sequence of ndarray
        As `read` returned them.
    specs : sequence of mapping
        The spec's ``outputs``; ``dims`` maps a name to its length or to its coordinates.
    batch : int
        Rows of the forward.

    Returns
    -------
    tuple of Quantity
        In the order of the spec.

    Raises
    ------
    ModelError
        At ``outputs[i].select`` where the first axis is not the batch, at ``outputs[i].dims`` where the
        shape is another.

    Examples
    --------
    >>> learn([np.zeros((4, 2, 3))], [{"name": "theta", "dims": {"side": 2, "x": 3}}], 4)[0].dims
    ('side', 'x')
    """
    quantities: list[Quantity] = []
    start = 0
    for index, (array, spec) in enumerate(zip(arrays, specs, strict=True)):
        _check_batch_axis(array.shape, batch, f"outputs[{index}].select", str(spec["name"]))
        dims, shape = _dims(array.shape[1:], spec.get("dims"), f"outputs[{index}].dims")
        quantity = Quantity(str(spec["name"]), dims, shape, start, str(spec.get("unit") or ""))
        quantities.append(quantity)
        start += quantity.n_cells
    return tuple(quantities)


def result_dtype(arrays: Sequence[npt.NDArray[Any]]) -> str:
    """Return the dtype that holds every quantity without loss: float32, or float64 where one needs it.

    Examples
    --------
    >>> result_dtype([np.zeros(1, np.float32), np.zeros(1, np.uint8)]), result_dtype([np.zeros(1, np.int64)])
    ('float32', 'float64')
    """
    return str(np.result_type(np.float32, *(array.dtype for array in arrays)))


def _check_batch_axis(shape: tuple[int, ...], batch: int, place: str, name: str) -> None:
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


def _dims(
    shape: tuple[int, ...], dims: Mapping[str, Any] | None, place: str
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Check the stated dims against the shape, or name them."""
    if not dims:
        return (
            ((), ()) if shape in {(), (1,)} else (tuple(f"dim_{axis}" for axis in range(len(shape))), shape)
        )
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
    return tuple(dims), shape


def _length(value: Any) -> int | None:
    if value is None:
        return None
    return len(value) if isinstance(value, Sequence) else int(value)
