"""The class that a quantity is asked about, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.models.quantities.labels import class_code, label_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from parsl_sa.models.quantities.context import Context

LABEL = "label"
PREDICTED = "predicted"


class Target:
    """A class by index or name, the label or the prediction of the base input.

    Parameters
    ----------
    given : str or int
        What the spec says: an index, a name, ``"label"`` or ``"predicted"``.
    classes : sequence of str
        Names of the classes; empty where they have none.
    place : str
        Where it stands in the spec.

    Raises
    ------
    ModelError
        At `place`, if there is no such class.

    Examples
    --------
    >>> from parsl_sa.models.quantities.context import Context
    >>> Target("dog", ["cat", "dog"], "outputs[0].target").codes(2, 3, Context())
    array([1, 1, 1])
    """

    def __init__(self, given: str | int, classes: Sequence[str], place: str) -> None:
        self.given = given
        self.place = place
        self._classes = tuple(classes)
        self._code = -1 if given in {LABEL, PREDICTED} else class_code(given, classes, place)

    def codes(self, n_classes: int, batch: int, context: Context) -> npt.NDArray[np.int64]:
        """Return the index of the class asked about in each row; -1 where that is unknown.

        Raises
        ------
        ModelError
            At `place`, if there is no such class, or no labels or predictions are known.
        """
        if self.given == LABEL:
            labels = self._labels(context)
            if bool(np.isin(labels, np.arange(n_classes)).all()):
                return labels.astype(np.int64)
            return label_codes(labels, n_classes, self._classes)
        if self.given == PREDICTED:
            if context.predicted is None:
                raise ModelError(
                    self.place,
                    "'predicted' is the class of the unperturbed base input: give inputs.base, or a class",
                )
            return context.predicted
        if self._code >= n_classes:
            has = f"the output has scores of {n_classes} classes, 0 to {n_classes - 1}"
            raise ModelError(self.place, f"no class {self._code}; {has}")
        return np.full(batch, self._code, np.int64)

    def numbers(self, context: Context) -> npt.NDArray[np.float64]:
        """Return the label of each row as a number.

        Raises
        ------
        ModelError
            At `place`, if no labels are known.
        """
        return self._labels(context).astype(np.float64)

    def _labels(self, context: Context) -> npt.NDArray[Any]:
        if context.labels is None:
            raise ModelError(self.place, "needs the label of the base input: give inputs.base.labels")
        return context.labels
