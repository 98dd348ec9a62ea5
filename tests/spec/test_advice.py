"""Warnings of sound specs."""

from __future__ import annotations

import pytest

from parsl_sa.spec import parse_spec, warnings

SILENT: list[str] = []


def test_nothing_to_say(airfoil):
    assert warnings(parse_spec(airfoil)) == SILENT


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ([("design.n", 5000)], [["design.n", "5000", "5120", "20 replicates of 256"]]),
        ([("design.n", 160)], [["design.replicates", "10 instead of 16", "n = 256"]]),
        (
            [("design.n", 100)],
            [
                ["design.n", "100", "112", "7 replicates of 16"],
                ["7 instead of 16", "n = 256"],
                ["design.replicates", "too few for intervals", "at least 8", "n = 128"],
            ],
        ),
        ([("design.replicates", 4)], [["4 are too few for intervals", "n = 8192"]]),
        (
            [("design.intervals", False), ("design.n", 3000)],
            [["3000", "4096 = 1 replicate of 4096"], ["design.intervals", "no intervals"]],
        ),
        ([("statistics", ["moments"])], [["design.method", "10 rows", "monte-carlo"]]),
        ([("statistics.2.estimator", "jansen-paired")], [["design.both_ways", "BA_i"]]),
        (
            [
                ("design.method", "monte-carlo"),
                ("design.both_ways", ...),
                ("statistics", ...),
                ("design.n", 1001),
            ],
            [["design.n", "1001", "1024"]],
        ),
    ],
)
def test_says_what_will_differ(edited, edits, words):
    said = warnings(parse_spec(edited(*edits)))
    assert len(said) == len(words)
    for text, expected in zip(said, words, strict=True):
        for word in expected:
            assert word in text


def test_the_advised_n_has_intervals(edited):
    assert not any("too few" in text for text in warnings(parse_spec(edited(("design.n", 128)))))
