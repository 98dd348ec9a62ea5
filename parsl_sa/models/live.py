"""The loader `live`: a function or module of this very process, for notebooks and scripts.

A spec that names it works only in the process that registered the function: it cannot be run on a farm or
resumed by another process, and the error says so.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import ModelError
from parsl_sa.models.feeding import feed
from parsl_sa.models.hardware import choose_device

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from parsl_sa.models.protocol import Model

_registered: dict[str, Callable[..., Any]] = {}
_numbers = itertools.count(1)


def register(function: Callable[..., Any]) -> str:
    """Keep a function for this process and return the name by which `load` finds it.

    Examples
    --------
    >>> key = register(lambda x: x.sum(axis=1))
    >>> load({"path": key, "arrays": "numpy"}, Path()).dtype
    'float64'
    """
    key = f"live-{next(_numbers)}"
    _registered[key] = function
    return key


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
    if key not in _registered:
        raise ModelError(
            "model.path",
            "this study was made from a function of another Python process, which is gone; put the function "
            'in a file and name it with the loader "python", such as "model.py:function"',
        )
    device = choose_device(model.get("device") or "cpu")
    return feed(_registered[key], model.get("dtype") or "auto", model.get("arrays") or "auto", device, ())
