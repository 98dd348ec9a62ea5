"""Which fields of a quantity of interest go together, and what it needs beside the output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from parsl_sa.spec.classes import LABEL, PREDICTED

if TYPE_CHECKING:
    from parsl_sa.spec.parts import Finding, Part

CLASS = "class"
_LOSS = "loss"
_ERRORS = ("squared-error", "absolute-error")


def kept_dims(dims: Mapping[str, Any], reduce: str | None, axes: Iterable[str | int]) -> dict[str, Any]:
    """Return the axes that are left after a reduction.

    Examples
    --------
    >>> kept_dims({"class": 10, "y": 8, "x": 8}, "mean", ["y", -1])
    {'class': 10}
    >>> kept_dims({"y": 8, "x": 8}, "mean", []), kept_dims({"y": 8}, None, [])
    ({}, {'y': 8})
    """
    if reduce is None:
        return dict(dims)
    names = list(dims)
    gone = {axis % len(names) if isinstance(axis, int) and names else axis for axis in axes}
    return {} if not gone else {n: dims[n] for i, n in enumerate(names) if i not in gone and n not in gone}


def quantity_rules(part: Part) -> Iterator[Finding]:
    """Yield what is wrong between the fields that say what is kept of an output."""
    quantity, target = part.get("quantity"), part.get("target")
    if part.get("layer") and part.get("select"):
        yield part.finding("a layer is no part of the output: give layer or select, not both", "layer")
    loss = part.get("loss")
    if loss is not None and quantity not in {None, _LOSS}:
        yield part.finding(f'is for "quantity": "loss"; this one is "{quantity}"', "loss")
    elif loss in _ERRORS and target not in {None, LABEL}:
        yield part.finding("an error is against the label; leave the target out", "target")
    if quantity == "entropy" and target is not None:
        yield part.finding("the entropy is of all classes together; leave the target out", "target")
    yield from _axes(part)


def _axes(part: Part) -> Iterator[Finding]:
    axes, dims = part.get("axes") or (), part.get("dims")
    if axes and part.get("reduce") is None and "reduce" not in part.broken:
        yield part.finding('says what is reduced: give reduce too, such as "mean"', "axes")
        return
    for place, axis in enumerate(axes):
        if isinstance(axis, str) and dims is not None and axis not in dims and (dims or axis != CLASS):
            known = f"dims has {', '.join(dims)}" if dims else "declare the axes in dims, or give its number"
            yield part.finding(f"no axis '{axis}'; {known}", "axes", place)
        elif isinstance(axis, int) and dims and not -len(dims) <= axis < len(dims):
            yield part.finding(f"no axis {axis}; dims has {len(dims)}, 0 to {len(dims) - 1}", "axes", place)


def base_rules(output: Part, inputs: Part) -> Iterator[Finding]:
    """Yield what a quantity needs of the base inputs and does not have: a label, a prediction."""
    if "base" in inputs.broken or output.broken & {"quantity", "target"}:
        return
    base, target = inputs.get("base"), output.get("target")
    has_labels = isinstance(base, Mapping) and base.get("labels") is not None
    if target == PREDICTED and base is None:
        yield output.finding(
            "is the class of the unperturbed base input: give inputs.base, or name a class", "target"
        )
    elif target == LABEL and not has_labels:
        yield output.finding("needs the labels of base inputs: give inputs.base.labels", "target")
    elif target is None and output.get("quantity") == _LOSS and not has_labels:
        text = "a loss is against the label of the base input: give inputs.base.labels"
        yield output.finding(text, "quantity")
