"""Effects on a farm: the bits of the same plan in one process, and the exact answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parsl_sa.study import Study
from support import analytic_field


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.timeout(300)
def test_a_farms_effects_are_those_of_one_process(tmp_path: Path) -> None:
    n_cells, d = 300, 3
    plain: Any = analytic_field.spec(str(Path(analytic_field.__file__).resolve()), n_cells, d, 64)
    plain["design"] = {"method": "one-at-a-time", "n": 64}
    (tmp_path / "spec.json").write_text(json.dumps(plain))
    study = Study.load(tmp_path / "spec.json")
    farm = study.launch(tmp_path / "farm", progress=False)
    here = study.launch(
        tmp_path / "here", plan=tmp_path / "farm" / "plan.json", site="inline", progress=False
    )
    for name in farm.names:
        for variable in farm[name].data_vars:
            assert farm[name][variable].values.tobytes() == here[name][variable].values.tobytes(), variable
    # x3 acts by itself, and the mean distance of two uniform numbers on (-1, 1) is 2 / 3
    exact = 2 / 3 * np.abs(analytic_field.coefficients(n_cells, d)[0][2])
    field = farm["field"].sel(parameter="x3")
    assert (np.abs(field["effect_abs"] - exact) <= 2 * field["effect_abs_conf"]).all()
