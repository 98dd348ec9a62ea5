"""Evaluating rows in chunks, and what the probe finds out beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator
from parsl_sa.models.inputs import Assembler
from parsl_sa.models.wrapped import NumpyModel, TorchModel

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = np.random.default_rng(0).standard_normal((10, 3))
Y = [{"name": "y", "select": "", "dims": {}, "unit": ""}]


def numpy_evaluator(function: Callable[..., Any], outputs: list[dict[str, Any]] = Y) -> Evaluator:
    return Evaluator(NumpyModel(function, dtype="float64", plain=True), outputs, Assembler(3))


def torch_evaluator(function: Callable[..., Any], dtype: str = "float32") -> Evaluator:
    return Evaluator(TorchModel(function, dtype=dtype), Y, Assembler(3))


def fault(evaluator: Evaluator, rows: Any = ROWS) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        evaluator.probe(rows)
    (only,) = caught.value.faults
    return only.place, only.message


def unpack_two(x: torch.Tensor) -> torch.Tensor:
    first, second = x.unbind(1)
    return first + second


class TestEvaluate:
    def test_every_chunk_has_the_batch_and_the_last_is_filled_with_its_last_row(self) -> None:
        seen: list[np.ndarray[Any, Any]] = []

        def model(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            seen.append(x)
            return x.sum(axis=1)

        evaluator = numpy_evaluator(model)
        evaluator.probe(ROWS)
        seen.clear()
        got = evaluator.evaluate(ROWS, 4)
        assert [chunk.shape for chunk in seen] == [(4, 3)] * 3
        np.testing.assert_array_equal(seen[2], ROWS[[8, 9, 9, 9]])
        np.testing.assert_array_equal(got[:, 0], ROWS.sum(axis=1))

    def test_a_row_has_the_same_bits_whatever_its_neighbours(self) -> None:
        torch.manual_seed(0)
        evaluator = torch_evaluator(nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 2)))
        evaluator.probe(ROWS)
        np.testing.assert_array_equal(evaluator.evaluate(ROWS, 4)[:4], evaluator.evaluate(ROWS[:4], 4))

    def test_quantities_stand_side_by_side(self) -> None:
        outputs = [
            {"name": "field", "select": "f", "dims": {"a": 3, "b": 2}},
            {"name": "scalar", "select": "s.0"},
        ]
        evaluator = numpy_evaluator(
            lambda x: {"f": np.stack([x, 2 * x], axis=2), "s": (x[:, :1], "label")}, outputs
        )
        evaluator.probe(ROWS)
        got = evaluator.evaluate(ROWS, 8)
        assert got.shape == (10, 7)
        assert evaluator.n_cells == 7
        np.testing.assert_array_equal(got[:, :6].reshape(10, 3, 2)[:, :, 1], 2 * ROWS)
        np.testing.assert_array_equal(got[:, 6], ROWS[:, 0])

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_dtype_of_the_result(self, dtype: str) -> None:
        evaluator = torch_evaluator(lambda x: x[:, 0] * 3, dtype)
        evaluator.probe(ROWS)
        got = evaluator.evaluate(ROWS, 4)
        assert (evaluator.dtype, got.dtype) == (dtype, np.dtype(dtype))
        np.testing.assert_array_equal(got[:, 0], ROWS[:, 0].astype(dtype) * np.dtype(dtype).type(3))

    def test_integers_and_flags_are_numbers(self) -> None:
        evaluator = torch_evaluator(lambda x: x.argmax(1))
        evaluator.probe(ROWS)
        np.testing.assert_array_equal(
            evaluator.evaluate(ROWS, 4)[:, 0], ROWS.astype(np.float32).argmax(axis=1)
        )
        flags = torch_evaluator(lambda x: x[:, 0] > 0)
        flags.probe(ROWS)
        assert set(flags.evaluate(ROWS, 4)[:, 0]) == {0.0, 1.0}

    def test_rows_of_any_layout_and_read_only(self) -> None:
        rows = np.asfortranarray(np.repeat(ROWS, 2, axis=0))[::2]
        rows.setflags(write=False)
        evaluator = torch_evaluator(lambda x: x, "float64")
        evaluator.probe(rows)
        np.testing.assert_array_equal(evaluator.evaluate(rows, 4), ROWS)

    def test_non_finite_rows_are_passed_on(self) -> None:
        evaluator = numpy_evaluator(lambda x: np.where(x[:, 0] > 0, x[:, 0], np.nan))
        evaluator.probe(ROWS)
        np.testing.assert_array_equal(np.isnan(evaluator.evaluate(ROWS, 4)[:, 0]), ROWS[:, 0] <= 0)

    def test_what_the_model_raises_is_raised(self) -> None:
        def model(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            if (x > 100).any():
                raise ArithmeticError("too large")
            return x[:, 0]

        evaluator = numpy_evaluator(model)
        evaluator.probe(ROWS)
        with pytest.raises(ArithmeticError, match="too large"):
            evaluator.evaluate(ROWS + 1000, 4)

    def test_another_shape_than_probed_is_named(self) -> None:
        widths = iter([2, 2, 2, 5])
        evaluator = numpy_evaluator(lambda x: np.zeros((len(x), next(widths))))
        evaluator.probe(ROWS)
        with pytest.raises(ModelError, match=r"shape \(4, 5\) for a batch of 4, but \(2,\) an input"):
            evaluator.evaluate(ROWS, 4)

    def test_no_rows_give_no_rows(self) -> None:
        evaluator = torch_evaluator(lambda x: x)
        evaluator.probe(ROWS)
        assert evaluator.evaluate(ROWS[:0], 4).shape == (0, 3)

    def test_it_must_be_probed_first(self) -> None:
        with pytest.raises(RuntimeError, match="probe"):
            torch_evaluator(lambda x: x).evaluate(ROWS, 4)


class TestProbe:
    @pytest.mark.parametrize(
        "function",
        [
            nn.Linear(5, 2),
            nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 2)),
            lambda x: x @ torch.zeros(5),
            lambda x: sum(x.unbind(1)[i] for i in range(3)) + x[:, 4],
            lambda x: x.reshape(-1, 5),
            unpack_two,
        ],
        ids=["linear", "layer norm", "matmul", "column", "reshape", "unpack"],
    )
    def test_another_width_is_recognised(self, function: Callable[..., Any]) -> None:
        place, message = fault(torch_evaluator(function), ROWS[:4])
        assert place == "inputs.parameters"
        assert "give 3 columns" in message
        assert "Error: " in message

    def test_another_width_of_a_numpy_function(self) -> None:
        place, message = fault(numpy_evaluator(lambda x: x @ np.zeros((5, 2))))
        assert (place, "matmul" in message) == ("inputs.parameters", True)
        place, _ = fault(numpy_evaluator(lambda x: x[:, 4]))
        assert place == "inputs.parameters"

    def test_an_exception_names_type_message_and_line(self) -> None:
        def model(x: object) -> None:
            raise KeyError("station")

        place, message = fault(numpy_evaluator(model))
        assert place == "model"
        assert "KeyError: 'station'" in message
        assert "test_evaluator.py:" in message
        assert "fix the model, or narrow the inputs" in message
        assert "model.arrays" not in message

    def test_a_method_that_is_not_there_names_the_other_kind_of_array(self) -> None:
        place, message = fault(numpy_evaluator(lambda x: x.clamp(0)))
        assert place == "model"
        assert "set model.arrays to 'torch'" in message

    def test_a_wrong_width_is_read_from_the_first_layer(self) -> None:
        place, message = fault(torch_evaluator(nn.Linear(5, 1)))
        assert place == "inputs.parameters"
        assert "give 3 columns" in message
        assert "seems to want 5;" in message

    def test_learning_asks_for_shapes_only(self) -> None:
        """A client that starts may meet non-finite values in its few rows; the probe has judged the model."""
        calls: list[int] = []

        def model(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            calls.append(len(x))
            return np.full((len(x), 2), np.nan)

        evaluator = numpy_evaluator(model)
        (quantity,) = evaluator.learn(np.zeros((2, 3)))
        assert (quantity.shape, calls) == ((2,), [2])

    def test_nan_everywhere_is_refused_and_nan_somewhere_is_not(self) -> None:
        place, message = fault(numpy_evaluator(lambda x: x[:, 0] * np.nan))
        assert place == "outputs[0]"
        assert "'y' is NaN for every one of 10 probed inputs (first: " in message
        assert "infinite" in fault(numpy_evaluator(lambda x: np.full(len(x), np.inf)))[1]
        masked = numpy_evaluator(lambda x: np.where([True, False, True], x, np.nan))
        assert masked.probe(ROWS)[0].shape == (3,)

    @pytest.mark.parametrize(
        ("function", "place", "words"),
        [
            (lambda x: {"a": x}, "outputs[0].select", "a (10, 3)"),
            (lambda x: (x, x), "outputs[0].select", "0 (10, 3), 1 (10, 3)"),
            (lambda x: None, "outputs[0].select", "is a NoneType"),
            (lambda x: [float(row[0]) for row in x], "outputs[0].select", "return a tensor or an array"),
            (lambda x: x.mean(), "outputs[0].select", "axis 0 must be the batch"),
            (lambda x: x.mean(0), "outputs[0].select", "shape (3,) for a batch of 10"),
            (lambda x: x.T, "outputs[0].select", "movedim(1, 0)"),
            (lambda x: x.to(torch.complex64), "outputs[0]", "real part"),
            (lambda x: torch.rand(len(x)), "outputs[0]", "other values the second time"),
            (lambda x: torch.dropout(x, 0.5, True), "outputs[0]", "dropout or noise is still active"),
            (lambda x: torch.softmax(x, 0), "outputs[0]", "depends on the other inputs"),
            (lambda x: x[:, 0] - x[0, 0], "outputs[0]", "depends on the other inputs"),
            (nn.BatchNorm1d(3).train(), "outputs[0]", "depends on the other inputs"),
        ],
    )
    def test_what_would_go_wrong_later_is_refused(
        self, function: Callable[..., Any], place: str, words: str
    ) -> None:
        found, message = fault(torch_evaluator(function))
        assert found == place
        assert words in message

    def test_a_buffer_that_is_returned_again_and_again_is_no_fault(self) -> None:
        buffer = np.empty((10, 3))

        def model(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            return np.multiply(x, 2, out=buffer[: len(x)])

        evaluator = numpy_evaluator(model)
        evaluator.probe(ROWS)
        np.testing.assert_array_equal(evaluator.evaluate(ROWS, 5), 2 * ROWS)

    def test_rows_are_fitted_to_the_batch_of_the_model(self) -> None:
        sizes: list[int] = []

        def model(x: torch.Tensor) -> torch.Tensor:
            sizes.append(len(x))
            return x[:, 0]

        for batches, expected in [
            ({"fixed_batch": 4, "smallest_batch": 4, "largest_batch": 4}, 4),
            ({"smallest_batch": 16}, 16),
            ({"largest_batch": 2}, 2),
            ({}, 10),
        ]:
            sizes.clear()
            Evaluator(TorchModel(model, dtype="float32", **batches), Y, Assembler(3)).probe(ROWS)  # type: ignore[arg-type]
            assert set(sizes) == {expected}
