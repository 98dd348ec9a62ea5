"""Select one tensor out of a model's output, by the path that the spec writes: ``boundary_layer.theta``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    import numpy.typing as npt

_LISTED = 20
_TENSORS = (torch.Tensor, np.ndarray, np.generic)


class SelectionError(ValueError):
    """A path that does not lead to a tensor; the message says what exists."""


def select(output: Any, path: str) -> Any:
    """Follow a path into an output.

    Parameters
    ----------
    output : object
        Any nesting of mappings, tuples, lists, namedtuples, dataclasses, tensors and arrays.
    path : str
        Names and integers with dots between them; empty where the output is itself the tensor. A name is a
        key or an attribute, an integer an index; on a tensor of two or more axes an integer selects
        along axis 1, so that the batch stays.

    Returns
    -------
    tensor or array
        What stands there.

    Raises
    ------
    SelectionError
        If the path leads nowhere, or to no tensor; the message lists the paths that exist.

    Examples
    --------
    >>> output = {"drag": torch.zeros(8), "pair": (torch.zeros(8, 3), torch.zeros(8))}
    >>> tuple(select(output, "pair.0").shape), tuple(select(output, "pair.0.2").shape)
    ((8, 3), (8,))
    >>> select(output, "lift")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    parsl_sa.models.selection.SelectionError: no 'lift' in the output; it has drag (8,), pair.0 (8, 3), ...
    """
    here = output
    steps = path.split(".") if path else []
    for depth, step in enumerate(steps):
        try:
            here = _step(here, step)
        except LookupError:
            raise SelectionError(_nowhere(output, ".".join(steps[: depth + 1]))) from None
    if not is_tensor(here):
        where = f"'{path}'" if path else "the output"
        raise SelectionError(f"{where} is a {type(here).__name__}, not a tensor; {_existing(output, path)}")
    return here


def is_tensor(value: object) -> bool:
    """Tell whether a value is a leaf: a tensor, an array, or what turns itself into one."""
    return isinstance(value, _TENSORS) or (hasattr(value, "__array__") and not isinstance(value, Mapping))


def paths(output: Any) -> Iterator[tuple[str, Any]]:
    """Walk every path of an output with what stands there.

    Examples
    --------
    >>> [path for path, _ in paths({"a": (torch.zeros(1), np.zeros(1))})]
    ['a.0', 'a.1']
    """
    if is_tensor(output):
        yield "", output
        return
    children = _children(output)
    if children is None:
        yield "", output
        return
    for name, child in children:
        for rest, leaf in paths(child):
            yield (f"{name}.{rest}" if rest else str(name)), leaf


def as_array(value: Any) -> npt.NDArray[Any]:
    """Bring a tensor to the host as an array, sharing memory where possible; halves become float32."""
    if isinstance(value, torch.Tensor):
        array: npt.NDArray[Any] = (value.float() if _is_short(value) else value).numpy(force=True)
        return array
    return np.asarray(value)


def _is_short(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and tensor.element_size() < 4


def _step(here: Any, step: str) -> Any:
    """Take one step, or raise LookupError."""
    index = int(step) if step.lstrip("-").isdigit() else None
    if is_tensor(here):
        if index is None or here.ndim < 2:
            raise LookupError(step)
        return here[:, index]
    if isinstance(here, Mapping):
        if step in here:
            return here[step]
        return here[index]
    names = _attribute_names(here)
    if step in names:
        return getattr(here, step)
    if index is None or not isinstance(here, list | tuple):
        raise LookupError(step)
    return here[index]


def _attribute_names(here: Any) -> tuple[str, ...]:
    if is_dataclass(here) and not isinstance(here, type):
        return tuple(field.name for field in fields(here))
    return tuple(getattr(here, "_fields", ()))


def _children(here: Any) -> list[tuple[object, Any]] | None:
    if isinstance(here, Mapping):
        return list(here.items())
    names = _attribute_names(here)
    if names:
        return [(name, getattr(here, name)) for name in names]
    return list(enumerate(here)) if isinstance(here, list | tuple) else None


def _described(leaf: Any) -> str:
    return str(tuple(leaf.shape)) if hasattr(leaf, "shape") else type(leaf).__name__


def _listed(output: Any, prefix: str = "") -> str:
    found = [(path, leaf) for path, leaf in paths(output) if path.startswith(prefix)]
    shown = [f"{path} {_described(leaf)}" for path, leaf in found[:_LISTED]]
    return ", ".join([*shown, f"and {len(found) - _LISTED} more"] if len(found) > _LISTED else shown)


def _nowhere(output: Any, path: str) -> str:
    if is_tensor(output):
        columns = f', or take a column of it, "0" to "{output.shape[1] - 1}"' if output.ndim > 1 else ""
        return (
            f"no '{path}' in the output, which is one tensor {_described(output)}; leave select out{columns}"
        )
    parent, _, last = path.rpartition(".")
    above = select_any(output, parent)
    if is_tensor(above):
        where = f"'{parent}'" if parent else "the output"
        has = (
            f"axis 1 counts from 0 to {above.shape[1] - 1}"
            if above.ndim > 1
            else f"nothing to index by '{last}'"
        )
        return f"no '{path}': {where} is a tensor {_described(above)}; {has}"
    return f"no '{path}' in the output; it has {_listed(output)}"


def select_any(output: Any, path: str) -> Any:
    """Follow a path that exists, to whatever stands there."""
    for step in path.split(".") if path else []:
        output = _step(output, step)
    return output


def _existing(output: Any, path: str) -> str:
    if not any(is_tensor(leaf) for _, leaf in paths(output)):
        return "return a tensor or an array with the batch as its first axis, or a dict or tuple of them"
    return f"select one of {_listed(output, f'{path}.' if path else '')}"
