"""What a quantity may ask beside the output of a forward: the labels and predictions of base inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Context:
    """What a quantity may ask beside the output of a forward.

    Parameters
    ----------
    labels : ndarray of int64 or float64, shape (batch,), or None
        Label of the base input of each row: an index of a class, or a number; None where none are given.
    predicted : ndarray of int64, shape (batch,), or None
        Class predicted for the unperturbed base input of each row; -1 where its scores are not numbers.
    """

    labels: npt.NDArray[Any] | None = None
    predicted: npt.NDArray[np.int64] | None = None


NOTHING = Context()
