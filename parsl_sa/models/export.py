"""Make a file of a live module, for processes that do not share its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models.feeding import feed
from parsl_sa.models.loaders.live import apart
from parsl_sa.models.wrapped import TORCH_DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def export(function: Callable[..., Any], n_columns: int, path: Path, dtype: str = "auto") -> Path:
    """Export a torch module to a ``.pt2`` file with a free batch size.

    Parameters
    ----------
    function : callable
        A `torch.nn.Module`; any other callable is refused, since only its name could be sent.
    n_columns : int
        Columns of its input.
    path : Path
        File to write.
    dtype : str
        Of its input, as the spec has it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelError
        If it is no module, or torch cannot export it; the message gives torch's reason and the cure.
    """
    cure = 'put it in a file and name it in a spec with the loader "python", or use site="inline"'
    if not isinstance(function, nn.Module):
        kind = type(function).__name__
        text = f"a {kind} of this Python process cannot be sent to other processes"
        raise ModelError("model", f"{text}; {cure}")
    module = cast("nn.Module", apart(function))
    model = feed(module, {"dtype": dtype, "device": "cpu"})
    example = torch.zeros(4, n_columns, dtype=TORCH_DTYPES[model.dtype])
    try:
        program = torch.export.export(
            module, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},)
        )
    except Exception as error:  # torch raises whatever its tracer meets
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError("model", f"torch.export refuses this module ({reason}); {cure}") from error
    torch.export.save(program, path)
    return path
