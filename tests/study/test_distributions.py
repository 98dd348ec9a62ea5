"""Studies of measured, named and SciPy's inputs: shares of the variance that are known exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa import Study
from parsl_sa.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

FINISH = {"name": "finish", "distribution": "categorical", "levels": ["rough", "fine"], "weights": [3, 1]}
GRADE = {"name": "grade", "distribution": "ordinal", "levels": ["low", "mid", "high"]}
GAMMA = {"name": "load", "distribution": "scipy", "family": "gamma", "shapes": {"a": 2.0}, "scale": 0.5}


def test_shares_of_a_sum_are_those_of_the_variances(tmp_path: Path) -> None:
    """A sum of independent inputs: each has its own variance as its share, first order as total."""
    measured = np.random.default_rng(4).gamma(3.0, size=64)
    np.savetxt(tmp_path / "T.csv", measured, header="T", comments="")
    data = {"name": "T", "distribution": "empirical", "file": str(tmp_path / "T.csv")}
    study = Study.from_function(lambda x: x.sum(axis=1), [FINISH, GRADE, GAMMA, data], n=1024)
    found = study.launch(progress=False)["y"]
    variances = np.array([0.75 * 0.25, 2 / 3, 2 * 0.25, measured.var()])
    for index in ("S1", "ST"):
        # The band of 99.9 % from intervals of 95 %, and what rounding leaves.
        band = 3.29 / 1.96 * found[f"{index}_conf"].to_numpy() + 1e-6
        assert (np.abs(found[index].to_numpy() - variances / variances.sum()) < band).all()
    assert float(found["mean"]) == pytest.approx(0.25 + 1 + 1 + measured.mean(), abs=5e-3)


def test_a_study_does_not_go_on_with_other_data(tmp_path: Path) -> None:
    path = tmp_path / "T.npy"
    np.save(path, np.arange(5.0))
    parameters: list[dict[str, Any]] = [FINISH, {"name": "T", "distribution": "empirical", "file": str(path)}]
    study = Study.from_function(lambda x: x.sum(axis=1), parameters, n=256)
    np.save(path, np.arange(6.0))
    with pytest.raises(SpecError, match=r"parameters\[1\]\.file: .*T\.npy has changed since the study began"):
        study.launch(progress=False)
