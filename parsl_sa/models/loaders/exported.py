"""The loader `exported`: a `torch.export` file, whose own placeholders say batch, width and dtype."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.export.passes import move_to_device_pass

from parsl_sa.errors import ModelError
from parsl_sa.models.hardware import choose_device
from parsl_sa.models.protocol import InputTensor
from parsl_sa.models.source import user_code
from parsl_sa.models.wrapped import TORCH_DTYPES, TorchModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch.export import ExportedProgram

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
        With the batch sizes, width and dtype that the file states.

    Raises
    ------
    ModelError
        If the file is missing or no exported program, has another signature than one floating input
        of shape (batch, columns), or was exported in training mode.

    Notes
    -----
    The batch is the first size of the file's input: an integer where it was exported static, a symbol
    with a range where dynamic. A size that is an expression (``8*n``) is served at the size it was
    exported with. An exported program has no eval mode of its own: what it was exported with stands.
    """
    path = (base_dir / Path(str(model.get("path", ""))).expanduser()).resolve()
    if model.get("options"):
        raise ModelError("model.options", "an exported file takes none; remove them")
    if model.get("arrays") not in {None, "auto", "torch"}:
        raise ModelError("model.arrays", "an exported file takes tensors; use 'torch'")
    _check_file(path)
    with user_code("model.path", f"torch.export.load of {path.name}", path.parent):
        program = torch.export.load(path)
    _refuse_training(program)
    value = _input(program)
    dtype = str(value.dtype).removeprefix("torch.")
    asked = model.get("dtype") or "auto"
    if dtype not in TORCH_DTYPES:
        raise ModelError("model.path", f"the file's input is {dtype}; export with a float32 or float64 input")
    if asked not in {"auto", dtype}:
        raise ModelError("model.dtype", f"the file was exported for {dtype}; use 'auto' or export again")
    device = choose_device(model.get("device") or "cpu")
    fixed, smallest, largest = _batches(program, value)
    return TorchModel(
        move_to_device_pass(program, device).module(),
        dtype=dtype,
        device=device,
        files=(path,),
        fixed_batch=fixed,
        smallest_batch=smallest,
        largest_batch=largest,
        inputs=(
            InputTensor("", (fixed, *(n if isinstance(n, int) else None for n in value.shape[1:])), dtype),
        ),
    )


def _check_file(path: Path) -> None:
    """Tell a missing file, a state dict and a TorchScript file from an exported program."""
    if not path.is_file():
        raise ModelError("model.path", f"no file {path} (paths are relative to the spec)")
    cure = "make one with torch.export.save(torch.export.export(module.eval(), (example,)), 'model.pt2')"
    if not zipfile.is_zipfile(path):
        raise ModelError("model.path", f"{path.name} is not a torch.export file; {cure}")
    with zipfile.ZipFile(path) as archive:
        entries = {name.rpartition("/")[2] for name in archive.namelist()}
    if "archive_format" not in entries:
        kind = "a TorchScript file" if "constants.pkl" in entries else "a file of torch.save (weights alone?)"
        raise ModelError("model.path", f"{path.name} is {kind}, not a torch.export file; {cure}")


def _input(program: ExportedProgram) -> torch.Tensor:
    """Return the stand-in tensor of the program's only input."""
    names = [name for name in program.graph_signature.user_inputs if isinstance(name, str)]
    if len(program.graph_signature.user_inputs) != 1 or not names:
        raise ModelError(
            "model.path",
            f"the file takes {len(program.graph_signature.user_inputs)} inputs "
            f"({', '.join(map(str, program.graph_signature.user_inputs))}); export a module of one tensor "
            "(batch, columns) that splits the columns itself",
        )
    node = next(node for node in program.graph.nodes if node.op == "placeholder" and node.name == names[0])
    value: torch.Tensor = node.meta["val"]
    if value.ndim != 2:
        raise ModelError(
            "model.path",
            f"the file takes an input of shape {tuple(map(str, value.shape))}, but parsl-sa gives "
            "(batch, columns); export a module that reshapes",
        )
    return value


def _length(size: int | torch.SymInt) -> int | None:
    return size if isinstance(size, int) else None


def _batches(program: ExportedProgram, value: torch.Tensor) -> tuple[int | None, int, int | None]:
    """Return the fixed batch, or the smallest and the largest one."""
    size = value.shape[0]
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
