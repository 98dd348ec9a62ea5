"""How undecided a classifier is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.models.quantities.scores import Scores


class Entropy:
    """Shannon entropy of the predicted distribution in nats: 0 where it is sure, log(classes) at most."""

    of_classes = False
    needs_scores = True
    unit = "nat"
    default_target = ""
    numeric_target = False
    takes_target = False

    def compute(self, scores: Scores, target: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:  # noqa: ARG002 - of all classes together
        """Return - sum p log p, where 0 log 0 = 0."""
        with np.errstate(invalid="ignore"):
            terms = scores.probabilities * scores.log_probabilities
        total: npt.NDArray[np.float64] = -np.where(scores.probabilities == 0.0, 0.0, terms).sum(axis=1)
        return total + 0.0  # -0.0 reads like a mistake
