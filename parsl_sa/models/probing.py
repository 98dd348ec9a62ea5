"""The questions that a probe asks of a model before a study trusts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import ModelError
from parsl_sa.models.faults import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from parsl_sa.models.protocol import Model
    from parsl_sa.records import Quantity

MOST_CASES = 64
"""Base inputs that the first batch of a probe has, at most."""

_SHAPE_WORDS = re.compile(
    r"shapes? .*(cannot be multiplied|not aligned|mismatch|must match)|size mismatch"
    r"|mismatch in its core dimension|size of tensor .* must match|could not be broadcast"
    r"|not enough values to unpack|too many values to unpack|out of bounds for (dimension|axis) 1"
    r"|expected input.* to have \d+ (channels|features)|normalized_shape|Guard failed: .*size\(\)\[1\]"
    r"|shape '.*' is invalid|cannot reshape",
    re.IGNORECASE | re.DOTALL,
)
_KEYWORDS = "the names in inputs.template are passed as keywords: use those that the model takes"
_NOT_PLAIN = (
    "check the shapes that it takes against inputs.base, inputs.template and model.preprocess (layout, size)"
)
_PRODUCT = re.compile(r"cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)")
# A row's last bits may depend on its place in the batch; what reduced precision inside costs is allowed too.
_SAME = {"float32": 1e-3, "float64": 1e-6}


def check_width(model: Model, n_columns: int) -> None:
    """Refuse a model whose file states another number of input columns."""
    stated = model.inputs[0].shape[1:] if len(model.inputs) == 1 else ()
    if len(stated) == 1 and stated[0] not in {None, n_columns}:
        raise ModelError(
            "inputs.parameters",
            f"the spec's inputs give {n_columns} columns, one a parameter, but the model takes "
            f"{stated[0]}; add or remove parameters (a 'constant' fills a column)",
        )


def check_order(model: Model, inputs: Mapping[str, Any]) -> None:
    """Refuse parameters that stand in another order than the columns a model was fitted on.

    Parameters
    ----------
    model : Model
        An estimator that was fitted on named columns knows them.
    inputs : mapping
        What `StudySpec.inputs_plain` returns.

    Raises
    ------
    ModelError
        If the names are the same, and their order is not. Other names say nothing: a spec may choose its own.
    """
    fitted = tuple(getattr(getattr(model, "function", None), "columns", None) or ())
    given = tuple(inputs["columns"])
    plain = inputs.get("base") is None and not inputs.get("template")
    if plain and fitted != given and sorted(fitted) == sorted(given):
        raise ModelError(
            "inputs.parameters",
            f"the model was fitted on the columns {', '.join(fitted)}, and the spec has them in another "
            "order; put them in the model's",
        )


@dataclass(frozen=True)
class Sample:
    """The rows of a probe's batch, each for one case, and what evaluates them in another order.

    Parameters
    ----------
    rows : ndarray of float64, shape (batch, n_columns)
        Rows of the design.
    cases : ndarray of int64, shape (batch,)
        Index of the case of each.
    forward : callable
        From rows and cases to the quantities of a batch.
    """

    rows: npt.NDArray[np.float64]
    cases: npt.NDArray[np.intp]
    forward: Callable[[npt.NDArray[np.float64], npt.NDArray[np.intp]], list[npt.NDArray[Any]]]

    def again(self, order: npt.NDArray[np.intp] | slice = slice(None)) -> list[npt.NDArray[Any]]:
        """Evaluate the batch once more, in another order."""
        return self.forward(self.rows[order], self.cases[order])


def fitting_batch(model: Model, wanted: int) -> int:
    """Return the batch nearest to a wanted one that the model takes."""
    wanted = model.fixed_batch or max(wanted, model.smallest_batch)
    return wanted if model.largest_batch is None else min(wanted, model.largest_batch)


def first_call(
    model: Model, call: Callable[[], Any], rows: npt.NDArray[np.float64], *, plain: bool = True
) -> Any:
    """Call the model, and put into the user's words what it raises.

    Parameters
    ----------
    model : Model
        What is called.
    call : callable
        Assembles the inputs of `rows` and calls the model.
    rows : ndarray of float64, shape (batch, n_columns)
        Rows of the design.
    plain : bool
        Whether the rows themselves are the model's input.
    """
    n_columns = rows.shape[1]
    try:
        return call()
    except ModelError:
        raise
    except Exception as fault:
        said = describe(fault, [path.parent for path in model.files[:1]])
        if not plain:
            cure = _KEYWORDS if isinstance(fault, TypeError) and "keyword" in str(fault) else _NOT_PLAIN
            raise ModelError("model", f"it raised {said} on a batch of {len(rows)} inputs; {cure}") from fault
        if _SHAPE_WORDS.search(str(fault)):
            raise ModelError(
                "inputs.parameters",
                f"the spec's inputs give {n_columns} columns, one a parameter, and the model seems to want "
                f"{_wanted(str(fault), n_columns)}; it raised {said}. Add or remove parameters (a 'constant' "
                "fills a column), or reshape inside the model",
            ) from fault
        cure = "fix the model, or narrow the inputs to what it takes"
        if getattr(model, "plain", False) and isinstance(fault, TypeError | AttributeError):
            kind, other = ("torch tensors", "numpy") if model.arrays == "torch" else ("NumPy arrays", "torch")
            cure = f"it was given {kind}; if it wants the other kind, set model.arrays to '{other}'"
            if "positional argument" in str(fault):
                cure = (
                    f"it is called with one array: a row an input, and its {n_columns} columns the parameters"
                )
        raise ModelError(
            "model", f"it raised {said} on a batch of {len(rows)} inputs (first: {_shown(rows[0])}); {cure}"
        ) from fault


def _wanted(message: str, n_columns: int) -> str:
    """Read from an error of torch how many columns the first layer wants."""
    match = _PRODUCT.search(message)
    return match[2] if match and int(match[1]) == n_columns else "another number"


def _shown(row: npt.NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.6g}" for value in row[:8]) + (", ..." if len(row) > 8 else "")


def check_finite(
    arrays: Sequence[npt.NDArray[Any]],
    quantities: Sequence[Quantity],
    rows: npt.NDArray[np.float64],
) -> None:
    """Refuse a quantity of which no probed value is finite."""
    for index, (array, quantity) in enumerate(zip(arrays, quantities, strict=True)):
        finite = np.isfinite(array)
        if not finite.any():
            kind = "NaN" if np.isnan(array).all() else "infinite or NaN"
            raise ModelError(
                f"outputs[{index}]",
                f"'{quantity.name}' is {kind} for every one of {len(rows)} probed inputs (first: "
                f"{_shown(rows[0])}); check the order, units and ranges of the inputs against what the "
                "network was trained on",
            )


def check_rows(sample: Sample, arrays: Sequence[npt.NDArray[Any]], model: Model) -> None:
    """Refuse a model that is random, or whose rows see each other.

    In the mode ``"dropout"`` only the first is asked: masks are a function of the batch.

    The same rows are evaluated again and must repeat; then in other company and at other places: the
    rows are turned by one, and the first half of the batch is replaced by copies of a single row, so that
    what is normalised over the batch gives itself away.
    """
    bound = _SAME[model.dtype]
    for index, (array, repeat) in enumerate(zip(arrays, sample.again(), strict=True)):
        if not _alike(array, repeat, bound):
            raise ModelError(
                f"outputs[{index}]",
                f"the same inputs gave other values the second time, in eval mode; {_chance(model)}",
            )
    if model.mode == "dropout":
        return
    half = len(sample.rows) // 2
    order = np.roll(np.arange(len(sample.rows)), 1)
    order[:half] = order[half]
    for index, (array, moved) in enumerate(zip(arrays, sample.again(order), strict=True)):
        if not _alike(np.roll(array, 1, axis=0)[half:], moved[half:], bound):
            raise ModelError(
                f"outputs[{index}]",
                "the output of an input depends on the other inputs of its batch; each row must be evaluated "
                "by itself (batch normalisation in training mode, or a softmax, mean or sort over axis 0?)",
            )


def _chance(model: Model) -> str:
    """Say where chance may come from, and what to do about it."""
    cure = "make the noise a function of an input parameter (a seed)"
    if model.module is None:
        return f"dropout or noise is still active in it: switch it off, or {cure}"
    return (
        "its forward calls dropout or noise that eval mode does not switch off: write F.dropout(x, p, "
        f"training=self.training) or a layer nn.Dropout, or {cure}; model.mode 'dropout' keeps layers of "
        "dropout "
        "active on purpose"
    )


def _alike(one: npt.NDArray[Any], other: npt.NDArray[Any], bound: float) -> bool:
    """Compare two outputs to a bound relative to the largest value."""
    if one.shape != other.shape or not np.array_equal(np.isfinite(one), np.isfinite(other)):
        return False
    finite = np.isfinite(one)
    left, right = one[finite].astype(np.float64), other[finite].astype(np.float64)
    scale = float(np.abs(left).max(initial=0.0))
    return bool(np.abs(left - right).max(initial=0.0) <= bound * scale)
