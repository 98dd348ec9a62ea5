"""Attribution maps: laid out where the cells lie, named, told in words, and as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr

from parsl_sa.report.attribution import attribution_plates, table
from parsl_sa.report.names import named
from parsl_sa.report.page.attributions import Explained
from parsl_sa.report.plates import alone
from parsl_sa.results.attribution import attribution, mask_of

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.results.attribution import Masked

SPEC: dict[str, Any] = {"inputs": {"perturbations": [{"kind": "mask", "grid": [2, 3]}]}}
VALUES = np.arange(6.0) / 15.0


def mask(spec: dict[str, Any] = SPEC) -> Masked:
    found = mask_of({"spec": json.dumps(spec)})
    assert found is not None
    return found


def quantity(n_cases: int | None = None) -> xr.Dataset:
    """Return a quantity whose cell k has ST k / 15, and k / 30 beside it in the second case."""
    names = ["sd", *mask().names]
    values = np.concatenate([[0.5], VALUES])
    if n_cases is None:
        return xr.Dataset(
            {"ST": ("parameter", values), "ST_conf": ("parameter", 0.1 * values)}, {"parameter": names}
        )
    stacked = np.stack([values / (place + 1) for place in range(n_cases)], axis=1)
    dims = ("parameter", "case")
    coords = {"parameter": names, "case": list(range(n_cases)), "label": ("case", ["cat"] * n_cases)}
    return xr.Dataset({"ST": (dims, stacked), "ST_conf": (dims, 0.1 * stacked)}, coords)


def test_cells_stand_where_they_lie() -> None:
    maps = attribution(quantity(2), mask())
    assert maps["ST"].dims == ("case", "mask_row", "mask_column")
    np.testing.assert_array_equal(maps["ST"].values, [VALUES.reshape(2, 3), VALUES.reshape(2, 3) / 2])
    assert maps["label"].values.tolist() == ["cat", "cat"]


def test_studies_without_a_mask_have_no_maps() -> None:
    assert mask_of({"spec": json.dumps({"inputs": {"parameters": []}})}) is None
    assert mask_of({}) is None
    assert Explained.of({}, None) is None
    row = {"inputs": {"perturbations": [{"kind": "mask", "grid": [4]}]}}
    assert Explained.of({"spec": json.dumps(row)}, None) is None


def test_plates_say_where_the_largest_value_lies() -> None:
    image = np.zeros((1, 4, 6, 3), np.uint8)
    (only,) = attribution_plates(quantity(), mask(), image, 5)
    assert only.words == "ST is largest in mask[1,2], 0.33 ± 0.03"
    titles = [ax.get_title(loc="left") for ax in alone(only).axes]
    assert [title for title in titles if title] == ["input", "ST: with interactions", "± half-width"]
    assert len(attribution_plates(quantity(7), mask(), None, 5)) == 5
    assert attribution_plates(quantity().drop_vars(["ST", "ST_conf"]), mask(), None, 5) == []


def test_a_map_shows_the_value_of_its_cell_at_each_pixel() -> None:
    (only,) = attribution_plates(quantity(), mask(), None, 1)
    shown = alone(only).axes[0].get_images()[0].get_array()
    assert shown is not None
    assert shown.shape[:2] == (16, 24)
    lightness = np.asarray(shown).sum(-1)
    assert lightness[0, 0] == lightness.min()
    assert lightness[-1, -1] == lightness.max()


def test_maps_of_several_inputs_share_their_colours() -> None:
    first, second = attribution_plates(quantity(2), mask(), None, 2)
    one, other = (np.asarray(alone(each).axes[0].get_images()[0].get_array()) for each in (first, second))
    assert one[-1, -1].sum() > other[-1, -1].sum()  # 1 / 3 and 1 / 6, in lighter and darker colours


def test_undefined_cells_are_grey() -> None:
    ds = quantity()
    ds["ST"][3] = np.nan
    (only,) = attribution_plates(ds, mask(), None, 1)
    shown = np.asarray(alone(only).axes[0].get_images()[0].get_array())
    pixel = shown[0, 2 * 8 + 1]
    np.testing.assert_allclose(pixel, pixel[0])


@pytest.mark.parametrize(
    ("coords", "said"),
    [
        ({"label": "cat", "predicted": "cat"}, "3: cat"),
        ({"label": "cat", "predicted": "dog"}, "3: cat, taken for dog"),
        ({"predicted": "dog"}, "3: taken for dog"),
        ({}, "3"),
    ],
)
def test_cases_are_named_by_what_is_known(coords: dict[str, str], said: str) -> None:
    ds = xr.Dataset(coords={"case": [3], **{key: ("case", [value]) for key, value in coords.items()}})
    assert named(ds, 0) == said


def test_the_table_has_a_line_a_case_and_cell() -> None:
    frame = table(quantity(2), mask())
    assert list(frame.columns[:3]) == ["case", "mask_row", "mask_column"]
    assert len(frame) == 12
    line = frame[(frame["case"] == 1) & (frame["mask_row"] == 1) & (frame["mask_column"] == 0)]
    assert line["ST"].item() == pytest.approx(VALUES[3] / 2)


def test_segments_whose_file_is_gone_leave_a_note(tmp_path: Path) -> None:
    np.save(tmp_path / "cells.npy", np.arange(4).reshape(2, 2))
    plain = {"kind": "mask", "segments": str(tmp_path / "cells.npy"), "n_segments": 4}
    found = mask({"inputs": {"perturbations": [plain]}})
    pixels = found.pixels((2, 2))
    assert pixels is not None
    assert pixels.tolist() == [[0, 1], [2, 3]]
    (tmp_path / "cells.npy").unlink()
    ds = xr.Dataset({"ST": ("parameter", [0.1] * 4)}, {"parameter": list(found.names)})
    (only,) = attribution_plates(ds, found, np.zeros((1, 2, 2, 3), np.uint8), 1)
    texts = [text.get_text() for ax in alone(only).axes for text in ax.texts]
    assert "the file of\nsegments is gone" in texts


def test_cells_of_a_group_share_its_index() -> None:
    spec = {"inputs": {**SPEC["inputs"], "groups": {"left": ["mask[0,0]", "mask[1,0]"]}}}
    names = ["left", "mask[0,1]", "mask[0,2]", "mask[1,1]", "mask[1,2]"]
    ds = xr.Dataset({"ST": ("parameter", [0.5, 0.1, 0.2, 0.3, 0.4])}, {"parameter": names})
    maps = attribution(ds, mask(spec))
    assert maps["ST"].values.tolist() == [[0.5, 0.1, 0.2], [0.5, 0.3, 0.4]]


def test_segments_are_thinned_as_their_picture_is(tmp_path: Path) -> None:
    cells = np.arange(300)[:, None] // 100 + np.zeros((1, 200), int)
    np.save(tmp_path / "cells.npy", cells)
    plain = {"kind": "mask", "segments": str(tmp_path / "cells.npy"), "n_segments": 3}
    pixels = mask({"inputs": {"perturbations": [plain]}}).pixels((150, 100))
    assert pixels is not None
    np.testing.assert_array_equal(pixels, cells[::2, ::2])
