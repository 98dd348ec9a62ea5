"""The loader `torchscript`: a file of `torch.jit.save`, a form that torch has deprecated."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch

from parsl_sa.errors import ModelError
from parsl_sa.models.feeding import feed
from parsl_sa.models.hardware import choose_device
from parsl_sa.models.located import locate
from parsl_sa.models.source import user_code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from parsl_sa.models.protocol import Model

_DEPRECATED = (
    "model.loader: TorchScript is deprecated since torch 2.11 and will stop loading one day; export the "
    "module with "
    "torch.export and use the loader 'exported'"
)


def load(model: Mapping[str, Any], base_dir: Path) -> Model:
    """Load a TorchScript file.

    Parameters
    ----------
    model : mapping
        The spec's ``model``; ``options`` must be empty.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    Model
        Fed with tensors; a remark says that the form is deprecated.

    Raises
    ------
    ModelError
        At ``model.path``, if it is no TorchScript file, or dropout or batch normalisation is frozen in
        training mode in it, as in a module that was traced before ``eval()``.
    """
    path = locate(model, base_dir, "torchscript", form="a TorchScript file")
    device = choose_device(str(model.get("device") or "auto"))
    with warnings.catch_warnings(), user_code("model.path", f"torch.jit.load of {path.name}", path.parent):
        warnings.simplefilter("ignore", DeprecationWarning)
        module = torch.jit.load(path, map_location=device)  # type: ignore[no-untyped-call]
    trains = sorted(
        {node.kind().removeprefix("aten::") for node in _nodes(module.inlined_graph) if _trains(node)}
    )
    if trains:
        raise ModelError(
            "model.path",
            f"{path.name} trains whatever its mode: {', '.join(trains)} was frozen in training mode; call "
            "module.eval() before torch.jit.trace, and give F.dropout training=self.training",
        )
    return feed(module, {**model, "device": device}, (path,), remarks=[_DEPRECATED])


def _nodes(block: Any) -> Iterator[Any]:
    """Yield every node of a graph, those of its branches and loops too."""
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _trains(node: Any) -> bool:
    """Tell whether a node was given True as its constant argument ``train`` or ``training``."""
    if not node.kind().startswith("aten::") or node.schema() == "(no schema)":
        return False
    arguments = torch._C.parse_schema(node.schema()).arguments  # noqa: SLF001 - the only reader of schemas
    return any(
        argument.name in {"train", "training"} and value.toIValue() is True
        for argument, value in zip(arguments, node.inputs(), strict=False)
    )
