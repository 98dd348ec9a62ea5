"""The loader `exported`: a `torch.export` file, whose own placeholders say inputs, batch and dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.export.passes import move_to_device_pass

from parsl_sa.errors import ModelError
from parsl_sa.models.hardware import choose_device
from parsl_sa.models.loaders import pt2
from parsl_sa.models.located import locate, require_trust
from parsl_sa.models.protocol import InputTensor
from parsl_sa.models.source import user_code
from parsl_sa.models.wrapped import TORCH_DTYPES, TorchModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch.export import ExportedProgram

_FORM = (
    "a torch.export file; make one with torch.export.save(torch.export.export(module.eval(), (example,)), "
    "'model.pt2')"
)
_UNBOUNDED = 2**31  # torch writes "no bound" as a huge or symbolic integer


def load(model: Mapping[str, Any], base_dir: Path) -> TorchModel:
    """Load a ``.pt2`` file.

    Parameters
    ----------
    model : mapping
        The spec's ``model``; ``options`` must be empty.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    TorchModel
        With the inputs, batch sizes and dtype that the file states.

    Raises
    ------
    ModelError
        If the file is missing or no exported program, takes anything but tensors with one batch axis, or was
        exported in training mode; at ``model.trust``, if torch would run code of the file.

    Notes
    -----
    The batch is the first size of the file's inputs: an integer where it was exported static, a symbol
    with a range where dynamic. A size that is an expression (``8*n``) is served at the size it was
    exported with. An exported program has no eval mode of its own: what it was exported with stands.
    """
    path = locate(model, base_dir, "exported", form=_FORM)
    if model.get("arrays") not in {None, "auto", "torch"}:
        raise ModelError("model.arrays", "an exported file takes tensors; use 'torch'")
    if model.get("mode") == "dropout":
        raise ModelError("model.mode", "an exported file has no layers to switch; use 'eval'")
    with user_code("model.path", f"reading {path.name}", path.parent):
        found = pt2.runs(path)
    remarks = (require_trust(model, f"{path.name} holds {found}, which runs as code"),) if found else ()
    with user_code("model.path", f"torch.export.load of {path.name}", path.parent):
        program = torch.export.load(path)
    _refuse_training(program)
    values = _inputs(program)
    dtype = _dtype(values.values())
    if (model.get("dtype") or "auto") not in {"auto", dtype}:
        raise ModelError("model.dtype", f"the file was exported for {dtype}; use 'auto' or export again")
    device = choose_device(str(model.get("device") or "auto"))
    fixed, smallest, largest = _batches(program, values)
    return TorchModel(
        move_to_device_pass(program, device).module(),
        dtype=dtype,
        device=device,
        files=(path,),
        fixed_batch=fixed,
        smallest_batch=smallest,
        largest_batch=largest,
        inputs=tuple(_described(name, value, fixed) for name, value in values.items()),
        positional=tuple(values),
        layered=False,
        remarks=remarks,
    )


def _inputs(program: ExportedProgram) -> dict[str, torch.Tensor]:
    """Return the stand-in tensors of the program's inputs by name."""
    names = program.graph_signature.user_inputs
    values = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    found: dict[str, Any] = {str(name): values.get(str(name)) for name in names}
    args, keywords = program.call_spec.in_spec.children()
    plain = len(args.children()) == len(names) and not keywords.children()
    for name, value in found.items():
        if not plain or not isinstance(value, torch.Tensor) or value.ndim == 0:
            raise ModelError(
                "model.path",
                f"the file takes {', '.join(found)}, of which parsl-sa cannot give {name}: export a module "
                "whose "
                "forward takes tensors alone, one after the other, each with the batch as its first axis",
            )
    return found


def _dtype(values: Iterable[torch.Tensor]) -> str:
    """Return the dtype of all floating inputs."""
    found = {str(value.dtype).removeprefix("torch.") for value in values if value.is_floating_point()}
    if len(found) > 1 or not found <= set(TORCH_DTYPES):
        raise ModelError(
            "model.path",
            f"the file's inputs are {', '.join(sorted(found))}; export with inputs that are all float32 or "
            "all float64",
        )
    return found.pop() if found else "float32"


def _described(name: str, value: torch.Tensor, fixed: int | None) -> InputTensor:
    shape = (fixed, *(n if isinstance(n, int) else None for n in value.shape[1:]))
    return InputTensor(name, shape, str(value.dtype).removeprefix("torch."))


def _batches(
    program: ExportedProgram, values: Mapping[str, torch.Tensor]
) -> tuple[int | None, int, int | None]:
    """Return the fixed batch, or the smallest and the largest one."""
    sizes = {str(value.shape[0]): value.shape[0] for value in values.values()}
    if len(sizes) > 1:
        shown = ", ".join(f"{name} {value.shape[0]}" for name, value in values.items())
        raise ModelError(
            "model.path",
            f"its inputs have different batch sizes ({shown}); export with one torch.export.Dim for all",
        )
    (size,) = sizes.values()
    if isinstance(size, int):
        return size, size, size
    expression = size.node.expr
    if not expression.is_Symbol:
        hint = size.node.hint
        if hint is None:
            raise ModelError("model.path", f"its batch is {expression}; export with a plain torch.export.Dim")
        return int(hint), int(hint), int(hint)
    bounds = program.range_constraints[expression]
    lower = max(1, int(bounds.lower))
    upper = int(bounds.upper) if bounds.upper.is_Integer and bounds.upper < _UNBOUNDED else None
    return None, lower, upper


def _refuse_training(program: ExportedProgram) -> None:
    """Refuse a graph in which dropout or batch normalisation still trains."""
    for node in program.graph.nodes:
        schema = getattr(node.target, "_schema", None)
        if node.op != "call_function" or schema is None:
            continue
        for position, argument in enumerate(schema.arguments):
            given = node.args[position] if position < len(node.args) else node.kwargs.get(argument.name)
            if argument.name in {"train", "training"} and given is True:
                raise ModelError(
                    "model.path",
                    f"it was exported in training mode ({schema.name.removeprefix('aten::')} still trains); "
                    "call module.eval() before torch.export.export",
                )
