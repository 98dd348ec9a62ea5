"""The grid of a field: coordinates along its axes and weights of its cells, written out or in files."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from math import isfinite, prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from parsl_sa.spec.fields import Section, complain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Values = tuple[float | str, ...]

_LIST_OR_FILE = 'must be a list, or the name of a file such as "x.npy" or "x.csv"'
_WEIGHTS = (
    'must be a list of numbers, nested as the axes are or flat, or the name of a file such as "volume.npy"'
)


class GridError(ValueError):
    """Coordinates or weights that cannot be used; the message says why, and what would be right."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _values(given: Any) -> Any:
    if isinstance(given, str):
        if Path(given).suffix not in {".npy", ".csv"}:
            raise complain(f"{_LIST_OR_FILE}; it is '{given}'")
        return given
    if not isinstance(given, list | tuple) or not given:
        raise complain(_LIST_OR_FILE)
    if not (all(isinstance(value, str) for value in given) or all(_is_number(value) for value in given)):
        raise complain("must hold numbers alone, or texts alone")
    return tuple(given)


def _weights(given: Any) -> Any:
    if given is None or (isinstance(given, str) and Path(given).suffix == ".npy"):
        return given
    if not isinstance(given, list | tuple) or not given:
        raise complain(_WEIGHTS)
    try:
        shape = _shape(given)
    except GridError as error:
        raise complain(str(error)) from error
    _check_weights(_flat(given), prod(shape), complain)
    return tuple(given)


_ENTRY = {"anyOf": [{"type": "number"}, {"type": "string"}]}

CoordinateValues = Annotated[
    Any,
    BeforeValidator(_values),
    WithJsonSchema({"anyOf": [{"type": "array", "items": _ENTRY, "minItems": 1}, {"type": "string"}]}),
]
Weights = Annotated[
    Any,
    BeforeValidator(_weights),
    WithJsonSchema({"anyOf": [{"type": "array", "minItems": 1}, {"type": "string"}, {"type": "null"}]}),
]


class CoordinateSpec(Section):
    """Where the cells of a field stand along one axis."""

    values: CoordinateValues = Field(
        description="One number or text a cell of the axis: a list, or a .npy or .csv file."
    )
    unit: str = Field(default="", description="Physical unit; shown, never computed with.")


def _long_form(given: Any) -> Any:
    return given if isinstance(given, Mapping | Section) else {"values": given}


Coordinate = Annotated[CoordinateSpec, BeforeValidator(_long_form)]


def read_coordinate(values: str | Values, length: int) -> Values:
    """Return the coordinates of an axis, from the list or the file that a spec names.

    Parameters
    ----------
    values : str or tuple
        A path, or the coordinates themselves.
    length : int
        Cells along the axis.

    Raises
    ------
    GridError
        If the file is missing or cannot be read, or their number is not `length`.
    """
    found = _read(Path(values), length) if isinstance(values, str) else values
    if len(found) != length:
        raise GridError(f"has {len(found)} coordinates for {length} cells; give one a cell")
    return found


def read_weights(weights: str | Sequence[Any], shape: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return the weights of the cells of a field in C order.

    Parameters
    ----------
    weights : str or sequence
        A path, or the weights themselves, nested as the axes are or flat.
    shape : sequence of int
        Lengths of the axes.

    Raises
    ------
    GridError
        If the file is missing or cannot be read, their shape is another, or they are not finite and
        non-negative, one of them positive.
    """
    import numpy as np  # noqa: PLC0415 - specs are read by commands that never compute

    if isinstance(weights, str):
        array = _load(Path(weights))
        if array.dtype.kind not in "fiu":
            raise GridError(f"holds {array.dtype}, not real numbers")
    else:
        array = np.array(weights, np.float64)
    if array.shape not in {tuple(shape), (prod(shape),)}:
        raise GridError(f"has the shape {array.shape}; the axes give {tuple(shape)}")
    _check_weights(array.ravel(), array.size, GridError)
    return array.astype(np.float64).ravel()


def digest_grid(values: str | Sequence[Any]) -> str:
    """Digest coordinates or weights: the bytes of the file, or what is written in the spec.

    Raises
    ------
    GridError
        If the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(values, str):
        try:
            digest.update(Path(values).read_bytes())
        except OSError as error:
            raise GridError(f"{values} cannot be read: {error.strerror}") from error
    else:
        digest.update(json.dumps(values).encode())
    return digest.hexdigest()


def shape_of(weights: Sequence[Any]) -> tuple[int, ...]:
    """Return the shape of nested lists that were found sound.

    Examples
    --------
    >>> shape_of([[1, 2, 3], [4, 5, 6]])
    (2, 3)
    """
    return _shape(weights)


def _shape(nested: Any) -> tuple[int, ...]:
    if not isinstance(nested, list | tuple):
        if not _is_number(nested):
            raise GridError(f"must hold finite numbers; it holds {nested!r}")
        return ()
    inner = {_shape(entry) for entry in nested}
    if len(inner) != 1:
        raise GridError("must be a list of numbers, or lists of equal length in each other")
    return (len(nested), *inner.pop())


def _flat(nested: Any) -> list[float]:
    if not isinstance(nested, list | tuple):
        return [nested]
    return [value for entry in nested for value in _flat(entry)]


def _check_weights(values: Any, count: int, error: Any) -> None:
    low, high = min(values), max(values)
    # A NaN gets past min and max, but not past a sum.
    if low < 0 or not isfinite(sum(values)):
        raise error(f"must be finite and not negative, as volumes are; the smallest of {count} is {low:g}")
    if high == 0:
        raise error("are all 0: one cell at least must count")


def _read(path: Path, length: int) -> Values:
    if path.suffix == ".csv":
        return _read_csv(path, length)
    array = _load(path)
    if array.ndim != 1 or array.dtype.kind not in "fiuU":
        raise GridError(f"{path} holds {array.dtype} of shape {array.shape}, not a list of numbers or texts")
    values: Values = tuple(array.tolist())
    if array.dtype.kind == "f" and not all(isfinite(value) for value in values if isinstance(value, float)):
        raise GridError(f"{path} holds coordinates that are not finite")
    return values


def _load(path: Path) -> npt.NDArray[Any]:
    import numpy as np  # noqa: PLC0415 - specs are read by commands that never compute

    try:
        array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise GridError(f"{path}: no such file; paths are relative to the spec") from None
    except (OSError, ValueError) as error:
        raise GridError(f"{path} is not a .npy file of numbers: {error}") from error
    return array


def _read_csv(path: Path, length: int) -> Values:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise GridError(f"{path}: no such file; paths are relative to the spec") from None
    except (OSError, UnicodeDecodeError) as error:
        raise GridError(f"{path} cannot be read: {error}") from error
    found = [entry.strip() for row in csv.reader(text.splitlines()) for entry in row if entry.strip()]
    if len(found) == length + 1 and _numbers(found[:1]) is None:
        found = found[1:]  # a line of headings
    return _numbers(found) or tuple(found)


def _numbers(texts: Sequence[str]) -> Values | None:
    try:
        values = tuple(float(text) for text in texts)
    except ValueError:
        return None
    return values if all(isfinite(value) for value in values) else None
