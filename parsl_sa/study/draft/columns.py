"""Parameters from a table: which columns they are, and which ranges the data have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.spec.table import TableError, read_column
from parsl_sa.study.draft.tables import counts_rows, fault, listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from parsl_sa.study.draft.tables import Table

_FEW = 20  # values of a column that are taken for levels
_LOWER, _UPPER = 0.01, 0.99
_CORRELATED = 0.5
_MOST_PAIRS = 3
_PLACEHOLDER = "placeholder: edit"


def parameters(
    n_columns: int, known: Sequence[str], table: Table | None, base_dir: Path, *, empirical: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the parameters of a spec.

    Parameters
    ----------
    n_columns : int
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
        At ``--data``, if it has fewer columns, lacks one that the model names, or has no row in which all
        that are taken are finite.
    """
    if table is None:
        names = list(known) or [f"x{index}" for index in range(n_columns)]
        made = [{**_uniform(name, 0.0, 1.0), "description": _PLACEHOLDER} for name in names]
        remark = "the ranges are placeholders, 0 to 1; state those of the training, or give --data"
        return made, [f"inputs.parameters: {remark}"]
    names, remarks = _chosen(n_columns, known, table)
    rows = table.frame[names].dropna()
    if rows.empty:
        raise fault(f"{table.path} has no row in which all of {listed(names)} are finite")
    if gaps := len(table.frame) - len(rows):
        remarks.append(f"inputs.parameters: {gaps} rows of {table.path.name} are not finite, left out")
    rising = [] if known else [name for name in names if counts_rows(table.frame[name])]
    if rising:
        remarks.append(
            f"inputs.parameters: {listed(rising)} of {table.path.name} may count the rows; if so, it is no "
            "input: remove that column and draft again"
        )
    made = []
    for name in names:
        values = rows[name].to_numpy()
        parameter, more = _parameter(name, values, table.path, base_dir, empirical=empirical)
        made.append(parameter)
        remarks += more
    return made, [*table.remarks, *remarks, *_correlated(rows)]


def _chosen(n_columns: int, known: Sequence[str], table: Table) -> tuple[list[str], list[str]]:
    missing = [name for name in known if name not in table.names]
    if known and not missing:
        return list(known), []
    if known and len(set(known) & set(table.names)) > len(known) // 2:
        raise fault(
            f"{table.path} has no column '{missing[0]}', which the model names; it has {listed(table.names)}"
        )
    if len(table.names) < n_columns:
        raise fault(f"{table.path} has {len(table.names)} numeric columns, and the model takes {n_columns}")
    names, left = list(table.names[:n_columns]), table.names[n_columns:]
    if not left:
        return names, []
    return names, [
        f"inputs.parameters: the first {n_columns} columns of {table.path.name}; left out are {listed(left)}"
    ]


def _parameter(
    name: str, values: npt.NDArray[np.float64], path: Path, base_dir: Path, *, empirical: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return one parameter, and a remark where it is not drawn as was asked."""
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) == 1:
        return {"name": name, "distribution": "constant", "value": float(levels[0])}, []
    low, high = (float(f"{bound:.6g}") for bound in np.quantile(values, [_LOWER, _UPPER]))
    text = f"1 % to 99 % of {path.name}"
    few_levels = len(levels) <= _FEW and np.array_equal(levels, np.round(levels))
    remarks = []
    if empirical or few_levels or not low < high:
        column = _column(name, path)
        if _is_readable(path, column):
            file = os.path.relpath(path, base_dir)
            return {"name": name, "distribution": "empirical", "file": file, "column": column}, []
        if len(levels) <= _FEW:
            chosen = {"values": levels.tolist(), "weights": counts.tolist()}
            return {"name": name, "distribution": "choice", **chosen}, []
        why = "because a study cannot read the column as it is: it has gaps, texts, or a name of several"
        remarks = [f"inputs.parameters: {name} is uniform, not drawn from its values, {why}"]
        if not low < high:
            low, high, text = float(levels[0]), float(levels[-1]), f"all of {path.name}"
    return {**_uniform(name, low, high), "description": text}, remarks


def _column(name: str, path: Path) -> str | int:
    unnamed = path.suffix == ".npy" and np.load(path, mmap_mode="r").dtype.names is None
    return int(name.removeprefix("x")) if unnamed else name


def _is_readable(path: Path, column: str | int) -> bool:
    """Tell whether a study can read a column itself, which takes no gaps."""
    try:
        read_column(path, column)
    except TableError:
        return False
    return True


def _uniform(name: str, low: float, high: float) -> dict[str, Any]:
    return {"name": name, "distribution": "uniform", "low": low, "high": high}


def _correlated(rows: pd.DataFrame) -> list[str]:
    """Tell of columns that go together, which independent parameters do not."""
    names = list(rows.columns)
    if len(names) < 2 or len(rows) < 3:
        return []
    ranks = rows.rank()
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
