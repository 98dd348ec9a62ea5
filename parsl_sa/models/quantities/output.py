"""One output of a spec: from the tensor that it names to the numbers that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.models.quantities.axes import chosen_axes, name_axes
from parsl_sa.models.quantities.reduction import reduced
from parsl_sa.models.quantities.scores import Scores, ScoresError, check_scores
from parsl_sa.models.quantities.source import Source
from parsl_sa.models.quantities.target import LABEL, Target
from parsl_sa.records import Quantity
from parsl_sa.registry import UnknownPluginError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.models.quantities.context import Context
    from parsl_sa.models.quantities.protocol import QuantityOfInterest


class Output:
    """A quantity of interest, ready to be read.

    Parameters
    ----------
    index : int
        Its place in the spec's ``outputs``.
    spec : mapping
        What stands there.
    classes : sequence of str
        Names of the classes; empty where they have none.

    Raises
    ------
    ModelError
        If the quantity is unknown, or takes no target, or there is no such class.
    """

    def __init__(self, index: int, spec: Mapping[str, Any], classes: Sequence[str] = ()) -> None:
        self.place = f"outputs[{index}]"
        self.name = str(spec["name"])
        self.source = Source.of(spec)
        self._spec = spec
        self._classes = tuple(classes)
        self._kind = kind_of(spec, self.place)
        self._target = self._target_of(spec.get("target"))

    @property
    def target(self) -> str | int | None:
        """The target as the spec gives it, or as the quantity takes it by default."""
        return None if self._target is None else self._target.given

    def _target_of(self, given: str | int | None) -> Target | None:
        kind, place = self._kind, f"{self.place}.target"
        if given is None:
            # The spec says nothing: what is missing for it is the fault of the quantity.
            default = kind.default_target
            return Target(default, self._classes, f"{self.place}.quantity") if default else None
        if not kind.takes_target:
            text = f"'{self._spec.get('quantity')}' is of all classes together; leave the target out"
            raise ModelError(place, text)
        if kind.numeric_target and given != LABEL:
            raise ModelError(place, f"an error is against the label; leave the target out, or say '{LABEL}'")
        return Target(given, self._classes, place)

    @property
    def is_of_scores(self) -> bool:
        """Whether the tensor must be the scores of classes."""
        return asks_scores(self._kind, self._target)

    @property
    def shape_place(self) -> str:
        """The field of the spec that has the last word on the shape."""
        return f"{self.place}.{self.source.last}"

    def check(self, scores: Scores, *, names_them: bool) -> list[str]:
        """Refuse scores that cannot be what the spec says, and tell what is doubtful.

        Parameters
        ----------
        scores : Scores
            Of the probed rows.
        names_them : bool
            Whether `model.classes` must be the names of these, whatever is asked of them.

        Returns
        -------
        list of str
            Warnings, each with its place.

        Raises
        ------
        ModelError
            At ``outputs[i]``, ``model.classes`` or ``model.scores``.
        """
        if self.is_of_scores:
            try:
                check_scores(scores.given.shape, scores.given.dtype)
            except ScoresError as wrong:
                raise ModelError(self.shape_place, f"'{self.name}' {wrong}") from None
        if self._classes and (self.is_of_scores or names_them) and len(self._classes) != scores.n_classes:
            raise ModelError(
                "model.classes",
                f"has {len(self._classes)} names, but the model gives scores of {scores.n_classes} classes "
                f"in {self.place} ('{self.name}', shape {scores.given.shape[1:]} an input)",
            )
        if not self.is_of_scores:
            return []
        doubts = list(scores.doubts())
        if scores.kind == "probabilities" and doubts:
            raise ModelError(
                "model.scores", f"'{self.name}' {doubts[0]}; for scores before the softmax say \"logits\""
            )
        if scores.kind == "logits" and not doubts and np.isfinite(scores.given).all():
            yes = "lie between 0 and 1" if scores.is_single else "lie between 0 and 1 and sum to 1"
            text = f'the probed scores all {yes} as probabilities do; if they are, set it to "probabilities"'
            return [f"model.scores: '{self.name}': {text}"]
        return []

    def values(self, scores: Scores, context: Context) -> npt.NDArray[Any]:
        """Compute the quantity, in the floating dtype of the scores."""
        found = self._kind.compute(scores, self._asked(scores, context))
        return found if found is scores.given else _like(found, scores.given)

    def _asked(self, scores: Scores, context: Context) -> npt.NDArray[Any] | None:
        if self._target is None:
            return None
        if self._kind.numeric_target:
            return self._target.numbers(context)
        return self._target.codes(scores.n_classes, len(scores.given), context)

    def axes(self, scores: Scores, values: npt.NDArray[Any]) -> tuple[str, ...]:
        """Name the axes of the quantity before it is reduced.

        Raises
        ------
        ModelError
            At ``outputs[i].dims``.
        """
        shape, dims = values.shape[1:], self._spec.get("dims")
        if not dims and shape == (1,):
            return ()
        return name_axes(shape, dims, f"{self.place}.dims", by_class=self._has_class_axis(scores))

    def _has_class_axis(self, scores: Scores) -> bool:
        if self._target is not None or not self._kind.of_classes:
            return False
        shape = scores.given.shape
        fits = bool(self._classes) and len(shape) > 1 and shape[1] == len(self._classes)
        return self._kind.needs_scores or (fits and not self.source.layer)

    def reduced(self, values: npt.NDArray[Any], axes: Sequence[str]) -> npt.NDArray[Any]:
        """Reduce the quantity where the spec says so.

        Raises
        ------
        ModelError
            At ``outputs[i].axes``, if there is no such axis.
        """
        kind = self._spec.get("reduce")
        if not kind or values.ndim == 1:
            return values
        return _like(reduced(values, kind, self._gone(axes) or range(values.ndim - 1)), values)

    def _gone(self, axes: Sequence[str]) -> tuple[int, ...]:
        if not self._spec.get("reduce"):
            return ()
        return chosen_axes(axes, self._spec.get("axes") or (), f"{self.place}.axes")

    def quantity(self, scores: Scores, values: npt.NDArray[Any], start: int) -> Quantity:
        """Describe the quantity: the axes that are left, class names as coordinates, and the first cell.

        Raises
        ------
        ModelError
            At ``outputs[i].dims`` or ``outputs[i].axes``.
        """
        names = self.axes(scores, values)
        gone = self._gone(names)
        kept = [axis for axis in range(len(names)) if axis not in gone]
        named = self._has_class_axis(scores) and self._classes and 0 in kept
        return Quantity(
            self.name,
            tuple(names[axis] for axis in kept),
            tuple(values.shape[1 + axis] for axis in kept),
            start,
            str(self._spec.get("unit") or self._kind.unit),
            {names[0]: self._classes} if named else {},
        )


def kind_of(spec: Mapping[str, Any], place: str) -> QuantityOfInterest:
    """Build the quantity that an output of a spec asks for.

    Raises
    ------
    ModelError
        At ``PLACE.quantity``, if it is unknown.
    """
    try:
        kind = resolve("quantity", str(spec.get("quantity") or "value"))
    except UnknownPluginError as unknown:
        raise ModelError(f"{place}.quantity", str(unknown)) from None
    options = {"kind": spec["loss"]} if spec.get("loss") else {}
    return cast("QuantityOfInterest", kind(**options))


def asks_scores(kind: QuantityOfInterest, target: object) -> bool:
    """Tell whether a quantity with a target, or None, is of the scores of classes."""
    return kind.needs_scores or (target is not None and not kind.numeric_target)


def _like(values: npt.NDArray[Any], given: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values in the dtype of what they were made from, where that is a floating one."""
    return values.astype(given.dtype if given.dtype.kind == "f" else np.float64, copy=False)
