"""The loader `python`: a function of the user's file that returns the model, or is the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl_sa.models.entry import make
from parsl_sa.models.feeding import feed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parsl_sa.models.protocol import Model


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load ``file.py:function``.

    A function that can be called with ``options`` as its keywords is called, and returns a
    `torch.nn.Module`, an estimator in the form of scikit-learn or a callable. One that has exactly one
    required argument, where there are no options, is itself the model. A class is called like a function; a
    module object is the model.

    Parameters
    ----------
    model : mapping
        The spec's ``model``.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    Model
        Fed with tensors or with arrays, whichever it takes.

    Raises
    ------
    ModelError
        At ``model.path``, ``model.options.KEY``, ``model.dtype``, ``model.arrays``, ``model.mode``,
        ``model.method`` or ``model.device``.

    Notes
    -----
    ``files`` are the named file, the modules of its folder that it imported while it was loaded, and
    what the returned model lists in an attribute ``files`` (weights that it read).
    """
    made = make(str(model.get("path", "")), model.get("options") or {}, base_dir)
    named = [Path(file) for file in getattr(made.value, "files", ())]
    return feed(made.value, model, tuple(dict.fromkeys([*made.files, *named])))
