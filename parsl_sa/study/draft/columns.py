"""Parameters from a table: which columns they are, and which ranges the data have."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import Fault, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

SUFFIXES = (".csv", ".parquet", ".npy")
_FEW = 20  # values of a column that are taken for levels
_LOWER, _UPPER = 0.01, 0.99
_CORRELATED = 0.5
_MOST_PAIRS = 3
_PLACEHOLDER = "placeholder: edit"


@dataclass(frozen=True)
class Table:
    """The numeric columns of a data file.

    Parameters
    ----------
    path : Path
        The file.
    frame : DataFrame
        Its rows in which all of these columns are finite.
    remarks : tuple of str
        What of it was left out.
    """

    path: Path
    frame: pd.DataFrame
    remarks: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns; ``x0``, ``x1``, ... where the file has none."""
        return tuple(map(str, self.frame.columns))


def read(path: Path) -> Table:
    """Read the numeric columns of a CSV, Parquet or NPY file.

    Raises
    ------
    SpecError
        At ``--data``, if it cannot be read or has none.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import

    try:
        if path.suffix == ".npy":
            frame = _array(np.load(path, allow_pickle=False), path)
        else:
            frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except ImportError as missing:
        raise _fault(f"{path} needs pyarrow: pip install 'parsl-sa[parquet]'") from missing
    except (OSError, ValueError) as error:
        raise _fault(f"{path} cannot be read as a table: {error}") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    numeric = frame.select_dtypes(["number", "bool"]).astype(np.float64)
    remarks = []
    others = [name for name in frame.columns if name not in numeric.columns]
    if others:
        remarks.append(
            f"inputs.parameters: left out of {path.name}, because they are not numbers: {_list(others)}"
        )
    whole = numeric[np.isfinite(numeric).all(axis=1)]
    if len(whole) < len(numeric):
        remarks.append(
            f"inputs.parameters: {len(numeric) - len(whole)} rows of {path.name} are not finite, left out"
        )
    if numeric.empty or whole.empty:
        raise _fault(f"{path} has no rows of finite numbers")
    return Table(path, whole, tuple(remarks))


def _array(array: Any, path: Path) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - see above

    if array.dtype.names is not None:
        return pd.DataFrame(array)
    if array.ndim != 2:
        raise _fault(f"{path} holds an array of shape {array.shape}; the model takes rows of columns")
    return pd.DataFrame(array, columns=[f"x{index}" for index in range(array.shape[1])])


def parameters(
    count: int, known: Sequence[str], table: Table | None, base_dir: Path, *, empirical: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the parameters of a spec.

    Parameters
    ----------
    count : int
        How many columns the model takes.
    known : sequence of str
        Their names, if the model says them.
    table : Table or None
        The data; without them every parameter is uniform on [0, 1].
    base_dir : Path
        Folder of the spec.
    empirical : bool
        Whether every column is drawn from its own values.

    Returns
    -------
    parameters : list of dict
        As a spec has them.
    remarks : list of str
        What the user should look at.

    Raises
    ------
    SpecError
        At ``--data``, if it has fewer columns, or lacks one that the model names.
    """
    if table is None:
        names = list(known) or [f"x{index}" for index in range(count)]
        made = [{**_uniform(name, 0.0, 1.0), "description": _PLACEHOLDER} for name in names]
        remark = "the ranges are placeholders, 0 to 1; state those of the training, or give --data"
        return made, [f"inputs.parameters: {remark}"]
    names, remarks = _chosen(count, known, table)
    made = [_parameter(name, table, base_dir, empirical=empirical) for name in names]
    return made, [*table.remarks, *remarks, *_correlated(table, names)]


def _chosen(count: int, known: Sequence[str], table: Table) -> tuple[list[str], list[str]]:
    missing = [name for name in known if name not in table.names]
    if known and not missing:
        return list(known), []
    if known and len(set(known) & set(table.names)) > len(known) // 2:
        raise _fault(
            f"{table.path} has no column '{missing[0]}', which the model names; it has {_list(table.names)}"
        )
    if len(table.names) < count:
        raise _fault(f"{table.path} has {len(table.names)} numeric columns, and the model takes {count}")
    names, left = list(table.names[:count]), table.names[count:]
    if not left:
        return names, []
    return names, [
        f"inputs.parameters: the first {count} columns of {table.path.name}; left out are {_list(left)}"
    ]


def _parameter(name: str, table: Table, base_dir: Path, *, empirical: bool) -> dict[str, Any]:
    values = table.frame[name].to_numpy()
    levels = np.unique(values)
    if len(levels) == 1:
        return {"name": name, "distribution": "constant", "value": float(levels[0])}
    low, high = (float(f"{bound:.6g}") for bound in np.quantile(values, [_LOWER, _UPPER]))
    few_levels = len(levels) <= _FEW and np.array_equal(levels, np.round(levels))
    if empirical or few_levels or not low < high:
        file = os.path.relpath(table.path, base_dir)
        unnamed = table.path.suffix == ".npy" and np.load(table.path, mmap_mode="r").dtype.names is None
        column = int(name.removeprefix("x")) if unnamed else name
        return {"name": name, "distribution": "empirical", "file": file, "column": column}
    text = f"1 % to 99 % of {table.path.name}"
    return {**_uniform(name, low, high), "description": text}


def _uniform(name: str, low: float, high: float) -> dict[str, Any]:
    return {"name": name, "distribution": "uniform", "low": low, "high": high}


def _correlated(table: Table, names: Sequence[str]) -> list[str]:
    """Tell of columns that go together, which independent parameters do not."""
    if len(names) < 2 or len(table.frame) < 3:
        return []
    ranks = table.frame[list(names)].rank()
    with np.errstate(invalid="ignore", divide="ignore"):  # constant columns
        matrix = np.corrcoef(ranks.to_numpy(), rowvar=False)
    pairs = [
        (abs(matrix[i, j]), f"{names[i]} and {names[j]} ({matrix[i, j]:.2f})")
        for i in range(len(names))
        for j in range(i)
        if abs(matrix[i, j]) > _CORRELATED
    ]
    if not pairs:
        return []
    worst = ", ".join(text for _, text in sorted(pairs, reverse=True)[:_MOST_PAIRS])
    remark = (
        f"ranks of the data go together, most of all {worst}, and the draft draws every column by "
        "itself: some rows will be unlike the data; inputs.dependence keeps them together"
    )
    return [f"inputs.dependence: {remark}"]


def _list(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _fault(message: str) -> SpecError:
    return SpecError([Fault("--data", message)])
