"""`parsl_sa.explain`: maps of functions whose answer is known cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import parsl_sa
from parsl_sa.errors import SpecError
from parsl_sa.study import StudyWarning

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(8)
IMAGE = torch.tensor(RNG.uniform(size=(3, 6, 6)), dtype=torch.float64)
WEIGHTS = torch.tensor(RNG.normal(size=(3, 6, 6)), dtype=torch.float64)


class TwoScores(torch.nn.Module):
    """Class 1 has a score that is linear in the pixels, class 0 none."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(WEIGHTS.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = (x * self.weight).sum((1, 2, 3))
        return torch.stack([torch.zeros_like(score), score], 1)


def cell_sums() -> np.ndarray:
    """Return what each of 3 x 3 cells adds to the score."""
    return (IMAGE * WEIGHTS).reshape(3, 3, 2, 3, 2).sum((0, 2, 4)).numpy()


def test_sobol_maps_are_the_exact_shares() -> None:
    found = parsl_sa.explain(TwoScores(), IMAGE, 1, grid=[3, 3], baseline="zero")
    exact = cell_sums() ** 2 / (cell_sums() ** 2).sum()
    assert found.maps["ST"].dims == ("mask_row", "mask_column")
    for index in ("S1", "ST"):
        error = np.abs(found.maps[index].values - exact)
        assert (error < 3 * found.maps[f"{index}_conf"].values + 1e-3).all()
    assert not found.maps["undefined"].any()
    assert found.n_forwards == 256 * 11


def test_occlusion_is_what_a_cell_adds() -> None:
    found = parsl_sa.explain(TwoScores(), IMAGE, 1, method="occlusion", grid=[3, 3], baseline="zero")
    np.testing.assert_allclose(found.maps["effect"].values, cell_sums(), rtol=1e-9)
    np.testing.assert_array_equal(found.maps["effect_conf"].values, 0.0)
    at_pixels = found.at_pixels("effect")
    assert at_pixels.shape == (6, 6)
    np.testing.assert_allclose(at_pixels[2:4, 4:], cell_sums()[1, 2])


def test_occlusion_by_noise_has_an_honest_interval() -> None:
    found = parsl_sa.explain(TwoScores(), IMAGE, 1, method="occlusion", grid=[3, 3], baseline="noise")
    mean = IMAGE.mean((1, 2), keepdim=True)
    exact = ((IMAGE - mean) * WEIGHTS).reshape(3, 3, 2, 3, 2).sum((0, 2, 4)).numpy()
    half = found.maps["effect_conf"].values
    assert (half > 0).all()
    # three half-widths of 95 % are 5.9 standard errors
    assert (np.abs(found.maps["effect"].values - exact) < 3 * half).all()


def test_several_inputs_are_cases_and_the_target_is_each_ones_own() -> None:
    images = torch.stack([IMAGE, -IMAGE, 0.5 * IMAGE])
    found = parsl_sa.explain(TwoScores(), images, grid=[2, 2], baseline="zero", n=128, classes=["no", "yes"])
    assert found.maps["ST"].dims == ("case", "mask_row", "mask_column")
    sign = bool((IMAGE * WEIGHTS).sum() > 0)
    expected = ["yes", "no", "yes"] if sign else ["no", "yes", "no"]
    assert found.maps["predicted"].values.tolist() == expected


def test_a_flat_probability_is_undefined_and_logits_are_offered() -> None:
    class Sure(TwoScores):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 1e6 + 0 * super().forward(x) + torch.tensor([0.0, 1e4], dtype=x.dtype)

    with pytest.warns(StudyWarning, match="ask for quantity='log-odds' or 'logit'"):
        found = parsl_sa.explain(Sure(), IMAGE, 1, grid=[2, 2], quantity="probability", n=128)
    assert found.maps["undefined"].all()
    assert found.maps["ST"].isnull().all()


def test_it_says_what_it_explains() -> None:
    named = parsl_sa.explain(TwoScores(), IMAGE, method="occlusion", grid=2, classes=["no", "yes"])
    expected = "yes" if bool((IMAGE * WEIGHTS).sum() > 0) else "no"
    assert named.explained == f"log-odds of {expected}"
    assert repr(named) == f"<Explanation of the log-odds of {expected}: 2 x 2 cells, 5 forwards>"
    assert (
        parsl_sa.explain(lambda x: x.sum((1, 2, 3)), IMAGE, None, method="occlusion", grid=2).explained
        == "answer"
    )


@pytest.mark.parametrize("target", [None, "predicted"])
def test_the_entropy_has_no_target(target: str | None) -> None:
    found = parsl_sa.explain(TwoScores(), IMAGE, target, method="occlusion", grid=2, quantity="entropy")
    assert found.explained == "entropy"
    yes = torch.sigmoid((IMAGE * WEIGHTS).sum()).item()  # of the two scores 0 and this sum
    expected = -(yes * np.log(yes) + (1 - yes) * np.log1p(-yes))
    assert found.indices["mean"].item() == pytest.approx(expected, rel=1e-4)


def test_the_picture_has_a_map_and_its_half_widths() -> None:
    found = parsl_sa.explain(TwoScores(), IMAGE, 1, method="occlusion", grid=[3, 3])
    titles = [ax.get_title(loc="left") for ax in found.plot().axes]
    assert [title for title in titles if title] == ["input", "effect of taking a cell away", "± 0: exact"]


def test_features_have_maps_of_one_axis() -> None:
    found = parsl_sa.explain(
        lambda x: x @ torch.arange(4.0, dtype=x.dtype), torch.ones(4), None, baseline="zero"
    )
    np.testing.assert_allclose(found.maps["ST"].values, np.arange(4.0) ** 2 / 14, atol=0.06)
    with pytest.raises(ValueError, match="only maps of images"):
        found.plot()


def test_a_baseline_of_each_feature_is_what_is_taken_from_it() -> None:
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    x, baseline = torch.tensor([3.0, 5.0, 7.0], dtype=torch.float64), [1.0, 4.0, 7.0]
    found = parsl_sa.explain(
        lambda rows: rows @ weights.to(rows), x, None, method="occlusion", baseline=baseline
    )
    np.testing.assert_allclose(found.maps["effect"].values, [2.0, -2.0, 0.0], atol=1e-5)


def test_an_image_of_bytes_is_preprocessed_on_its_way() -> None:
    steps = {"scale": 1 / 255, "mean": [0.1, 0.2, 0.3], "sd": 0.5}
    found = parsl_sa.explain(
        TwoScores(), 255 * IMAGE, 1, method="occlusion", grid=3, baseline="zero", preprocess=steps
    )
    np.testing.assert_allclose(found.maps["effect"].values, cell_sums() / 0.5, rtol=1e-9)


def test_faults_come_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="method: must be one of sobol, occlusion"):
        parsl_sa.explain(TwoScores(), IMAGE, method="shap")
    with pytest.raises(SpecError, match="layout: cannot be told"):
        parsl_sa.explain(TwoScores(), torch.zeros(3, 4, 3))
    with pytest.raises(SpecError, match=r"outputs\[0\]\.target: no class 5"):
        parsl_sa.explain(TwoScores(), IMAGE, 5, directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()
