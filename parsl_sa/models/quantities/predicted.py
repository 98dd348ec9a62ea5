"""Which class a classifier decides for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.models.quantities.scores import Scores


class PredictedClass:
    """Index of the class with the largest score; with a target 1 where it is that one, and 0 elsewhere.

    Notes
    -----
    An index of a class is a name and no amount: its mean and its variance mean something for two classes
    only. With a target there are two, and the mean is the share of inputs that are given that class.
    """

    of_classes = False
    needs_scores = True
    unit = ""
    default_target = ""
    numeric_target = False
    takes_target = True

    def compute(self, scores: Scores, target: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:
        """Return the class, or whether it is the target."""
        known = scores.predicted >= 0
        if target is None:
            return np.where(known, scores.predicted, np.nan)
        asked = target.astype(np.int64).reshape(-1, *[1] * (known.ndim - 1))
        return np.where(known & (asked >= 0), scores.predicted == asked, np.nan)
