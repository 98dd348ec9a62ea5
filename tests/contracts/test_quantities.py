"""What every quantity of interest owes, asked of each with every shape and kind of scores."""

from __future__ import annotations

import inspect
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import special

from parsl_sa.errors import ModelError
from parsl_sa.models.quantities import Context, Reader
from parsl_sa.models.quantities.scores import Scores
from parsl_sa.registry import TABLES, names, resolve

if TYPE_CHECKING:
    import numpy.typing as npt

N, K = 32, 5
RNG = np.random.default_rng(11)
LOGITS = RNG.normal(0.0, 5.0, (N, K))
LABELS = RNG.integers(0, K, N)
CASES = [(name, {}) for name in names("quantity")] + [
    ("loss", {"kind": "squared-error"}),
    ("loss", {"kind": "absolute-error"}),
]
SHAPES = {
    "classes": (N, K),
    "one": (N,),
    "one column": (N, 1),
    "dense": (N, K, 2, 3),
    "dense one": (N, 1, 2, 3),
}

every = pytest.mark.parametrize(
    ("name", "options"), CASES, ids=["-".join([name, *options.values()]) for name, options in CASES]
)
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def made(name: str, options: dict[str, str]) -> Any:
    return resolve("quantity", name)(**options)


def targets(kind: Any, n_classes: int) -> list[npt.NDArray[Any] | None]:
    """Every target that it takes."""
    if kind.numeric_target:
        return [LABELS / 3.0]
    asked = [LABELS % n_classes] if kind.takes_target else []
    return asked if kind.default_target else [None, *asked]


def test_every_quantity_of_the_table_is_here() -> None:
    assert {name for name, _ in CASES} == set(names("quantity"))


@every
@every_shape
def test_it_is_a_number_a_row_and_place_or_one_a_class(
    name: str, options: dict[str, str], shape: tuple[int, ...]
) -> None:
    kind = made(name, options)
    scores = Scores(RNG.normal(size=shape))
    cells = shape if not kind.needs_scores and name != "value" else shape[:1] + shape[2:]
    for target in targets(kind, scores.n_classes):
        found = kind.compute(scores, target)
        if target is None and name == "value":
            assert found.shape == shape
        elif target is None and kind.of_classes:
            assert found.shape == (N, scores.n_classes, *shape[2:])
        else:
            assert found.shape == cells
        assert found.dtype == np.float64
        assert np.isfinite(found).all()


@every
@every_shape
def test_every_row_is_by_itself(name: str, options: dict[str, str], shape: tuple[int, ...]) -> None:
    kind = made(name, options)
    logits = RNG.normal(0.0, 5.0, shape).astype(np.float32)
    for target in targets(kind, Scores(logits).n_classes):
        together = kind.compute(Scores(logits), target)
        alone = [
            kind.compute(Scores(logits[i : i + 1]), None if target is None else target[i : i + 1])
            for i in range(N)
        ]
        np.testing.assert_array_equal(np.concatenate(alone), together)


@every
def test_a_row_with_nan_is_nan_and_no_other(name: str, options: dict[str, str]) -> None:
    kind = made(name, options)
    logits = LOGITS.copy()
    logits[7] = np.nan
    for target in targets(kind, K):
        found = kind.compute(Scores(logits), target)
        assert np.isnan(found[7]).all()
        assert np.isfinite(np.delete(found, 7, axis=0)).all()


@every
def test_an_unknown_class_is_nan(name: str, options: dict[str, str]) -> None:
    kind = made(name, options)
    if kind.takes_target and not kind.numeric_target:
        codes = LABELS.copy()
        codes[3] = -1
        found = kind.compute(Scores(LOGITS), codes)
        assert np.isnan(found[3])
        assert np.isfinite(np.delete(found, 3)).all()


@every
def test_a_target_picks_from_all_classes(name: str, options: dict[str, str]) -> None:
    kind = made(name, options)
    if kind.of_classes:
        every_class, codes = kind.compute(Scores(LOGITS), None), LABELS
        np.testing.assert_array_equal(kind.compute(Scores(LOGITS), codes), every_class[np.arange(N), codes])


