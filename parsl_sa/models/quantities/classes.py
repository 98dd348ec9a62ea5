"""The quantities that a classifier has one of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.models.quantities.scores import Scores

    Floats = npt.NDArray[np.float64]
    Target = npt.NDArray[Any] | None


class OfClasses:
    """Base of them: what the plug-in protocol asks, and the choice of a class."""

    of_classes = True
    needs_scores = True
    unit = ""
    default_target = ""
    numeric_target = False
    takes_target = True

    def compute(self, scores: Scores, target: Target) -> npt.NDArray[Any]:
        """Compute it of every class, and pick the target of each row."""
        return pick(self.each(scores), target)

    def each(self, scores: Scores) -> Floats:
        """Return it of every class, shape (batch, classes, ...)."""
        raise NotImplementedError


class Value(OfClasses):
    """The output itself; with a target the score of that class, as the network gives it."""

    needs_scores = False

    def compute(self, scores: Scores, target: Target) -> npt.NDArray[Any]:
        """Return the output itself, which may be a large field, or the score of the target."""
        return scores.given if target is None else pick(scores.stated, target)

    def each(self, scores: Scores) -> Floats:
        """Return the scores."""
        return scores.stated


class Logit(OfClasses):
    """The logit of a class; of probabilities log p, or log p - log(1 - p) where there is but one."""

    def each(self, scores: Scores) -> Floats:
        """Return the logits."""
        return scores.logits


class Probability(OfClasses):
    """The probability of a class."""

    def each(self, scores: Scores) -> Floats:
        """Return the probabilities."""
        return scores.probabilities


class LogOdds(OfClasses):
    """log(p / (1 - p)) of a class: unlike p it does not go flat where the network is sure."""

    def each(self, scores: Scores) -> Floats:
        """Return the log-odds."""
        return scores.log_odds


class Margin(OfClasses):
    """The logit of a class minus the largest of the others: positive where it is the one predicted."""

    def each(self, scores: Scores) -> Floats:
        """Return the margins."""
        return scores.margins


def pick(values: Floats, target: Target) -> Floats:
    """Pick the class of each row; all of them where none is named.

    Parameters
    ----------
    values : ndarray of float64, shape (batch, classes, ...)
        One a class.
    target : ndarray of int64, shape (batch,), or None
        Indices of classes; a row of -1 becomes NaN.

    Examples
    --------
    >>> pick(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, -1]))
    array([ 2., nan])
    """
    if target is None:
        return values
    where = target.astype(np.int64).reshape(-1, *[1] * (values.ndim - 1))
    picked = np.take_along_axis(values, np.maximum(where, 0), axis=1)[:, 0]
    return np.where(where[:, 0] < 0, np.nan, picked)
