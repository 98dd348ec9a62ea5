"""The first base inputs as a person sees them."""

from __future__ import annotations

import numpy as np
import torch

from parsl_sa.models.inputs import Assembler, pictures
from parsl_sa.models.inputs.bases import Bases

RNG = np.random.default_rng(5)


def shown(arrays: np.ndarray, axes: str) -> np.ndarray:
    found = pictures(Assembler(0, bases=Bases(arrays, axes, "cpu", torch.float64)))
    assert found is not None
    return found


def test_bytes_stay_what_they_are_whatever_the_layout() -> None:
    images = RNG.integers(0, 256, (2, 5, 4, 3))
    images[0, 0, 0] = 255
    np.testing.assert_array_equal(shown(images, "HWC"), images)
    np.testing.assert_array_equal(shown(images.transpose(0, 3, 1, 2), "CHW"), images)


def test_grey_images_and_other_channels_are_shown_grey() -> None:
    grey = RNG.uniform(0, 1, (1, 4, 4))
    np.testing.assert_array_equal(shown(grey, "HW")[..., 0], np.round(255 * grey))
    five = RNG.normal(size=(1, 4, 4, 5))
    assert (shown(five, "HWC") == shown(five, "HWC")[..., :1]).all()


def test_few_are_kept_and_large_ones_thinned() -> None:
    assert len(shown(np.zeros((40, 4, 4)), "HW")) == 12
    wide = np.arange(300.0)[None, None, :].repeat(2, axis=1)
    assert shown(wide, "HW").shape == (1, 1, 150, 3)


def test_rows_of_features_are_no_pictures() -> None:
    assert pictures(Assembler(0, bases=Bases(np.zeros((2, 3)), "F", "cpu", torch.float64))) is None
    assert pictures(Assembler(2)) is None
