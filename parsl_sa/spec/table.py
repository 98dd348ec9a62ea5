"""Tables of data whose rows are inputs: read, and refused with row and column."""

from __future__ import annotations

import csv
import hashlib
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

_MOST_MESSAGES = 5


class TableError(ValueError):
    """A table that cannot be used.

    Parameters
    ----------
    messages : sequence of str
        What is wrong, place by place.
    """

    def __init__(self, messages: Sequence[str]) -> None:
        more = len(messages) - _MOST_MESSAGES
        shown = [*messages[:_MOST_MESSAGES], f"{more} more such cells"] if more > 0 else messages
        self.messages = tuple(shown)
        super().__init__("\n".join(self.messages))


def read_table(path: Path, names: Sequence[str], digest: str | None = None) -> npt.NDArray[np.float64]:
    """Read the columns of some parameters.

    Parameters
    ----------
    path : Path
        A .csv file with a line of names, a .parquet file, or a .npy file with named fields or just these
        columns.
    names : sequence of str
        The parameters.
    digest : str, optional
        What `digest_table` must say of the file.

    Returns
    -------
    ndarray of float64, shape (n_rows, len(names))
        All finite.

    Raises
    ------
    TableError
        If the file cannot be read, is another one than it was, lacks a column, or holds a cell that is
        no finite number.
    """
    _require_same(path, digest)
    if path.suffix == ".csv":
        return _read_csv(path, names)
    if path.suffix == ".parquet":
        return _read_parquet(path, names)
    if path.suffix == ".npy":
        return _read_npy(path, names)
    raise TableError([f"{path} is neither a .csv nor a .parquet nor a .npy file"])


def read_column(path: Path, column: str | int | None, digest: str | None = None) -> npt.NDArray[np.float64]:
    """Read one column.

    Parameters
    ----------
    path : Path
        As for `read_table`.
    column : str, int or None
        Its name; its index in a .npy file without names; None for the only column of a .npy file.
    digest : str, optional
        What `digest_table` must say of the file.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        All finite.

    Raises
    ------
    TableError
        As `read_table`.
    """
    if path.suffix != ".npy":
        if isinstance(column, str):
            return read_table(path, [column], digest)[:, 0]
        raise TableError([f"{path} has names of columns; give one of them instead of {column}"])
    _require_same(path, digest)
    array = _load(path)
    if array.dtype.names is not None:
        if not isinstance(column, str):
            raise TableError([f"{path} has the columns {', '.join(array.dtype.names)}; name one of them"])
        return _read_npy(path, [column])[:, 0]
    if isinstance(column, str):
        raise TableError([f"{path} has no names of columns; give the index of one, from 0"])
    table = array[:, None] if array.ndim == 1 else array
    if column is not None and table.ndim == 2 and column < table.shape[1]:
        table, name = table[:, [column]], str(column)
    elif column is None:
        name = "0"
    else:
        raise TableError([f"{path} holds an array of shape {array.shape}; it has no column {column}"])
    return _numbers(path, table, [name])[:, 0]


def _require_same(path: Path, digest: str | None) -> None:
    found = digest_table(path)
    if digest is not None and found != digest:
        raise TableError([f"{path} has changed since the study began; give a new study a new directory"])


