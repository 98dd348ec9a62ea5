"""The benchmark of accuracy runs, and its errors are those of estimators that work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ACCURACY = Path(__file__).parents[2] / "benchmarks" / "accuracy.py"


def test_a_quick_run_of_two_functions_names_every_estimator_and_stands_beside_the_others() -> None:
    command = [sys.executable, str(ACCURACY), "--quick", "--json", "--only", "G*", "field (i), waves"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert {line["function"] for line in told["table"]} == {"G*", "field (i), waves"}
    ours = [line for line in told["table"] if line["whose"] == "ours"]
    assert len({line["estimator"] for line in ours}) == 7
    assert {line["index"] for line in ours} == {"S1", "ST", "S2"}
    assert all(0.0 < line["rmse"] < 0.1 and line["se"] < line["rmse"] for line in ours)
    # at equal forwards both ways has the smaller error of S1 on this function, whatever the points
    for mode in ("replicates", "random"):
        by_estimator = {
            line["estimator"]: line["rmse"]
            for line in ours
            if (line["function"], line["index"], line["mode"]) == ("G*", "S1", mode)
        }
        assert min(by_estimator, key=by_estimator.__getitem__) == "azzini-rosati"
    if told["peers"]["SALib"]:
        assert {v["mode"] for v in told["verdicts"]} == {"replicates", "sequence", "random"}
        assert {v["verdict"] for v in told["verdicts"]} <= {"better", "even", "worse"}
        same = [v for v in told["verdicts"] if (v["index"], v["mode"]) == ("ST", "random")]
        assert all(v["verdict"] != "worse" for v in same), same  # one numerator, the same rows
