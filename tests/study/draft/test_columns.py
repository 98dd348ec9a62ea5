"""Parameters of a first spec from tables as they come: gaps, truths, names twice, columns that count rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from parsl_sa.errors import SpecError
from parsl_sa.study.draft import draft

if TYPE_CHECKING:
    from pathlib import Path

N = 50


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=N), "b": rng.integers(0, 3, N), "c": rng.normal(size=N)})


def drafted(
    folder: Path, frame: pd.DataFrame, **options: Any
) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """Draft a spec, which resolves it and calls the model; return parameters by name, and remarks."""
    (folder / "net.py").write_text("def f(x):\n    return x[:, 0] + x[:, 1] * x[:, 2]\n")
    frame.to_csv(folder / "d.csv", **{"index": False, **options.pop("to_csv", {})})
    made = draft({"path": "net.py:f", "arrays": "numpy"}, folder / "d.csv", folder, **options)
    return {each["name"]: each for each in made.plain["inputs"]["parameters"]}, made.remarks


def test_a_table_without_faults_needs_no_remark(tmp_path: Path) -> None:
    parameters, remarks = drafted(tmp_path, table())
    assert [each["distribution"] for each in parameters.values()] == ["uniform", "empirical", "uniform"]
    assert remarks == ()


def test_truths_are_0_and_1(tmp_path: Path) -> None:
    frame = table()
    frame["b"] = frame["b"] > 1
    weights = [int((~frame["b"]).sum()), int(frame["b"].sum())]
    parameters, _ = drafted(tmp_path, frame)
    assert parameters["b"] == {
        "name": "b",
        "distribution": "choice",
        "values": [0.0, 1.0],
        "weights": weights,
    }


def test_whole_numbers_with_a_gap_keep_their_levels(tmp_path: Path) -> None:
    frame = table().astype({"b": float})
    frame.loc[3, "b"] = np.nan
    parameters, remarks = drafted(tmp_path, frame)
    counts = frame["b"].value_counts().sort_index()
    assert parameters["b"]["values"] == counts.index.tolist() == [0.0, 1.0, 2.0]
    assert parameters["b"]["weights"] == counts.tolist()
    assert remarks == ("inputs.parameters: 1 rows of d.csv are not finite, left out",)


def test_empirical_with_a_gap_is_uniform_and_said(tmp_path: Path) -> None:
    frame = table()
    frame.loc[3, "a"] = np.nan
    parameters, remarks = drafted(tmp_path, frame, empirical=True)
    assert [each["distribution"] for each in parameters.values()] == ["uniform", "empirical", "empirical"]
    assert any("a is uniform, not drawn from its values" in remark for remark in remarks)


def test_names_that_come_twice_are_numbered(tmp_path: Path) -> None:
    parameters, remarks = drafted(tmp_path, table().set_axis(["a", "a", "c"], axis=1))
    assert list(parameters) == ["a", "a.1", "c"]
    assert any("several columns a" in remark for remark in remarks)


def test_columns_that_are_no_inputs_are_left_out(tmp_path: Path) -> None:
    parameters, remarks = drafted(tmp_path, table().assign(z=np.nan), to_csv={"index": True})
    assert list(parameters) == ["a", "b", "c"]
    assert any("without a finite number: z" in remark for remark in remarks)
    assert any("counting the rows: Unnamed: 0" in remark for remark in remarks)


def test_a_column_that_counts_rows_is_warned_of(tmp_path: Path) -> None:
    frame = table()
    frame.insert(0, "id", range(N))
    parameters, remarks = drafted(tmp_path, frame)
    assert "id" in parameters
    assert any("id of d.csv may count the rows" in remark for remark in remarks)


def test_gaps_count_in_chosen_columns_alone(tmp_path: Path) -> None:
    frame = table().assign(d=np.nan)
    frame.loc[0, "d"] = 1.0
    (tmp_path / "linear.py").write_text("import torch\ndef Net():\n    return torch.nn.Linear(3, 1)\n")
    frame.to_csv(tmp_path / "d.csv", index=False)
    made = draft({"path": "linear.py:Net"}, tmp_path / "d.csv", tmp_path)
    low, high = np.quantile(frame["a"], [0.01, 0.99])
    first = made.plain["inputs"]["parameters"][0]
    np.testing.assert_allclose([first["low"], first["high"]], [low, high], rtol=1e-5)
    assert not any("not finite" in remark for remark in made.remarks)


def test_gaps_in_every_row_are_refused(tmp_path: Path) -> None:
    frame = table()
    frame.loc[::2, "a"] = np.nan
    frame.loc[1::2, "c"] = np.nan
    with pytest.raises(SpecError, match="no row in which all of a, b, c are finite"):
        drafted(tmp_path, frame)
