"""The numeric columns of a data file, as people have them: with gaps, texts, and columns that only count."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import Fault, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

SUFFIXES = (".csv", ".parquet", ".npy")
_UNNAMED = "Unnamed: "  # what pandas calls a column without a name


@dataclass(frozen=True)
class Table:
    """The numeric columns of a data file.

    Parameters
    ----------
    path : Path
        The file.
    frame : DataFrame
        All its rows, gaps as NaN; each of these columns has finite numbers.
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
        raise fault(f"{path} needs pyarrow: pip install 'parsl-sa[parquet]'") from missing
    except (OSError, ValueError) as error:
        raise fault(f"{path} cannot be read as a table: {error}") from error
    frame.columns = _different([str(name).strip() for name in frame.columns])
    numeric = frame.select_dtypes(["number", "bool"]).astype(np.float64)
    numeric = numeric.where(np.isfinite(numeric))
    index = [name for name in numeric if name.startswith(_UNNAMED) and counts_rows(numeric[name])]
    empty = [name for name in numeric if numeric[name].isna().all()]
    left = {
        "not numbers": [name for name in frame if name not in numeric],
        "without a finite number": empty,
        "without a name, and counting the rows": index,
    }
    remarks = [
        f"inputs.parameters: left out of {path.name}, because they are {reason}: {listed(names)}"
        for reason, names in left.items()
        if names
    ]
    if doubled := _doubled(path):
        remarks.append(
            f"inputs.parameters: {path.name} has several columns {listed(doubled)}; all but the first of a "
            "name are numbered"
        )
    numeric = numeric.drop(columns=[*empty, *index])
    if numeric.empty:
        raise fault(f"{path} has no rows of finite numbers")
    return Table(path, numeric, tuple(remarks))


def _different(names: list[str]) -> list[str]:
    """Return the names, those that an earlier column has numbered as pandas does."""
    made: list[str] = []
    for name in names:
        numbered = chain([name], (f"{name}.{number}" for number in count(1)))
        made.append(next(one for one in numbered if one not in made))
    return made


def _doubled(path: Path) -> list[str]:
    """Return the names that several columns of a CSV file have, which pandas numbers silently."""
    if path.suffix != ".csv":
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = [name.strip() for name in next(csv.reader(file), [])]
    return [name for name, times in Counter(names).items() if name and times > 1]


def counts_rows(column: pd.Series) -> bool:
    """Tell a column of whole numbers that rise from row to row, none of them twice."""
    values = column.to_numpy()
    return len(values) > 2 and bool((np.diff(values) > 0).all() and (values == np.round(values)).all())


def _array(array: Any, path: Path) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - see above

    if array.dtype.names is not None:
        return pd.DataFrame(array)
    if array.ndim != 2:
        raise fault(f"{path} holds an array of shape {array.shape}; the model takes rows of columns")
    return pd.DataFrame(array, columns=[f"x{index}" for index in range(array.shape[1])])


def listed(names: Sequence[str], most: int = 8) -> str:
    """Name the first few columns, and how many there are besides."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def fault(message: str) -> SpecError:
    """Say what is wrong with the data."""
    return SpecError([Fault("--data", message)])