@every
def test_it_does_not_matter_in_which_order_classes_stand(name: str, options: dict[str, str]) -> None:
    kind = made(name, options)
    order = np.array([3, 0, 4, 1, 2])
    place_of = np.argsort(order)
    for target in targets(kind, K):
        moved = target if target is None or kind.numeric_target else place_of[target]
        found = kind.compute(Scores(LOGITS[:, order]), moved)
        expected = kind.compute(Scores(LOGITS), target)
        if name == "predicted-class" and target is None:
            expected = place_of[expected.astype(int)]
        elif kind.numeric_target or (target is None and kind.of_classes):
            expected = expected[:, order]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@every
def test_logits_and_their_probabilities_agree(name: str, options: dict[str, str]) -> None:
    kind = made(name, options)
    if not kind.needs_scores:
        return
    p = special.softmax(LOGITS, axis=1)
    for target in targets(kind, K):
        given = kind.compute(Scores(p, "probabilities"), target)
        derived = kind.compute(Scores(LOGITS), target)
        if name == "logit":  # known from probabilities up to a shift of the row
            shift = special.logsumexp(LOGITS, axis=1)
            derived = derived - (shift[:, None] if target is None else shift)
        np.testing.assert_allclose(given, derived, rtol=1e-9, atol=1e-12)


@every
@pytest.mark.parametrize("far", [700.0, 1e4])
def test_the_surest_scores_leave_it_finite(name: str, options: dict[str, str], far: float) -> None:
    kind = made(name, options)
    scores = Scores(far * np.eye(K)[np.arange(N) % K])
    for target in targets(kind, K):
        assert np.isfinite(kind.compute(scores, target)).all()


@every
def test_it_leaves_its_input_alone_and_repeats(name: str, options: dict[str, str]) -> None:
    kind, again = made(name, options), pickle.loads(pickle.dumps(made(name, options)))
    logits = LOGITS.copy()
    for target in targets(kind, K):
        before = None if target is None else target.copy()
        found = kind.compute(Scores(logits), target)
        np.testing.assert_array_equal(found, again.compute(Scores(logits), target))
        assert target is None or np.array_equal(target, before)
    np.testing.assert_array_equal(logits, LOGITS)


@every
def test_it_says_what_it_is(name: str, options: dict[str, str]) -> None:
    kind = made(name, options)
    assert (inspect.getdoc(type(kind)) or "").strip()
    assert isinstance(kind.unit, str)
    assert kind.default_target in {"", "label"}
    module, _, attribute = TABLES["quantity"][name].partition(":")
    assert type(kind).__module__ == module
    assert type(kind).__name__ == attribute


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_reader_gives_it_in_the_dtype_of_the_scores(name: str, options: dict[str, str], dtype: str) -> None:
    kind = made(name, options)
    loss = {"loss": options["kind"]} if options else {}
    spec = {"name": "y", "quantity": name, **loss}
    logits = LOGITS.astype(dtype)
    reader, context = Reader([spec]), Context(labels=LABELS)
    (array,), (quantity,) = reader.learn(lambda: logits, N, context)
    assert array.dtype == dtype
    assert array.shape == (N, *quantity.shape)
    assert quantity.unit == kind.unit
    assert ("class" in quantity.dims) is (kind.needs_scores and kind.of_classes)
    (read,) = reader.read(lambda: logits, context)
    np.testing.assert_array_equal(read, array)


@every
def test_a_target_is_taken_or_refused_by_name(name: str, options: dict[str, str]) -> None:
    kind = made(name, options)
    loss = {"loss": options["kind"]} if options else {}
    spec = {"name": "y", "quantity": name, "target": "label", **loss}
    if kind.takes_target:
        (found,) = Reader([spec]).read(lambda: LOGITS, Context(labels=LABELS))
        assert len(found) == N
        return
    with pytest.raises(ModelError) as caught:
        Reader([spec])
    assert caught.value.faults[0].place == "outputs[0].target"
