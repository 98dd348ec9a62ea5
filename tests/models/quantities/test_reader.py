"""Several quantities out of one forward: targets, cuts, reductions, names, and every fault of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy import special

from parsl_sa.errors import ModelError
from parsl_sa.models.evaluator import Evaluator
from parsl_sa.models.inputs import Assembler
from parsl_sa.models.quantities import Context, Reader, accuracy, label_codes, predicted_class, scores_of
from parsl_sa.models.wrapped import NumpyModel

if TYPE_CHECKING:
    import numpy.typing as npt

PETS = ["cat", "dog", "eel"]
RNG = np.random.default_rng(3)
LOGITS = RNG.normal(0.0, 3.0, (6, 3)).astype(np.float32)
FIELD = RNG.normal(0.0, 3.0, (6, 3, 4, 5))


def out(**fields: Any) -> dict[str, Any]:
    return {"name": "y", **fields}


def read(output: Any, *specs: dict[str, Any], context: Context | None = None, **kind: Any) -> Any:
    arrays = Reader(specs, **kind).read(lambda: output, context or Context())
    return arrays[0] if len(specs) == 1 else arrays


def fault(
    output: Any, *specs: dict[str, Any], context: Context | None = None, **kind: Any
) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        Reader(specs, **kind).learn(lambda: output, 6, context or Context())
    (found,) = caught.value.faults
    return found.place, found.message


def test_all_quantities_cost_one_forward() -> None:
    calls = 0

    def net(x: npt.NDArray[Any]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        return {"logits": x @ np.ones((2, 3)), "code": x[:, :1]}

    kinds = ["value", "logit", "probability", "log-odds", "margin", "predicted-class", "entropy"]
    specs = [{"name": kind, "select": "logits", "quantity": kind} for kind in kinds]
    evaluator = Evaluator(NumpyModel(net, dtype="float64"), [*specs, out(select="code")], Assembler(2), PETS)
    evaluator.learn(RNG.normal(size=(8, 2)))
    assert calls == 1
    evaluator.evaluate(RNG.normal(size=(40, 2)), batch=8)
    assert calls == 1 + 5


def test_a_value_is_passed_on_without_a_copy() -> None:
    for given in (LOGITS, LOGITS > 0, (100 * LOGITS).astype(np.int16)):
        found = read(given, out())
        assert found is given


@pytest.mark.parametrize("given", ["torch", "numpy"])
def test_targets_by_index_name_label_and_prediction(given: str) -> None:
    logits = torch.from_numpy(LOGITS) if given == "torch" else LOGITS
    p = special.softmax(LOGITS.astype(np.float64), axis=1).astype(np.float32)
    labels, predicted = np.array([0, 1, 2, 2, 1, 0]), np.array([2, 2, -1, 0, 1, 1])
    context = Context(labels, predicted)
    asked = [out(quantity="probability", target=target) for target in (1, "dog", "label", "predicted")]
    one, named, label, kept = read(logits, *asked, context=context, classes=PETS)
    np.testing.assert_array_equal(one, p[:, 1])
    np.testing.assert_array_equal(named, one)
    np.testing.assert_array_equal(label, p[np.arange(6), labels])
    expected = p[np.arange(6), predicted]
    expected[2] = np.nan
    np.testing.assert_array_equal(kept, expected)


def test_without_a_target_all_classes_stand_along_an_axis_with_their_names() -> None:
    specs = [
        out(quantity="log-odds"),
        out(name="v"),
        out(name="d", dims={"pet": 3}),
        out(name="one", target=0),
    ]
    arrays, found = Reader(specs, PETS).learn(lambda: LOGITS, 6)
    assert [array.shape for array in arrays] == [(6, 3), (6, 3), (6, 3), (6,)]
    assert [q.dims for q in found] == [("class",), ("class",), ("pet",), ()]
    assert [q.coords for q in found] == [{"class": tuple(PETS)}] * 2 + [{"pet": tuple(PETS)}, {}]
    assert [q.start for q in found] == [0, 3, 6, 9]


def test_classes_without_names_have_an_axis_without_coordinates() -> None:
    _, (found,) = Reader([out(quantity="margin")]).learn(lambda: LOGITS, 6)
    assert (found.dims, found.coords) == (("class",), {})


def test_a_dense_output_has_fields() -> None:
    specs = [
        out(quantity="probability", target="eel"),
        out(name="all", quantity="probability"),
        out(name="area", quantity="predicted-class", target="eel", reduce="mean"),
        out(name="each", quantity="logit", reduce="max", axes=[1, -1]),
        out(name="named", quantity="logit", dims={"pet": 3, "y": 4, "x": 5}, reduce="max", axes=["y", "x"]),
    ]
    arrays, found = Reader(specs, PETS).learn(lambda: FIELD, 6)
    p = special.softmax(FIELD, axis=1)
    np.testing.assert_allclose(arrays[0], p[:, 2], rtol=1e-13)
    np.testing.assert_allclose(arrays[1], p, rtol=1e-13)
    np.testing.assert_allclose(arrays[2], (FIELD.argmax(axis=1) == 2).mean(axis=(1, 2)))
    np.testing.assert_array_equal(arrays[3], FIELD.max(axis=(2, 3)))
    np.testing.assert_array_equal(arrays[4], arrays[3])
    assert [q.dims for q in found] == [
        ("dim_0", "dim_1"),
        ("class", "dim_1", "dim_2"),
        (),
        ("class",),
        ("pet",),
    ]
    assert found[3].coords == {"class": tuple(PETS)}
    assert [q.n_cells for q in found] == [20, 60, 1, 3, 3]


def test_a_label_of_a_dense_output_is_that_of_all_its_places() -> None:
    labels = np.array([0, 1, 2, 2, 1, 0])
    found = read(FIELD, out(quantity="loss"), context=Context(labels))
    expected = -special.log_softmax(FIELD, axis=1)[np.arange(6), labels]
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_losses_of_numbers() -> None:
    labels = np.array([0.5, 1.0, -2.0, 3.0, 0.0, 1.5])
    y = RNG.normal(size=(6, 1))
    square, away = read(
        y,
        out(quantity="loss", loss="squared-error"),
        out(quantity="loss", loss="absolute-error", target="label"),
        context=Context(labels),
    )
    np.testing.assert_array_equal(square[:, 0], (y[:, 0] - labels) ** 2)
    np.testing.assert_array_equal(away[:, 0], abs(y[:, 0] - labels))


@pytest.mark.parametrize("given", ["torch", "numpy"])
@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("0", np.s_[:, 0]),
        ("-1, 1:3", np.s_[:, -1, 1:3]),
        (":, ::2", np.s_[:, :, ::2]),
        ("..., 0", np.s_[:, ..., 0]),
        ("0:99", np.s_[:, 0:99]),
    ],
)
def test_a_slice_is_numpys_behind_the_batch(given: str, text: str, index: Any) -> None:
    output = torch.from_numpy(FIELD) if given == "torch" else FIELD
    np.testing.assert_array_equal(read(output, out(slice=text)), FIELD[index])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("mean", np.mean), ("sum", np.sum), ("max", np.max), ("min", np.min), ("std", np.std),
        ("norm", lambda a, axis: np.sqrt(np.sum(a**2, axis=axis))),
    ],
)  # fmt: skip
def test_reductions_are_numpys_in_double_precision(kind: str, expected: Any, dtype: type) -> None:
    given = (10 * FIELD).astype(dtype)
    exact = given.astype(np.float64)
    whole, part = read(given, out(reduce=kind), out(reduce=kind, axes=[1]))
    bound = {"rtol": 1e-12 if dtype is not np.float32 else np.finfo(np.float32).eps / 2, "atol": 1e-12}
    np.testing.assert_allclose(whole, expected(exact, axis=(1, 2, 3)), **bound)
    np.testing.assert_allclose(part, expected(exact, axis=2), **bound)
    assert whole.dtype == (np.float64 if dtype is np.int32 else dtype)


def test_a_reduced_row_has_the_same_bits_in_every_batch_and_layout() -> None:
    given = FIELD.astype(np.float32)
    turned = np.ascontiguousarray(given.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    specs = [out(reduce="sum"), out(quantity="entropy", reduce="mean", axes=[0])]
    for whole, laid in zip(read(given, *specs), read(turned, *specs), strict=True):
        np.testing.assert_array_equal(whole, laid)
    for i in range(6):
        for whole, alone in zip(read(given, *specs), read(given[i : i + 1], *specs), strict=True):
            np.testing.assert_array_equal(whole[i : i + 1], alone)


def test_a_norm_does_not_overflow() -> None:
    np.testing.assert_allclose(read(np.full((1, 4), 1e300), out(reduce="norm")), [2e300])
    assert read(np.zeros((1, 4)), out(reduce="norm")) == 0.0
    assert np.isinf(read(np.array([[np.inf, 1.0]]), out(reduce="norm")))
    assert np.isnan(read(np.array([[np.nan, 1.0]]), out(reduce="norm")))


@pytest.mark.parametrize(
    ("spec", "kind", "place", "words"),
    [
        ({"quantity": "odds"}, {}, "outputs[0].quantity", "unknown quantity 'odds'; known: value, logit"),
        ({"target": 3}, {}, "outputs[0].target", "no class 3; the output has scores of 3 classes, 0 to 2"),
        ({"target": 7}, {"classes": PETS}, "outputs[0].target", "there are 3 classes, 0 (cat) to 2 (eel)"),
        ({"target": "dgo"}, {"classes": PETS}, "outputs[0].target", "did you mean 'dog'? there are cat, dog"),
        ({"target": "dog"}, {}, "outputs[0].target", "classes have no names; give them in model.classes"),
        ({"target": "label"}, {}, "outputs[0].target", "give inputs.base.labels"),
        ({"target": "predicted"}, {}, "outputs[0].target", "give inputs.base"),
        ({"quantity": "loss"}, {}, "outputs[0].quantity", "give inputs.base.labels"),
        ({"quantity": "entropy", "target": 0}, {}, "outputs[0].target", "leave the target out"),
        ({"quantity": "loss", "loss": "squared-error", "target": 0}, {}, "outputs[0].target", "the label"),
        ({}, {"classes": PETS[:2]}, "model.classes", "has 2 names, but the model gives scores of 3 classes"),
        ({"quantity": "margin"}, {"classes": [*PETS, "fox"]}, "model.classes", "has 4 names"),
        ({"quantity": "margin"}, {"scores": "probabilities"}, "model.scores", "outside 0 to 1"),
        ({"slice": "3"}, {}, "outputs[0].slice", "'3' of shape (3,) an input"),
        ({"slice": "0, 0"}, {}, "outputs[0].slice", "'0, 0' of shape (3,) an input"),
        ({"slice": "3:"}, {}, "outputs[0].slice", "leaves nothing"),
        ({"reduce": "mean", "axes": ["y"]}, {}, "outputs[0].axes", "no axis 'y'; there are dim_0"),
        ({"reduce": "mean", "axes": [1]}, {}, "outputs[0].axes", "by number 0 to 0"),
        ({"reduce": "mean", "axes": [0, -1]}, {}, "outputs[0].axes", "names an axis twice"),
        ({"layer": "fc"}, {}, "outputs[0].layer", "only the layers of a torch module"),
    ],
)
def test_what_does_not_fit_is_named(
    spec: dict[str, Any], kind: dict[str, Any], place: str, words: str
) -> None:
    found, message = fault(LOGITS, out(**spec), **kind)
    assert found == place
    assert words in message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.ones((6, 3), np.int64), "is int64; scores are floating numbers"),
        (np.array(1.0), "axis 0 must be the batch"),
    ],
)
def test_what_are_no_scores_is_refused(given: Any, words: str) -> None:
    place, message = fault(given, out(quantity="entropy"))
    assert place == "outputs[0].select"
    assert words in message


def test_probabilities_that_do_not_sum_to_1_are_refused() -> None:
    place, message = fault(np.full((6, 3), 0.25), out(quantity="entropy"), scores="probabilities")
    assert (place, "sum to 0.75" in message) == ("model.scores", True)


@pytest.mark.parametrize("shape", [(6, 3), (6,)])
def test_logits_that_look_like_probabilities_are_remarked(shape: tuple[int, ...]) -> None:
    likely = special.softmax(LOGITS, axis=1) if len(shape) == 2 else special.expit(LOGITS[:, 0])
    for given, kind, told in [
        (likely, "logits", 1),
        (likely, "probabilities", 0),
        (likely + 0.9, "logits", 0),
    ]:
        reader = Reader([out(quantity="margin", target=0), out(name="z", quantity="entropy")], scores=kind)
        reader.learn(lambda given=given: given, 6)
        assert len(reader.remarks) == 2 * told
        assert all(remark.startswith("model.scores: ") for remark in reader.remarks)


def test_half_precision_sums_to_1_well_enough() -> None:
    p = torch.softmax(torch.from_numpy(RNG.normal(size=(6, 1000))), dim=1).half()
    Reader([out(quantity="entropy")], scores="probabilities").learn(lambda: p, 6)


def test_labels_out_of_range_name_the_row() -> None:
    place, message = fault(LOGITS, out(quantity="loss"), context=Context(np.array([0, 1, 2, 3, 0, 0])))
    assert (place, "row 3 has the label 3" in message) == ("inputs.base.labels", True)


@pytest.mark.parametrize(
    ("labels", "classes", "words"),
    [
        ([0, 1, 2.5], [], "row 2 has the label 2.5; the network has 3 classes"),
        ([0, -1], [], "row 1 has the label -1"),
        ([0, 3], [], "row 1 has the label 3"),
        ([0, float("nan")], [], "row 1 has the label nan"),
        (["dog", "fox"], PETS, "row 1 has the label 'fox', which is no class; the classes are cat, dog, eel"),
        (["dog"], [], "give their names in model.classes"),
        ([None], PETS, "row 0 has the label None"),
    ],
)
def test_a_label_that_is_no_class_is_named(labels: list[Any], classes: list[str], words: str) -> None:
    with pytest.raises(ModelError) as caught:
        label_codes(labels, 3, classes)
    assert caught.value.faults[0].place == "inputs.base.labels"
    assert words in caught.value.faults[0].message


def test_labels_are_indices_or_names() -> None:
    found = label_codes(np.array(["eel", "cat", "1"]), 3, PETS)
    assert (found.tolist(), found.dtype) == ([2, 0, 1], np.int64)
    assert label_codes(np.array([2.0, 0.0]), 3).tolist() == [2, 0]
    # A name that looks like a number is a name first, as text and as a number.
    assert label_codes(["1", 1, 2.0], 3, ["1", "2", "3"]).tolist() == [0, 0, 1]


def test_the_prediction_comes_from_the_output_that_speaks_of_classes() -> None:
    outputs = [out(select="y"), out(name="doubt", select="c", quantity="entropy")]
    assert scores_of(outputs) == 1
    scores = Reader(outputs).scores(lambda: {"y": np.zeros(6), "c": LOGITS})
    assert scores is not None
    np.testing.assert_array_equal(scores.predicted, LOGITS.argmax(axis=1))
    assert scores.n_classes == 3
    assert scores_of([out(), out(name="z")]) is None
    assert scores_of([out(), out(name="z", target=1)]) == 1
    assert scores_of([out(), out(name="z", quantity="loss", loss="squared-error")]) is None
    assert scores_of([out(quantity="loss", loss="squared-error")]) is None


@pytest.mark.parametrize(
    ("output", "classes", "known"),
    [(LOGITS, [], False), (LOGITS, PETS, True), (LOGITS[:, 0], [], False), (LOGITS[:, :1], PETS[:2], True)],
)
def test_a_lone_output_predicts_where_its_classes_have_names(
    output: Any, classes: list[str], *, known: bool
) -> None:
    assert (Reader([out()], classes).scores(lambda: output) is not None) is known


def test_accuracy_is_the_share_of_hits() -> None:
    predicted = predicted_class(torch.from_numpy(LOGITS))
    assert accuracy(predicted, LOGITS.argmax(axis=1)) == 1.0
    assert accuracy(np.array([0, -1, 2, 1]), np.array([0, 0, 2, 2])) == 0.5
    assert np.isnan(accuracy(np.array([]), np.array([])))
