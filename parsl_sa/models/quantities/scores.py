"""The scores of a classifier, one a class, and what follows from them without losing digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LOGITS = "logits"
PROBABILITIES = "probabilities"
SURELY_ONE = 1e-3
"""How far the probabilities of a row may be from a sum of 1: what half precision costs."""

_RANGE = 1e-6


class ScoresError(ValueError):
    """An output that cannot be the scores of classes; the message says why."""


@dataclass(frozen=True)
class Scores:
    """The scores of a batch, in float64 whatever their dtype.

    Parameters
    ----------
    given : ndarray, shape (batch,), (batch, 1, ...) or (batch, classes, ...)
        What the network returns. One score an input is that of class 1 of two; what stands behind the class
        axis are places that are classified each by itself.
    kind : str
        ``"logits"`` or ``"probabilities"``.

    Notes
    -----
    A single logit z is that of class 1, and -z that of class 0; since p = 1 / (1 + exp(-z)), two classes of
    logits -z/2 and z/2 are the same network, and margin and log-odds are z. Every logarithm is taken of a sum
    that holds a 1, so that probabilities within 1e-300 of 0 or 1 keep all digits of their log-odds. Where
    *probabilities* of exactly 0 or 1 are given, log-odds are infinite: nothing better is known.

    Examples
    --------
    >>> Scores(np.array([[1000.0, 0.0], [0.0, 0.0]])).log_odds
    array([[ 1000., -1000.],
           [    0.,     0.]])
    >>> Scores(np.array([0.25]), "probabilities").probabilities
    array([[0.75, 0.25]])
    """

    given: npt.NDArray[Any]
    kind: str = LOGITS

    @property
    def is_single(self) -> bool:
        """Whether an input has one score, that of class 1 of two."""
        return self.given.ndim == 1 or self.given.shape[1] == 1

    @property
    def n_classes(self) -> int:
        """Number of classes; 2 where an input has one score."""
        return 2 if self.is_single else int(self.given.shape[1])

    @cached_property
    def raw(self) -> Floats:
        """The output as it is, whatever its shape."""
        # C order: the order of a sum must not depend on how the network laid out its memory.
        return np.array(self.given, np.float64, order="C")

    @cached_property
    def stated(self) -> Floats:
        """The score of every class in the network's own kind, shape (batch, classes, ...)."""
        if not self.is_single:
            return self.raw
        of_one = self._column
        return _pair(-of_one if self.kind == LOGITS else 1.0 - of_one, of_one)

    @cached_property
    def logits(self) -> Floats:
        """The logit of every class; where probabilities are given log p, a logit up to a shift of the row."""
        return _pair(-self._logit, self._logit) if self.is_single else self._even

    @cached_property
    def log_probabilities(self) -> Floats:
        """Logarithm of the probability of every class."""
        with np.errstate(all="ignore"):
            if self.kind == PROBABILITIES:
                return _pair(np.log1p(-self._column), np.log(self._column)) if self.is_single else self._even
            return self._behind_top - np.log1p(self._others)

    @cached_property
    def probabilities(self) -> Floats:
        """Probability of every class."""
        if self.kind == PROBABILITIES:
            return self.stated
        with np.errstate(all="ignore"):
            return np.exp(self._behind_top) / (1.0 + self._others)

    @cached_property
    def log_odds(self) -> Floats:
        """log(p / (1 - p)) of every class, from logits without a way through p."""
        with np.errstate(all="ignore"):
            second = np.where(np.isfinite(self._second), self._second, 0.0)
            rest = _total(np.where(self._is_top, 0.0, np.exp(self._even - second)))
            above = self._top - second - np.log(rest)
            below = self._behind_top - np.log1p(self._others - np.exp(self._behind_top))
            return np.where(self._is_top, above, below)

    @cached_property
    def margins(self) -> Floats:
        """Logit of every class minus the largest of the others."""
        with np.errstate(all="ignore"):
            return np.where(self._is_top, self._top - self._second, self._even - self._top)

    @cached_property
    def predicted(self) -> npt.NDArray[np.int64]:
        """Class of the largest score, the first of equal ones, shape (batch, ...); -1 where one is NaN."""
        unknown = np.isnan(self._even).any(axis=1)
        return np.where(unknown, -1, self._scores.argmax(axis=1)).astype(np.int64)

    def doubts(self) -> Iterator[str]:
        """Yield what contradicts that these are probabilities; rows with NaN say nothing."""
        if self.given.dtype.kind != "f":
            yield f"is {self.given.dtype}, not floating numbers"
            return
        shown = self.raw[np.isfinite(self.raw)]
        if shown.size and (shown.min() < -_RANGE or shown.max() > 1.0 + _RANGE):
            yield f"ranges from {shown.min():.6g} to {shown.max():.6g}, outside 0 to 1"
        elif not self.is_single:
            total = self.raw.sum(axis=1)
            far = np.abs(total[np.isfinite(total)] - 1.0)
            if far.size and far.max() > SURELY_ONE:
                worst = total[np.isfinite(total)][far.argmax()]
                yield f"has probabilities that sum to {worst:.6g}, not 1"

    @property
    def _column(self) -> Floats:
        return self.raw if self.raw.ndim == 1 else self.raw[:, 0]

    @cached_property
    def _logit(self) -> Floats:
        """Logit of class 1, where an input has one score."""
        if self.kind == LOGITS:
            return self._column
        with np.errstate(all="ignore"):
            return np.log(self._column) - np.log1p(-self._column)

    @cached_property
    def _even(self) -> Floats:
        """Logits whose softmax is the distribution, shape (batch, classes, ...)."""
        if self.is_single:
            return _pair(-self._logit / 2, self._logit / 2)
        if self.kind == LOGITS:
            return self.raw
        with np.errstate(all="ignore"):
            return np.log(self.raw)

    @property
    def _scores(self) -> Floats:
        """What is compared to predict: logarithms may round different probabilities to one number."""
        return self._even if self.is_single else self.raw

    @cached_property
    def _is_top(self) -> npt.NDArray[np.bool_]:
        """Marks one class a row, the largest."""
        best = np.expand_dims(self._scores.argmax(axis=1), 1)
        classes = np.arange(self.n_classes).reshape(1, -1, *[1] * (self._even.ndim - 2))
        return np.asarray(classes == best)

    @cached_property
    def _top(self) -> Floats:
        return _largest(np.where(self._is_top, self._even, -np.inf))

    @cached_property
    def _second(self) -> Floats:
        """The largest of the others."""
        return _largest(np.where(self._is_top, -np.inf, self._even))

    @cached_property
    def _behind_top(self) -> Floats:
        """Logits less the largest; 0 for that one, though it be infinite."""
        with np.errstate(all="ignore"):
            return np.where(self._is_top & ~np.isnan(self._top), 0.0, self._even - self._top)

    @cached_property
    def _others(self) -> Floats:
        """Sum of exp over all but the largest: what the 1 of the largest is added to."""
        return _total(np.where(self._is_top, 0.0, np.exp(self._behind_top)))


def check_scores(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse what cannot be the scores of classes.

    Raises
    ------
    ScoresError
        If it is not floating numbers with the batch first.

    Examples
    --------
    >>> check_scores((8, 10), np.dtype("int64"))
    Traceback (most recent call last):
        ...
    parsl_sa.models.quantities.scores.ScoresError: is int64; scores are floating numbers, one a class
    """
    if dtype.kind != "f":
        raise ScoresError(f"is {dtype}; scores are floating numbers, one a class")
    if not shape or 0 in shape:
        raise ScoresError(
            f"has shape {shape}; scores have shape (batch, classes), or (batch,) where one is enough"
        )


def _pair(zero: Floats, one: Floats) -> Floats:
    return np.stack([zero, one], axis=1)


def _largest(values: Floats) -> Floats:
    largest: Floats = values.max(axis=1, keepdims=True)
    return largest


def _total(values: Floats) -> Floats:
    total: Floats = values.sum(axis=1, keepdims=True)
    return total
