"""Dropout as a part of the model: which layers stay active, with masks that are a function of the batch.

References
----------
.. [1] Gal & Ghahramani (2016), Dropout as a Bayesian approximation, ICML, PMLR 48:1050-1059.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from parsl_sa.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def activate(modules: Iterable[nn.Module]) -> None:
    """Set the dropout layers of modules, and what applies dropout by itself, to training mode.

    Parameters
    ----------
    modules : iterable of Module
        In eval mode, in which everything else stays, batch normalisation too.

    Raises
    ------
    ModelError
        At ``model.mode``, if there is none.
    """
    layers = [layer for module in modules for layer in module.modules() if _drops(layer)]
    for layer in layers:
        layer.train()
    if not layers:
        raise ModelError(
            "model.mode",
            "'dropout' needs layers of dropout, and parsl-sa finds none in this model; use 'eval', or make "
            "the "
            "noise a function of an input parameter",
        )


def _drops(layer: nn.Module) -> bool:
    if isinstance(layer, nn.MultiheadAttention | nn.RNNBase):
        return layer.dropout > 0
    if isinstance(layer, torch.jit.ScriptModule):
        return str(layer.original_name) in {kind.__name__ for kind in _DropoutNd.__subclasses__()}
    return isinstance(layer, _DropoutNd)


@contextmanager
def seeded(tensors: Iterable[torch.Tensor]) -> Iterator[None]:
    """Seed torch's generators from the values of a batch, and restore them afterwards.

    Parameters
    ----------
    tensors : iterable of Tensor
        What the model is called with.
    """
    digest = hashlib.blake2b(digest_size=8)
    devices = set()
    for tensor in tensors:
        digest.update(tensor.numpy(force=True).tobytes())
        devices |= {tensor.device.index or 0} if tensor.device.type == "cuda" else set()
    with torch.random.fork_rng(devices=sorted(devices)):
        torch.manual_seed(int.from_bytes(digest.digest()) >> 1)
        yield
