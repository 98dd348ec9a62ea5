"""The loader `state-dict`: a file of weights, by `torch.save` or safetensors, and the code of the module."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.checkpoint import fit, weights_of
from parsl_sa.models.entry import make
from parsl_sa.models.extras import require
from parsl_sa.models.feeding import feed
from parsl_sa.models.located import locate, require_trust
from parsl_sa.models.source import user_code

if TYPE_CHECKING:
    from pathlib import Path

    from parsl_sa.models.protocol import Model

_ARCHITECTURE = "model.architecture"
_GLOBAL = re.compile(r"(?:GLOBAL|global) ([\w.]+)")


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load weights into the module that ``architecture`` makes.

    Parameters
    ----------
    model : mapping
        The spec's ``model``; ``options`` are keywords of the architecture, ``key`` says which entry of a
        checkpoint holds the weights, or their prefix.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    Model
        Fed with tensors.

    Raises
    ------
    ModelError
        At ``model.path``, if the file is none of weights; at ``model.architecture``, if it makes no module,
        or one of other weights, of which the first few are listed; at ``model.key``, if several entries would
        do.

    Notes
    -----
    What cannot be mistaken is taken and said in ``remarks``: the only dict of tensors inside a checkpoint,
    and a prefix of names (``module.``, ``model.``) under which there is every weight that the module has.

    The file is read with ``weights_only=True``, so nothing in it runs; a checkpoint that holds other Python
    objects needs ``trust``.
    """
    path = locate(model, base_dir, "state-dict", options=True)
    named = model.get("architecture")
    if not named:
        raise ModelError(
            _ARCHITECTURE,
            "is missing: weights alone do not say what to compute; name what makes the module, such as "
            '"net.py:Net"',
        )
    made = make(str(named), model.get("options") or {}, base_dir, _ARCHITECTURE)
    module = made.value
    if not isinstance(module, nn.Module):
        kind = type(module).__name__
        raise ModelError(_ARCHITECTURE, f"'{named}' gave a {kind}; weights are loaded into a torch.nn.Module")
    held, remarks = _read(path, model)
    weights, key_remarks = weights_of(held, str(model.get("key") or ""), module.state_dict())
    fit(module, weights, path.name)
    return feed(module, model, (path, *made.files), remarks=(*remarks, *key_remarks))


def _read(path: Path, model: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """Return what a file holds, and what the user should know of that."""
    remarks: list[str] = []
    if path.suffix == ".safetensors":
        safetensors = require("safetensors.torch", "state-dict", "huggingface")
        with user_code("model.path", f"reading {path.name}", path.parent):
            return safetensors.load_file(path), remarks
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = ", ".join(dict.fromkeys(_GLOBAL.findall(str(error)))) or "unknown"
        what = f"{path.name} holds more than tensors ({named}), which runs code of its own when it is read"
        remarks.append(require_trust(model, what))
        with user_code("model.path", f"torch.load of {path.name}", path.parent):
            held = torch.load(path, map_location="cpu", weights_only=False)
    except (RuntimeError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError("model.path", f"{path.name} cannot be read as weights: {reason}") from error
    if not isinstance(held, Mapping):
        raise ModelError("model.path", f"{path.name} holds a {type(held).__name__}, not a dict of weights")
    return held, remarks