def digest_table(path: Path) -> str:
    """Return the digest of a file's contents.

    Raises
    ------
    TableError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except FileNotFoundError:
        raise TableError([f"{path}: no such file; paths are relative to the spec"]) from None
    except OSError as error:
        raise TableError([f"{path} cannot be read: {error.strerror}"]) from error


def _read_csv(path: Path, names: Sequence[str]) -> npt.NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - specs are read by commands that never compute

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError([f"{path} is no table of comma-separated values: {error}"]) from error
    places = _places(path, header, names)
    if not lines:
        raise TableError([f"{path} has a line of names, but no rows"])
    cells = [[_cell(line, place) for place in places] for _, line in lines]
    wrong = [
        f"{path}, line {number}, column '{name}': {_fault(cell)}"
        for (number, _), row in zip(lines, cells, strict=True)
        for name, cell in zip(names, row, strict=True)
        if _fault(cell)
    ]
    if wrong:
        raise TableError(wrong)
    return np.array([[float(cell) for cell in row] for row in cells], np.float64)


def _places(path: Path, header: Sequence[str], names: Sequence[str]) -> list[int]:
    known = ", ".join(header) or "none"
    hint = "; columns are separated by commas" if len(header) == 1 and {";", "\t"} & set(header[0]) else ""
    wrong = [
        f"{path} has no column '{name}'; its columns: {known}{hint}" for name in names if name not in header
    ]
    wrong += [f"{path} has {header.count(name)} columns '{name}'" for name in names if header.count(name) > 1]
    if wrong:
        raise TableError(wrong)
    return [header.index(name) for name in names]


def _cell(line: Sequence[str], place: int) -> str:
    return line[place].strip() if place < len(line) else ""


def _fault(cell: str) -> str:
    """Say why a cell is no finite number; empty if it is one."""
    if not cell:
        return "is empty"
    try:
        return "" if isfinite(float(cell)) else f"must be a finite number; it is {cell}"
    except ValueError:
        return f"must be a number; it is '{cell[:40]}'"


def _read_parquet(path: Path, names: Sequence[str]) -> npt.NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - see above

    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra
    except ImportError:
        cure = 'pip install "parsl-sa[parquet]"'
        raise TableError([f"{path} needs pyarrow, which is not installed: {cure}"]) from None
    try:
        _places(path, parquet.read_schema(path).names, names)
        table = parquet.read_table(path, columns=list(names))
    except (OSError, ArrowException) as error:
        raise TableError([f"{path} is no Parquet file: {error}"]) from error
    columns = [table.column(name).to_numpy() for name in names]
    wrong = [
        f"{path}, column '{name}': holds {table.schema.field(name).type}, not numbers"
        for name, column in zip(names, columns, strict=True)
        if column.dtype.kind not in "fiu"
    ]
    if wrong:
        raise TableError(wrong)
    return _numbers(path, np.stack(columns, axis=-1), names)


def _read_npy(path: Path, names: Sequence[str]) -> npt.NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - see above

    array = _load(path)
    if array.dtype.names is not None:
        _places(path, array.dtype.names, names)
        array = np.stack([array[name] for name in names], axis=-1)
    return _numbers(path, array, names)


def _load(path: Path) -> npt.NDArray[Any]:
    import numpy as np  # noqa: PLC0415 - see above

    try:
        array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise TableError([f"{path} is not a .npy file of numbers: {error}"]) from error
    if not isinstance(array, np.ndarray):  # an archive of several
        raise TableError([f"{path} is not a .npy file of numbers; save one array with numpy.save"])
    return array


def _numbers(path: Path, array: npt.NDArray[Any], names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the columns of an array, if that is what it has, and all are finite."""
    import numpy as np  # noqa: PLC0415 - see above

    if array.ndim != 2 or array.shape[1] != len(names) or array.dtype.kind not in "fiu":
        raise TableError(
            [f"{path} holds {array.dtype} of shape {array.shape}, not numbers of shape (rows, {len(names)})"]
        )
    if not len(array):
        raise TableError([f"{path} has no rows"])
    values = array.astype(np.float64)
    wrong = list(_not_finite(path, values, names))
    if wrong:
        raise TableError(wrong)
    return values


def _not_finite(path: Path, values: npt.NDArray[np.float64], names: Sequence[str]) -> Iterator[str]:
    import numpy as np  # noqa: PLC0415 - see above

    for row, column in np.argwhere(~np.isfinite(values)).tolist():
        yield f"{path}, row {row}, column '{names[column]}': must be finite; it is {values[row, column]}"
