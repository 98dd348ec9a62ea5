"""The loader `live`: a function or module of this very process, for notebooks and scripts.

A spec that names it works only in the process that registered the function: it cannot be run on a farm or
resumed by another process, and the error says so.
"""

from __future__ import annotations

import copy
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.feeding import feed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from parsl_sa.models.protocol import Model

_registered: dict[str, Callable[..., Any]] = {}


def register(function: Callable[..., Any], key: str = "") -> str:
    """Keep a function for this process and return the name by which `load` finds it.

    Parameters
    ----------
    function : callable
        A function or a module.
    key : str
        Name to give it; empty: a new one.

    Examples
    --------
    >>> key = register(lambda x: x.sum(axis=1))
    >>> load({"path": key, "arrays": "numpy"}, Path()).dtype
    'float64'
    """
    key = key or f"live-{uuid.uuid4().hex[:12]}"
    _registered[key] = function
    return key


def registered(key: str) -> Callable[..., Any] | None:
    """Return what a name stands for in this process, None if it stands for nothing."""
    return _registered.get(key)


def load(model: Mapping[str, Any], base_dir: Path) -> Model:  # noqa: ARG001 - a loader's signature
    """Return a registered function as a model.

    Parameters
    ----------
    model : mapping
        The spec's ``model``; the last part of ``path`` is what `register` returned.
    base_dir : Path
        Not used.

    Raises
    ------
    ModelError
        At ``model.path``, if this process has registered no such function.
    """
    key = Path(str(model["path"])).name
    function = registered(key)
    if function is None:
        raise ModelError(
            "model.path",
            "this study was made from a function of another Python process, which only Python can give "
            "again: Study.from_function(function, ...).resume(directory)",
        )
    return feed(apart(function), model)


def apart(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy of a module, so that the caller's own stays in its mode, dtype and place.

    Any other callable is returned itself, and so is a module that refuses to be copied.
    """
    if not isinstance(function, nn.Module):
        return function
    try:
        return copy.deepcopy(function)
    except (RuntimeError, TypeError):  # it holds what torch or Python cannot copy
        return function
