from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from parsl_sa.report.page.bars import SHOWN, Scale
from parsl_sa.report.page.pictures import ALL_PLATES, PIXELS, share_out
from parsl_sa.report.page.sections import anchors, section, told
from support.fields import field, with_looks

NAN = np.nan
Build = Callable[..., xr.Dataset]
AXIS = Scale(0.0, 1.0)


def test_many_parameters_are_folded_and_summed_up(scalar: Build) -> None:
    made = section("loss", scalar(np.linspace(0.001, 0.05, 200)), "loss", AXIS, None)
    assert len(made.rows) == SHOWN
    assert len(made.more_rows) == 200 - SHOWN
    assert made.rest == "180 more parameters, ST at most 0.05"
    assert section("loss", scalar([0.5] * SHOWN + [1e-9]), "a", AXIS, None).rest.endswith("ST below 0.0001")
    assert section("loss", scalar([0.5, 0.1]), "a", AXIS, None).rest == ""


def test_a_constant_output_has_a_sentence_and_no_table(scalar: Build) -> None:
    made = section("CM", scalar([NAN, NAN]), "CM", AXIS, None)
    assert made.answer.startswith("CM is constant")
    assert made.rows == []


def test_the_strip_stands_where_the_moments_are(scalar: Build) -> None:
    ds = scalar([0.5])
    ds["mean"], ds["variance"] = ds["mean"] * 0 + 2.0, ds["variance"] * 0 + 1.0
    ds["minimum"], ds["maximum"] = ds["minimum"] * 0 - 0.0, ds["maximum"] * 0 + 10.0
    made = section("y", ds, "y", AXIS, None).strip
    assert made is not None
    assert (made.low, made.mean, made.high) == (10.0, 20.0, 30.0)
    assert section("y", ds.drop_vars("minimum"), "y", AXIS, None).strip is None
    assert section("y", ds.assign(maximum=ds["minimum"]), "y", AXIS, None).strip is None


@pytest.mark.parametrize(
    ("sentence", "parameters", "cells", "rest"),
    [
        ("CD: alpha explains 8 %.", ["alpha"], "", "alpha explains 8 %."),
        ("CD: too few samples to tell.", ["alpha"], "", "Too few samples to tell."),
        (
            "CD (9 cells, 2 of them masked): Re explains 8 %.",
            ["Re"],
            "9 cells, 2 of them masked",
            "Re explains 8 %.",
        ),
        ("CD is constant: so (it) is.", [], "", "CD is constant: so (it) is."),
    ],
)
def test_the_answer_is_split_at_the_name(sentence: str, parameters: list[str], cells: str, rest: str) -> None:
    assert told("CD", sentence, parameters) == (cells, rest)


def test_identifiers_differ_and_are_safe() -> None:
    made = anchors(["a b", "a/b", "A_b", "é", "...", "", "ab"])
    assert len({one.lower() for one in made.values()}) == len(made)
    assert all(one.isascii() and "/" not in one and one for one in made.values())


def test_a_field_shows_its_leading_parameters_first() -> None:
    names = [f"p{i}" for i in range(9)]
    ds = with_looks(field({"x": 16}, 9, names=names))
    share = share_out({"theta": ds})["theta"]
    made = section("theta", ds, "theta", AXIS, share).field
    assert made is not None
    assert made.kind == "lines"
    assert made.names == tuple(reversed(names))
    assert [plate.caption for plate in made.shown[:3]] == ["mean ± sd, min, max", "standard deviation", "p8"]
    assert len(made.shown) == 2 + made.n_top == 8
    assert len(made.more) == 3


def test_a_history_says_whether_it_has_intervals(scalar: Build) -> None:
    for n_looks, words in (
        (16, "16 looks, from n = 64 to n = 1,024 bundles; bands"),
        (3, "too few replicates"),
    ):
        made = section("CD", with_looks(scalar([0.6, 0.2]), n_looks), "CD", AXIS, None).history
        assert made is not None
        assert words in made.notes[0]


def test_pictures_and_pixels_are_bounded_whatever_the_fields() -> None:
    for n_fields, sizes in ((1, {"y": 700, "x": 700}), (5, {"z": 5, "y": 300, "x": 300})):
        shape = (30, *sizes.values())
        indices = (("parameter", *sizes), np.broadcast_to(0.1, shape))
        fields = {f"f{i}": xr.Dataset({"ST": indices}) for i in range(n_fields)}
        shares = share_out(fields)
        n_slices = min(sizes.get("z", 1), 4)
        assert sum(shown * n_slices for shown, _ in shares.values()) <= max(
            ALL_PLATES, 3 * n_slices * n_fields
        )
        drawn = sum((2 + 2 * shown) * n_slices * side**2 for shown, side in shares.values())
        assert drawn <= PIXELS * 1.01


def test_a_field_without_indices_shows_its_moments() -> None:
    ds = field({"y": 8, "x": 8})[["mean", "variance"]].drop_dims("parameter", errors="ignore")
    made = section("T", ds, "T", AXIS, share_out({"T": ds})["T"])
    assert made.field is not None
    assert [plate.caption for plate in made.field.shown] == ["mean [m]", "standard deviation [m]"]
    assert made.field.notes == ()


def test_base_inputs_are_not_drawn_as_a_line() -> None:
    cases, places = field({"case": 20}), field({"x": 20})
    drawn = {name: section("y", ds, "y", AXIS, (2, 64)) for name, ds in {"case": cases, "x": places}.items()}
    assert drawn["case"].field is None
    assert drawn["x"].field is not None
    assert drawn["case"].shape == "20 base inputs: case"
