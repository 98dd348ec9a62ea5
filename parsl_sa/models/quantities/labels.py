"""Labels of base inputs as indices of classes, the predicted class, and how often it is the label."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.models.quantities.scores import LOGITS, Scores, check_scores
from parsl_sa.models.selection import as_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

SHOWN = 10


def label_codes(
    labels: Sequence[Any] | npt.NDArray[Any],
    n_classes: int,
    classes: Sequence[str] = (),
    place: str = "inputs.base.labels",
) -> npt.NDArray[np.int64]:
    """Turn labels into indices of classes.

    Parameters
    ----------
    labels : sequence of int, float or str, length n
        Names of classes, or indices from 0; a number may stand as text. What is a name is taken for one.
    n_classes : int
        Number of classes that the network has scores for.
    classes : sequence of str
        Their names; empty where none are known.
    place : str
        Where the labels stand in the spec.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    ModelError
        At `place`, with the first bad row and its value.

    Examples
    --------
    >>> label_codes(["dog", "cat", 1, "1"], 2, ["cat", "dog"])
    array([1, 0, 1, 1])
    """
    return np.array(
        [_code(label, row, n_classes, classes, place) for row, label in enumerate(labels)], np.int64
    )


def _code(label: Any, row: int, n_classes: int, classes: Sequence[str], place: str) -> int:
    plain = label.item() if isinstance(label, np.generic) else label
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    if (
        str(plain) in classes
    ):  # classes called "1", "2", "3" are meant by name, wherever the label was written
        return list(classes).index(str(plain))
    try:
        number = float(plain)
    except (TypeError, ValueError):
        named = f"the classes are {shown(classes)}" if classes else "give their names in model.classes"
        raise ModelError(place, f"row {row} has the label {plain!r}, which is no class; {named}") from None
    if not (number.is_integer() and 0 <= number < n_classes):
        raise ModelError(
            place,
            f"row {row} has the label {plain!r}; the network has {n_classes} classes, so labels are whole "
            f"numbers from 0 to {n_classes - 1}" + (", or class names" if classes else ""),
        )
    return int(number)


def predicted_class(scores: Any, kind: str = LOGITS) -> npt.NDArray[np.int64]:
    """Return the class that every row is given.

    Parameters
    ----------
    scores : tensor or array, shape (batch,), (batch, 1, ...) or (batch, classes, ...)
        What the network returns.
    kind : str
        ``"logits"`` or ``"probabilities"``: which decides where the border of a single score is.

    Returns
    -------
    ndarray of int64, shape (batch, ...)
        The first of equal scores; -1 where one is NaN.

    Raises
    ------
    ScoresError
        If these are no scores.

    Examples
    --------
    >>> predicted_class(np.array([[0.1, 2.0], [3.0, 1.0]])), predicted_class(np.array([0.4]), "probabilities")
    (array([1, 0]), array([0]))
    """
    array = as_array(scores)
    check_scores(array.shape, array.dtype)
    return Scores(array, kind).predicted


def accuracy(predicted: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> float:
    """Return the share of rows whose prediction is their label; NaN where there are none.

    Examples
    --------
    >>> accuracy(np.array([0, 1, -1, 2]), np.array([0, 1, 2, 1]))
    0.5
    """
    return float(np.mean(np.asarray(predicted) == np.asarray(labels))) if len(labels) else float("nan")


def class_code(target: str | int, classes: Sequence[str], place: str) -> int:
    """Return the index of a class that the spec names.

    Raises
    ------
    ModelError
        At `place`, with the names that exist.
    """
    if isinstance(target, int):
        if target < 0 or (classes and target >= len(classes)):
            has = f"{len(classes)} classes, 0 ({classes[0]}) to {len(classes) - 1} ({classes[-1]})"
            raise ModelError(place, f"no class {target}; there are {has if classes else 'classes from 0'}")
        return target
    if target in classes:
        return list(classes).index(target)
    if not classes:
        text = "classes have no names; give them in model.classes, or the index of the class"
        raise ModelError(place, f"no class '{target}': {text}")
    close = get_close_matches(target, classes, 1)
    guess = f"did you mean '{close[0]}'? " if close else ""
    raise ModelError(place, f"no class '{target}'; {guess}there are {shown(classes)}")


def shown(names: Sequence[str]) -> str:
    """List names, of many the first.

    Examples
    --------
    >>> shown([str(i) for i in range(12)])
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
