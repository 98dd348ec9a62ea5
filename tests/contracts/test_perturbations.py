"""What every perturbation owes, asked of each entry of the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from parsl_sa.models.inputs.bases import Bases
from parsl_sa.registry import names, resolve
from parsl_sa.spec.perturbations import PERTURBATION_KINDS

# kind -> (its entry in a spec, values that change nothing, values that change something); columns a, b, c, d
COLUMNS = ["mask[0,0]", "mask[0,1]", "mask[1,0]", "mask[1,1]", "a", "b"]
NOTHING, SOMETHING = (1.0, 1.0, 1.0, 1.0), (0.0, 0.5, 1.0, 0.25)
EXAMPLES: dict[str, tuple[dict[str, Any], tuple[float, ...], tuple[float, ...]]] = {
    "mask": ({"grid": [2, 2], "baseline": "blur"}, (*NOTHING, 0, 0), (*SOMETHING, 0, 0)),
    "noise": ({"sd": "a", "seed": "b"}, (*NOTHING, 0, 7), (*NOTHING, 2.5, 7)),
    "brightness": ({"offset": "a"}, (*NOTHING, 0, 0), (*NOTHING, 10, 0)),
    "contrast": ({"factor": "a"}, (*NOTHING, 1, 0), (*NOTHING, 0.5, 0)),
    "shift": ({"x": "a", "y": "b"}, (*NOTHING, 0, 0), (*NOTHING, 1.5, -2)),
}
RNG_IMAGE = np.random.default_rng(9).normal(size=(1, 60, 60))
BASELINES: list[Any] = ["zero", "mean", "blur", "noise", 17.0]


def bases(layout: str = "HWC", dtype: torch.dtype = torch.float32, n: int = 3) -> Bases:
    shape = [{"H": 6, "W": 8, "C": 3}[axis] for axis in layout]
    arrays = np.random.default_rng(0).uniform(0, 255, (n, *shape))
    return Bases(arrays, layout, "cpu", dtype)


def build(kind: str, on: Bases, **changes: Any) -> Any:
    entry = PERTURBATION_KINDS[kind].model_validate({"kind": kind, **EXAMPLES[kind][0], **changes}).plain()
    return resolve("perturbation", kind).of(entry, COLUMNS, on, "inputs.perturbations[0]")


def apply(one: Any, on: Bases, values: Any, cases: Any) -> torch.Tensor:
    rows = torch.tensor(np.atleast_2d(values), dtype=torch.float64).expand(len(cases), -1)
    index = torch.as_tensor(cases)
    result: torch.Tensor = one(on.of(index), rows, index)
    return result


def test_the_spec_and_the_table_know_the_same_kinds() -> None:
    assert set(names("perturbation")) == set(PERTURBATION_KINDS) == set(EXAMPLES)


@pytest.mark.parametrize("kind", names("perturbation"))
class TestPerturbation:
    @pytest.mark.parametrize("layout", ["HWC", "CHW", "HW"])
    def test_neutral_values_change_nothing(self, kind: str, layout: str) -> None:
        on = bases(layout, torch.float64)
        found = apply(build(kind, on), on, EXAMPLES[kind][1], [0, 2])
        torch.testing.assert_close(found, on.of(torch.tensor([0, 2])), rtol=0, atol=1e-12)

    def test_other_values_change_every_case(self, kind: str) -> None:
        on = bases()
        found = apply(build(kind, on), on, EXAMPLES[kind][2], [0, 1, 2])
        changed = (found - on.of(torch.arange(3))).abs().amax(dim=(1, 2, 3))
        assert (changed > 0.1).all()

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_shape_and_dtype_stay(self, kind: str, dtype: torch.dtype) -> None:
        on = bases(dtype=dtype)
        found = apply(build(kind, on), on, EXAMPLES[kind][2], [1, 1, 0])
        assert (found.dtype, found.shape) == (dtype, (3, 6, 8, 3))

    def test_a_batch_is_its_rows_one_by_one(self, kind: str) -> None:
        on = bases()
        one = build(kind, on)
        cases = [2, 0, 2, 1]
        whole = apply(one, on, EXAMPLES[kind][2], cases)
        for index, case in enumerate(cases):
            assert apply(one, on, EXAMPLES[kind][2], [case])[0].equal(whole[index])

    def test_base_inputs_are_left_alone(self, kind: str) -> None:
        on = bases()
        before = on.of(torch.arange(3)).clone()
        apply(build(kind, on), on, EXAMPLES[kind][2], [0, 1, 2])
        assert on.of(torch.arange(3)).equal(before)

    def test_the_layout_does_not_matter(self, kind: str) -> None:
        last, first = bases("HWC"), bases("CHW")
        moved = Bases(last.of(torch.arange(3)).permute(0, 3, 1, 2).numpy(), "CHW", "cpu", torch.float32)
        del first
        one = apply(build(kind, last), last, EXAMPLES[kind][2], [0, 1, 2])
        other = apply(build(kind, moved), moved, EXAMPLES[kind][2], [0, 1, 2])
        if kind == "noise":  # the noise is drawn in the order of the pixels in memory
            assert one.std() == pytest.approx(float(other.std()), rel=0.01)
        else:
            torch.testing.assert_close(other.permute(0, 2, 3, 1), one, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("baseline", BASELINES)
def test_a_mask_of_zeros_is_the_baseline(baseline: Any) -> None:
    on = bases(dtype=torch.float64)
    found = apply(build("mask", on, baseline=baseline), on, np.zeros(6), [0, 1])
    base = on.of(torch.tensor([0, 1]))
    if baseline == "zero":
        assert not found.any()
    elif baseline == 17.0:
        assert (found == 17.0).all()
    elif baseline == "mean":
        torch.testing.assert_close(found, base.mean((1, 2), keepdim=True).expand_as(base))
    elif baseline == "blur":
        assert (found.var((1, 2)) < 0.5 * base.var((1, 2))).all()
        torch.testing.assert_close(found.mean((1, 2)), base.mean((1, 2)), rtol=0.1, atol=0)
    else:
        assert not found.equal(base)


def test_a_cell_takes_the_pixels_of_its_place() -> None:
    on = bases("HW", torch.float64)
    found = apply(build("mask", on, baseline="zero"), on, [1, 0, 0, 0, 0, 0], [0])[0]
    base = on.of(torch.tensor([0]))[0]
    assert found[:3, :4].equal(base[:3, :4])
    assert found[3:].eq(0).all()
    assert found[:, 4:].eq(0).all()


def test_segments_are_cells_of_any_shape(tmp_path: Any) -> None:
    on = bases("HW", torch.float64)
    cells = np.random.default_rng(1).integers(0, 4, (6, 8))
    np.save(tmp_path / "cells.npy", cells)
    entry = PERTURBATION_KINDS["mask"].model_validate(
        {"kind": "mask", "segments": str(tmp_path / "cells.npy"), "baseline": "zero"}
    )
    named = [each["name"] for each in entry.parameters()]
    assert named == [f"mask[{i}]" for i in range(4)]
    mask = resolve("perturbation", "mask").of(entry.plain(), named, on, "p")
    found = mask(on.of(torch.tensor([0])), torch.tensor([[0.0, 0.0, 1.0, 0.0]]), torch.tensor([0]))[0]
    assert found.equal(on.of(torch.tensor([0]))[0] * torch.as_tensor(cells == 2))


def test_noise_is_normal_and_a_function_of_its_seed() -> None:
    arrays = np.zeros((1, 200, 200))
    on = Bases(arrays, "HW", "cpu", torch.float64)
    one = build("noise", on)
    drawn = [apply(one, on, [0, 0, 0, 0, 3.0, seed], [0])[0] for seed in (0, 1, 1)]
    n = drawn[0].numel()
    for each in drawn:
        assert abs(float(each.mean())) < 5 * 3.0 / n**0.5
        assert float(each.std()) == pytest.approx(3.0, abs=5 * 3.0 / (2 * n) ** 0.5)
    assert drawn[1].equal(drawn[2])
    correlation = float((drawn[0] * drawn[1]).mean()) / 9.0
    assert abs(correlation) < 5 / n**0.5


def test_a_shift_repeats_the_edge_and_interpolates() -> None:
    on = Bases(np.arange(6.0).reshape(1, 1, 6), "HW", "cpu", torch.float64)
    moved = apply(build("shift", on), on, [0, 0, 0, 0, 1.25, 0], [0])[0, 0]
    torch.testing.assert_close(moved, torch.tensor([0, 0, 0.75, 1.75, 2.75, 3.75], dtype=torch.float64))


def test_a_noise_baseline_is_other_noise_than_that_of_the_same_seed() -> None:
    on = Bases(RNG_IMAGE, "HW", "cpu", torch.float64)
    masked = apply(build("mask", on, baseline="noise", seed=7), on, np.zeros(6), [0])[0]
    added = apply(build("noise", on), on, [0, 0, 0, 0, 1.0, 7], [0])[0] - on.of(torch.tensor([0]))[0]
    n = masked.numel()
    correlation = float(torch.corrcoef(torch.stack([masked.reshape(-1), added.reshape(-1)]))[0, 1])
    assert abs(correlation) < 5 / n**0.5
