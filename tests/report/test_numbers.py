from __future__ import annotations

import math

import pytest

from parsl_sa.report.names import shorten, two_lines
from parsl_sa.report.numbers import MISSING, align, index, measured, number, percent

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "half", "texts"),
    [
        (0.44241, 0.0123, ("0.442", "0.012")),
        (0.44241, 0.0456, ("0.44", "0.05")),
        (3.0, 0.0, ("3.000", "0")),
        (NAN, NAN, (MISSING, MISSING)),
        (12.3, NAN, ("12.30", MISSING)),
        (1234.5, 12.0, ("1234", "12")),
        (-0.00001, 0.01, ("0.000", "0.010")),
        (1e-9, 2e-11, ("1.000e-09", "2e-11")),
    ],
)
def test_digits_follow_the_interval(value: float, half: float, texts: tuple[str, str]) -> None:
    assert measured(value, half) == texts


@pytest.mark.parametrize("half", [10.0**k * lead for k in range(-12, 13) for lead in (1.0, 2.94, 3.0, 9.99)])
@pytest.mark.parametrize("value", [0.0, 1.0, -3.7e-9, 8.2e8])
def test_what_is_written_is_within_half_the_interval(value: float, half: float) -> None:
    text, half_text = measured(value, half)
    assert abs(float(text) - value) <= 0.5 * half
    assert float(half_text) == pytest.approx(half, rel=0.2)


def test_an_index_has_four_decimals_at_most() -> None:
    assert index(0.2, 1e-9) == ("0.2000", "<0.0001")
    assert index(NAN, 0.1) == (MISSING, MISSING)
    assert index(0.0, 0.0) == ("0.0000", "0")
    assert index(0.5, 7.0) == ("0.5", "7.0")


def test_numbers_keep_four_digits() -> None:
    assert [number(v) for v in (0.0, -0.0, 1.0, 999999.0, 1e-5, math.inf)] == [
        "0",
        "0",
        "1.000",
        "999999",
        "1.000e-05",
        MISSING,
    ]


def test_shares_stay_between_nothing_and_all() -> None:
    assert percent(1.02, 0.03) == "100 ± 3 %"
    assert percent(-0.2) == "0 %"


def test_aligned_pairs_have_their_points_under_each_other() -> None:
    texts = align([("1.25", "0.1"), ("-10.5", "0.025"), (MISSING, MISSING)])
    assert len({text.index(".") for text in texts[:2]}) == 1
    assert len({text.index("±") for text in texts[:2]}) == 1
    assert texts[2].strip() == MISSING


def test_no_half_width_anywhere_leaves_no_sign() -> None:
    assert align([("0.1", MISSING), ("0.25", MISSING)]) == ["0.1 ", "0.25"]


@pytest.mark.parametrize("width", [5, 8, 20])
@pytest.mark.parametrize("name", ["a", "boundary_layer.weights[3]", "x" * 70])
def test_names_fit(name: str, width: int) -> None:
    assert len(shorten(name, width)) <= width
    lines = two_lines(name, width).split("\n")
    assert len(lines) <= 2
    assert max(map(len, lines)) <= width
    if len(name) <= width:
        assert lines == [name]
