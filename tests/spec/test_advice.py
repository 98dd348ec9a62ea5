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


SWITCHES = [{"name": name, "distribution": "switch"} for name in "ab"]


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1, []),
        (64, ["nothing but switches varies", "1 is enough, and exact"]),
    ],
)
def test_a_study_of_switches_alone_needs_no_repeats(edited, n, words):
    edits = {"method": "one-at-a-time", "n": n}, SWITCHES, [{"name": "CL"}]
    said = warnings(
        parse_spec(
            edited(
                ("design", edits[0]),
                ("inputs.parameters", edits[1]),
                ("outputs", edits[2]),
                ("statistics", ...),
            )
        )
    )
    assert len(said) == bool(words)
    assert all(word in said[0] for word in words)


def test_one_at_a_time_takes_small_replicates_and_asks_for_effects(edited):
    design = {"method": "one-at-a-time", "n": 12}
    said = warnings(parse_spec(edited(("design", design), ("statistics", ["moments"]))))
    assert len(said) == 2
    assert "12 instead of 16, because a replicate has at least 1 bundle; n = 16" in said[0]
    assert "design.method: one-at-a-time evaluates 9 rows" in said[1]


def test_the_advised_n_has_intervals(edited):
    assert not any("too few" in text for text in warnings(parse_spec(edited(("design.n", 128)))))
