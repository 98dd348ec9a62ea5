"""What a model was made of, as digests: its files, and the weights it holds."""

from __future__ import annotations

import hashlib
from itertools import chain, count
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from parsl_sa.models.protocol import Model

WEIGHTS = "(weights)"


def hashes(model: Model, files: Sequence[Path] = ()) -> dict[str, str]:
    """Hash every file of a model, and the parameters and buffers where it is a torch module.

    The weights are hashed as loaded, because a user's function may read them from anywhere: a file
    exchanged between `launch` and `resume` must not go unseen.

    Parameters
    ----------
    model : Model
        As `load` returned it.
    files : sequence of Path
        Further files that outputs depend on: those of the user's functions of them.

    Returns
    -------
    dict
        BLAKE2b-128 by file name, and under ``"(weights)"``. Files of one name are numbered in their order:
        ``net.py``, ``net.py (2)``; folders are left out, because a study may move.

    Examples
    --------
    >>> from parsl_sa.models.wrapped import TorchModel
    >>> list(hashes(TorchModel(torch.nn.Linear(2, 1), dtype="float32")))
    ['(weights)']
    """
    found: dict[str, str] = {}
    for path in dict.fromkeys([*model.files, *files]):
        with path.open("rb") as file:
            found[_free(path.name, found)] = hashlib.file_digest(file, _blake2b).hexdigest()
    function = getattr(model, "function", None)
    if isinstance(function, torch.nn.Module):
        found[WEIGHTS] = _state_digest(function)
    return found


def _free(name: str, taken: Collection[str]) -> str:
    """Return a name, numbered if it is taken."""
    numbered = (f"{name} ({number})" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def _blake2b() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)


def _state_digest(module: torch.nn.Module) -> str:
    """Digest parameters and buffers by name, dtype, shape and bytes."""
    digest = _blake2b()
    tensors = [*module.named_parameters(), *module.named_buffers()]
    for name, tensor in sorted(tensors, key=lambda item: item[0]):
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name}|{plain.dtype}|{tuple(plain.shape)}|".encode())
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
