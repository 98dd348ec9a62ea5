"""Preprocessing of a first spec: what Hugging Face says of bytes, for data from 0 to 255 or to 1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parsl_sa.errors import SpecError
from parsl_sa.study.draft.images import image_inputs

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 8)).astype(np.float64)
NORMAL: dict[str, Any] = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}


def drafted(folder: Path, told: dict[str, Any] | str, data: Any) -> tuple[dict[str, Any], str]:
    (folder / "net").mkdir(exist_ok=True)
    text = told if isinstance(told, str) else json.dumps(told)
    (folder / "net" / "preprocessor_config.json").write_text(text)
    np.save(folder / "data.npy", data)
    _, model, remarks = image_inputs(folder / "data.npy", (3, 8, 8), folder, folder / "net")
    return model.get("preprocess", {}), " ".join(remarks)


def given(preprocess: dict[str, Any], data: Any) -> Any:
    """Return what the network is given, by the formula of `PreprocessSpec`."""
    mean, sd = (np.array(preprocess.get(key, [none])) for key, none in (("mean", 0.0), ("sd", 1.0)))
    return (data * preprocess.get("scale", 1.0) - mean[:, None, None]) / sd[:, None, None]


@pytest.mark.parametrize("factor", [None, 1 / 255, 1 / 127.5, 1.0])
@pytest.mark.parametrize("told", [{}, NORMAL, {**NORMAL, "do_normalize": False}])
def test_data_to_1_and_to_255_give_the_same(
    tmp_path: Path, factor: float | None, told: dict[str, Any]
) -> None:
    told = told if factor is None else {**told, "rescale_factor": factor}
    mean, sd = (
        (np.array(told["image_mean"])[:, None, None], np.array(told["image_std"])[:, None, None])
        if told.get("do_normalize", "image_mean" in told)
        else (0.0, 1.0)
    )
    expected = (PIXELS * (factor or 1 / 255) - mean) / sd
    for data in (PIXELS, PIXELS / 255):
        preprocess, remarks = drafted(tmp_path, told, data)
        np.testing.assert_allclose(given(preprocess, data), expected, rtol=1e-12, atol=1e-12)
        assert remarks == ""


def test_without_rescaling_data_stay_as_they_are(tmp_path: Path) -> None:
    preprocess, remarks = drafted(tmp_path, {"do_rescale": False, "rescale_factor": 1 / 255}, PIXELS)
    assert (preprocess, remarks) == ({}, "")
    preprocess, remarks = drafted(tmp_path, {"do_rescale": False}, PIXELS / 255)
    assert preprocess == {}
    assert "if it was trained on 0 to 255, set scale to 255" in remarks


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"preprocessor_config.json cannot be read"):
        drafted(tmp_path, "{", PIXELS)
