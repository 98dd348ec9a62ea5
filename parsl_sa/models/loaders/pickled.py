"""The loader `pickle`: a whole module that was pickled, whose file runs code of its own when it is read."""

from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.feeding import feed
from parsl_sa.models.located import locate, require_trust
from parsl_sa.models.source import importable, user_code
from parsl_sa.spec.model_files import made_by_torch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from parsl_sa.models.protocol import Model

_CURE = "save its state_dict() and use the loader 'state-dict', which needs no trust"


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load a file of ``torch.save(module)`` or ``pickle.dump(module)``.

    Parameters
    ----------
    model : mapping
        The spec's ``model``, with ``trust``; ``options`` must be empty.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    Model
        Fed with tensors; a remark says that the file runs code.

    Raises
    ------
    ModelError
        At ``model.trust``, if it is not given; at ``model.path``, if what was pickled is no module, or its
        class is not where it was.

    Notes
    -----
    The folder of the file is importable meanwhile, so that the file of the class may stand beside it.
    """
    path = locate(model, base_dir, "pickle")
    remark = require_trust(model, f"{path.name} is a pickle, which runs code of its own when it is read")
    files: list[Path] = []
    with importable(path.parent, files):
        module = _unpickle(path)
    if not isinstance(module, nn.Module):
        raise ModelError(
            "model.path", f"{path.name} holds a {type(module).__name__}, not a torch.nn.Module; {_CURE}"
        )
    return feed(module, model, (path, *files), remarks=[remark])


def _unpickle(path: Path) -> Any:
    try:
        with user_code("model.path", f"unpickling {path.name}", path.parent):
            if zipfile.is_zipfile(path) or made_by_torch(path):
                return torch.load(path, map_location="cpu", weights_only=False)
            with path.open("rb") as file:
                return pickle.load(file)  # noqa: S301 - the spec says that it is trusted
    except ModelError as fault:
        if isinstance(fault.__cause__, AttributeError | ModuleNotFoundError):
            said = fault.faults[0].message
            text = f"{said}. A pickle holds only the name of its class: put the file that defines "
            raise ModelError(
                "model.path", f"{text}it beside the pickle under that name, or {_CURE}"
            ) from fault
        raise
