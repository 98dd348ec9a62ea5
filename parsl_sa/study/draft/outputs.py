"""The quantities of interest of a first spec, from one output of the model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from parsl_sa.errors import Fault, SpecError
from parsl_sa.models.selection import as_array, is_tensor, paths

if TYPE_CHECKING:
    import numpy.typing as npt

    from parsl_sa.models import Model

_MOST_OUTPUTS = 8


def outputs(
    output: Any, batch: int, n_classes: int, *, explain: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the outputs of a spec.

    Parameters
    ----------
    output : object
        What the model returned for a batch.
    batch : int
        Its size.
    n_classes : int
        How many classes the model names; 0 for none.
    explain : bool
        Whether scores of classes, if that is what they seem to be, are asked about the class that the network
        predicts.

    Returns
    -------
    outputs : list of dict
        One for each tensor that has the batch as its first axis, the first few of them.
    remarks : list of str
        What the user should look at.

    Raises
    ------
    SpecError
        If there is none.
    """
    found = [(path, as_array(leaf)) for path, leaf in paths(output) if is_tensor(leaf)]
    usable = [(path, array) for path, array in found if _is_usable(array, batch)]
    if not usable:
        has = ", ".join(f"{path or 'it'} {array.shape}" for path, array in found) or type(output).__name__
        text = f"its output has no tensor with the batch of {batch} as its first axis: {has}"
        raise SpecError([Fault("MODEL", f"{text}; wrap it in a function of a Python file")])
    if explain and len(usable) == 1 and usable[0][1].ndim == 2 and usable[0][1].shape[1] > 1:
        path, array = usable[0]
        text = f"its {array.shape[1]} outputs are taken for scores of classes; the predicted one is studied"
        asked = {"quantity": "log-odds", "target": "predicted"}
        return [{"name": "log-odds", **_selected(path), **asked}], [f"outputs: {text}"]
    left = [path for path, _ in usable[_MOST_OUTPUTS:]]
    remarks = [f"outputs: left out are {', '.join(left)}"] if left else []
    return [_output(path, array, n_classes) for path, array in usable[:_MOST_OUTPUTS]], remarks


def classes_of(model: Model) -> dict[str, Any]:
    """Return ``classes`` and ``scores`` of a spec's model, where an estimator or a config says them."""
    call = getattr(model, "function", None)
    estimator: Any = getattr(call, "estimator", None)
    if hasattr(estimator, "classes_"):
        probable = {"scores": "probabilities"} if getattr(call, "method", "") == "predict_proba" else {}
        return {"classes": [str(name) for name in estimator.classes_], **probable}
    labels = getattr(getattr(model.module, "config", None), "id2label", None) or {}
    return {"classes": [str(labels[index]) for index in sorted(labels)]} if labels else {}


def n_scores(output: Any) -> int:
    """Return the number of classes that the only table of scores of an output has; 0 where that is open."""
    arrays = [as_array(leaf) for _, leaf in paths(output) if is_tensor(leaf)]
    tables = [array.shape[1] for array in arrays if array.ndim == 2 and array.shape[1] > 1]
    return tables[0] if len(tables) == 1 else 0


def looks_probable(output: Any) -> bool:
    """Tell whether the scores of an output are probabilities: rows of none below 0 that sum to 1."""
    arrays = [as_array(leaf) for _, leaf in paths(output) if is_tensor(leaf)]
    scores = [array for array in arrays if array.ndim == 2 and array.shape[1] > 1]
    sums_to_1 = [(one >= 0).all() and np.allclose(one.sum(axis=1), 1, atol=1e-3) for one in scores]
    return bool(scores) and all(sums_to_1)


def _is_usable(array: npt.NDArray[Any], batch: int) -> bool:
    return array.ndim > 0 and array.shape[0] == batch and array.dtype.kind in "fiub" and 0 not in array.shape


def _output(path: str, array: npt.NDArray[Any], n_classes: int) -> dict[str, Any]:
    made: dict[str, Any] = {"name": _slug(path) or "y", **_selected(path)}
    shape = array.shape[1:]
    if n_classes and shape == (n_classes,):
        return {**made, "quantity": "probability"}
    if shape in {(), (1,)}:
        return made
    axes = ["cell"] if len(shape) == 1 else [f"axis_{index}" for index in range(len(shape))]
    return {**made, "dims": dict(zip(axes, shape, strict=True))}


def _selected(path: str) -> dict[str, Any]:
    return {"select": path} if path else {}


def _slug(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", path).strip("._-")[:64]
