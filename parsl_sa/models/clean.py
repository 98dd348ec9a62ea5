"""Base inputs as they are, before anything perturbs them: their labels, and what the model says of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binom

from parsl_sa.errors import ModelError
from parsl_sa.models.probing import fitting_batch
from parsl_sa.models.quantities import NOTHING, Context, accuracy, label_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from parsl_sa.models.inputs import Assembler
    from parsl_sa.models.protocol import Model
    from parsl_sa.models.quantities import Reader

_BATCH = 64
_PLACE = "inputs.base.labels"
_CHANCE = 0.05
_FEWEST = 20


@dataclass(frozen=True)
class Accuracy:
    """How often the model is right about base inputs as they are.

    Parameters
    ----------
    right, count : int
        Base inputs whose predicted class is their label, and base inputs.
    n_classes : int
        Classes that the model has scores for.
    """

    right: int
    count: int
    n_classes: int

    @property
    def at_chance(self) -> bool:
        """Whether guessing would do as well, more often than one time in twenty; False for few inputs."""
        guessed = float(binom.sf(self.right - 1, self.count, 1 / self.n_classes))
        return self.count >= _FEWEST and guessed > _CHANCE


class Clean:
    """The base inputs of a study without perturbations.

    Parameters
    ----------
    model : Model
        The network.
    assembler : Assembler
        Knows the base inputs and their labels.
    reader : Reader
        Knows which output tells the class.

    Notes
    -----
    The batch of this pass is always the same, so that every process of a study predicts the same classes.
    """

    def __init__(self, model: Model, assembler: Assembler, reader: Reader) -> None:
        self._model, self._assembler, self._reader = model, assembler, reader
        self._n_classes = 0

    def context(self, cases: npt.NDArray[np.intp]) -> Context:
        """Return what quantities may ask of some cases; only what one of them asks for is computed."""
        if self._assembler.bases is None:
            return NOTHING
        labels = self.labels if self._reader.asks_label else None
        predicted = self._asked_prediction() if self._reader.asks_predicted else None
        return Context(
            None if labels is None else labels[cases], None if predicted is None else predicted[cases]
        )

    def _asked_prediction(self) -> npt.NDArray[np.int64]:
        """Return the predictions that a quantity asks for, or say why there are none."""
        if self.predicted is not None:
            return self.predicted
        why = "the output has no single class an input: name a class, or 'label'"
        if not self._assembler.can_be_clean:
            why = "a base input is evaluated alone for that, but a template adds parameters: name a class"
        raise ModelError(self._reader.predicted_place, f"'predicted' is not to be had: {why}")

    @cached_property
    def predicted(self) -> npt.NDArray[np.int64] | None:
        """The class of every base input; None where there are no scores, or no input without parameters."""
        if not self._assembler.can_be_clean:
            return None
        batch, n_cases = fitting_batch(self._model, _BATCH), self._assembler.n_cases
        found = np.empty(n_cases, np.int64)
        for first in range(0, n_cases, batch):
            picks = np.minimum(np.arange(first, first + batch), n_cases - 1)
            scores = self._reader.scores(self._call(picks), batch)
            if scores is None or scores.predicted.ndim != 1:
                return None
            self._n_classes = scores.n_classes
            used = min(batch, n_cases - first)
            found[first : first + used] = scores.predicted[:used]
        return found

    def _call(self, picks: npt.NDArray[np.intp]) -> Callable[[], Any]:
        return lambda: self._model(self._assembler.clean(picks))

    @cached_property
    def labels(self) -> npt.NDArray[np.int64] | npt.NDArray[np.float64] | None:
        """The label of every base input, classes by their index; None where none are given."""
        written = self._assembler.labels
        if written is None:
            return None
        if self.predicted is not None:
            return label_codes(written, self._n_classes, self._reader.classes)
        if self._reader.classes:
            return label_codes(written, len(self._reader.classes), self._reader.classes)
        if written.dtype.kind not in "fiub":
            raise ModelError(_PLACE, f"'{written[0]}' is no number, and no output tells classes of scores")
        return written.astype(np.float64)

    def told(self) -> dict[str, list[str | int | float]] | None:
        """Return label and predicted class of every base input, by name where classes have names.

        Returns
        -------
        dict or None
            ``"predicted"`` and ``"label"``, whichever is known; None where neither is.
        """
        known = {"predicted": self.predicted, "label": self.labels}
        found = {key: self._named(values) for key, values in known.items() if values is not None}
        return found or None

    def _named(self, values: npt.NDArray[Any]) -> list[str | int | float]:
        classes = self._reader.classes
        if classes and values.dtype.kind == "i":
            return [classes[value] if value >= 0 else "" for value in values.tolist()]
        plain: list[str | int | float] = values.tolist()
        return plain

    def accuracy(self) -> Accuracy | None:
        """Compare predictions with labels; None where one of them is missing.

        Raises
        ------
        ModelError
            If a label is no class of the model, or if guessing would do as well as the model.
        """
        if self._assembler.labels is None or self.predicted is None or self.labels is None:
            return None
        share = accuracy(self.predicted, self.labels.astype(np.int64))
        count = len(self.predicted)
        found = Accuracy(round(share * count), count, self._n_classes)
        if found.at_chance and not self._assembler.chosen_wrong:
            raise ModelError(
                _PLACE,
                f"the model is right about {found.right} of {count} base inputs, and so would be "
                f"guessing among {found.n_classes} classes: check model.preprocess (scale, mean, sd, "
                "channels), the order of the classes and that of the labels; inputs that were chosen because "
                "they are wrong need inputs.base.chosen_wrong",
            )
        return found
