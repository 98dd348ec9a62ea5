"""What every quantity of interest owes: a number a row, or one a row and class, from the output's scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.models.quantities.scores import Scores


class QuantityOfInterest(Protocol):
    """What is kept of an output; pure, and every row by itself."""

    of_classes: bool
    """Whether a class is asked about: a target picks one, and without a target there is an axis of them."""

    needs_scores: bool
    """Whether the output must be scores of classes; else it may be any numbers."""

    unit: str
    """Its unit, where the spec states none."""

    default_target: str
    """What is asked about where the spec says nothing: ``"label"``, or nothing, which means all classes."""

    numeric_target: bool
    """Whether the target is a number to be near to, and no class."""

    takes_target: bool
    """Whether the spec may state a target."""

    def compute(self, scores: Scores, target: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
        """Compute it.

        Parameters
        ----------
        scores : Scores
            Of a batch; never modified.
        target : ndarray of int64 or float64, shape (batch,), or None
            Class asked about in each row, -1 where it is unknown, or a number; None: all classes.

        Returns
        -------
        ndarray of float64, shape (batch, ...), or (batch, classes, ...) for all classes
            NaN where a score of the row is NaN or the class is unknown. What is passed on as it is keeps its
            dtype, and is `scores.given` itself.
        """
        ...
