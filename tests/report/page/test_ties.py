"""What ties inputs to each other, in the words of the report."""

from __future__ import annotations

import pytest

from parsl_sa.report.page.provenance import inputs
from parsl_sa.report.page.ties import ties

JOINT = [{"name": name, "distribution": "joint"} for name in "ab"]
COPULA = {"kind": "gaussian-copula", "parameters": ["b", "a", "c"]}
MATRIX = [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("dependence", "name", "words"),
    [
        (None, "a", []),
        ({"kind": "rows", "path": "/far/away/soil.csv"}, "a", ["from the rows of soil.csv"]),
        ({"kind": "rows", "path": "/far/away/soil.csv"}, "c", []),
        (
            {"kind": "simplex", "parameters": ["a", "b"], "total": 100.0, "concentration": [1.0, 2.5]},
            "b",
            ["share of 100, concentration 2.5"],
        ),
        ({**COPULA, "correlation": MATRIX, "rank_correlation": None}, "a", ["correlated with b 0.5"]),
        ({**COPULA, "correlation": None, "rank_correlation": MATRIX}, "b", ["rank-correlated with a 0.5"]),
        ({**COPULA, "correlation": MATRIX}, "c", []),
        (
            {
                "kind": "linear-constraints",
                "constraints": [
                    {"coefficients": {"a": -1.0, "b": 2.5}, "at_least": 0.0, "at_most": 1.0},
                    {"coefficients": {"b": 1.0, "c": 1.0}, "at_least": 3.0},
                ],
            },
            "b",
            ["0 <= -a + 2.5 b <= 1", "3 <= b + c"],
        ),
    ],
)
def test_a_dependence_in_words(dependence, name, words):
    assert list(ties(name, {"parameters": JOINT, "dependence": dependence, "groups": {}})) == words


def test_an_input_with_all_that_is_known_of_it():
    normal = {"name": "c", "distribution": "normal", "mean": 0.0, "sd": 1.0}
    tied = {"kind": "rows", "path": "x.npy"}
    found = inputs(
        {"inputs": {"parameters": [*JOINT, normal], "groups": {"g": ["c", "b"]}, "dependence": tied}}
    )
    assert [one.distribution for one in found] == [
        "from the rows of x.npy",
        "from the rows of x.npy, in the group g",
        "normal, mean 0, sd 1, in the group g",
    ]
