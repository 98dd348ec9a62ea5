"""How far an output is from its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.models.quantities.classes import pick

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.models.quantities.scores import Scores

CROSS_ENTROPY = "cross-entropy"
SQUARED_ERROR = "squared-error"


class Loss:
    """A loss against the label of the base input.

    Parameters
    ----------
    kind : str
        ``"cross-entropy"`` (-log p of the class, in nats), ``"squared-error"`` or ``"absolute-error"`` of a
        number; an output of several cells has the loss of each.
    """

    of_classes = False
    default_target = "label"
    takes_target = True

    def __init__(self, kind: str = CROSS_ENTROPY) -> None:
        self.kind = kind
        self.numeric_target = kind != CROSS_ENTROPY
        self.needs_scores = not self.numeric_target
        self.unit = "" if self.numeric_target else "nat"

    def compute(self, scores: Scores, target: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:
        """Return the loss of every row."""
        if target is None:
            raise TypeError("a loss needs a target")
        if self.kind == CROSS_ENTROPY:
            return -pick(scores.log_probabilities, target)
        away: npt.NDArray[np.float64] = scores.raw - target.reshape(-1, *[1] * (scores.raw.ndim - 1))
        return np.square(away) if self.kind == SQUARED_ERROR else np.abs(away)
