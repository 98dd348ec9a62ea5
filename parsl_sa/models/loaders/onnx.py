"""The loader `onnx`: an ONNX file, evaluated by ONNX Runtime."""

from __future__ import annotations

import re
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models.extras import require
from parsl_sa.models.hardware import choose_device
from parsl_sa.models.located import locate
from parsl_sa.models.protocol import InputTensor
from parsl_sa.models.wrapped import NumpyModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_QUIET = 3  # errors only
_EXTERNAL = re.compile(rb"location\x12(.)", re.DOTALL)


def load(model: Mapping[str, Any], base_dir: Path) -> NumpyModel:
    """Load an ONNX file.

    Parameters
    ----------
    model : mapping
        The spec's ``model``; ``options`` must be empty.
    base_dir : Path
        Folder that a relative path starts from.

    Returns
    -------
    NumpyModel
        Its only output as an array, or several in a dict by name; dots in names are written ``_``.

    Raises
    ------
    ModelError
        At ``model.loader``, if ONNX Runtime is missing; at ``model.path``, if it cannot read the file, or an
        input has no batch axis; at ``model.dtype``, ``model.mode`` or ``model.device``.

    Notes
    -----
    For the same bits each time the session is sequential, has the threads that torch has (those of the plan)
    and uses deterministic kernels. A batch size that the file fixes is kept to. What a file does in training
    mode cannot be switched off afterwards: the probe repeats a forward and compares.
    """
    path = locate(model, base_dir, "onnx")
    runtime = require("onnxruntime", "onnx", "onnx")
    _refuse(model)
    device = choose_device(str(model.get("device") or "auto"))
    network = _Network(_session(runtime, path, device), path.name)
    inputs = network.inputs
    floats = {tensor.dtype for tensor in inputs if tensor.dtype.startswith("float")}
    dtype = "float64" if "float64" in floats else "float32"
    asked = model.get("dtype") or "auto"
    if asked not in {"auto", dtype}:
        raise ModelError("model.dtype", f"the file takes {dtype}; use 'auto', or export it again")
    sizes = {tensor.shape[0] for tensor in inputs} - {None}
    fixed = min((size for size in sizes if size is not None), default=None)
    return NumpyModel(
        network, dtype=dtype, device=device, files=(path, *_external(path)), inputs=inputs, fixed_batch=fixed,
        smallest_batch=fixed or 1, largest_batch=fixed, remarks=network.remarks,
    )  # fmt: skip


def _refuse(model: Mapping[str, Any]) -> None:
    if model.get("arrays") == "torch":
        raise ModelError("model.arrays", "an ONNX file takes NumPy arrays; use 'auto'")
    if model.get("mode") == "dropout":
        raise ModelError("model.mode", "an ONNX file has no layers to switch; use 'eval'")


def _session(runtime: Any, path: Path, device: str) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = _QUIET
    providers: list[Any] = ["CPUExecutionProvider"]
    if device != "cpu":
        there = runtime.get_available_providers()
        if "CUDAExecutionProvider" not in there:
            raise ModelError(
                "model.device",
                f"this onnxruntime has no CUDA, only {', '.join(there)}; install onnxruntime-gpu",
            )
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(device.rpartition(":")[2])}))
    try:
        return runtime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # its exceptions have no common base but this one
        reason = str(error).strip().splitlines()[0]
        raise ModelError("model.path", f"ONNX Runtime cannot load {path.name}: {reason}") from error


class _Network:
    """A session as a function of one array, or of several by name."""

    def __init__(self, session: Any, file: str) -> None:
        self.session = session
        self.inputs = tuple(_described(one, file) for one in session.get_inputs())
        tensors = [one.name for one in session.get_outputs() if one.type.startswith("tensor(")]
        others = [one.name for one in session.get_outputs() if one.name not in tensors]
        self._outputs = tensors
        self.remarks = tuple(
            f"model.path: its output '{name}' is no tensor and is left out (a classifier of skl2onnx gives "
            "one "
            "with options={'zipmap': False})"
            for name in others
        )
        if len({tensor.shape[0] for tensor in self.inputs} - {None}) > 1:
            shapes = ", ".join(f"{tensor.name} {tensor.shape}" for tensor in self.inputs)
            raise ModelError("model.path", f"the inputs of {file} have different batch sizes: {shapes}")

    def __call__(self, *arrays: npt.NDArray[Any], **named: npt.NDArray[Any]) -> Any:
        """Evaluate one batch."""
        given = {tensor.name: array for tensor, array in zip(self.inputs, arrays, strict=False)} | named
        absent = [tensor.name for tensor in self.inputs if tensor.name not in given]
        if absent or len(given) > len(self.inputs):
            takes = ", ".join(tensor.name for tensor in self.inputs)
            raise ModelError(
                "inputs.template",
                f"the file takes the inputs {takes} by name; it was given {', '.join(given)}",
            )
        fed = {tensor.name: _cast(given[tensor.name], tensor) for tensor in self.inputs}
        found: Sequence[Any] = self.session.run(self._outputs, fed)
        if len(found) == 1:
            return found[0]
        return {name.replace(".", "_"): array for name, array in zip(self._outputs, found, strict=True)}


def _described(one: Any, file: str) -> InputTensor:
    dtype = _DTYPES.get(one.type)
    if dtype is None or not one.shape:
        has = f"is of the type {one.type}" if dtype is None else "has no batch axis"
        raise ModelError(
            "model.path", f"the input '{one.name}' of {file} {has}, and parsl-sa feeds batches of numbers"
        )
    shape = tuple(size if isinstance(size, int) and size > 0 else None for size in one.shape)
    return InputTensor(one.name, shape, dtype)


def _cast(array: npt.NDArray[Any], tensor: InputTensor) -> npt.NDArray[Any]:
    """Convert to the dtype that an input states; a fraction is never cut off."""
    made = array.astype(tensor.dtype, copy=False)
    if array.dtype.kind == "f" and made.dtype.kind != "f" and not np.array_equal(made, array):
        msg = f"the input '{tensor.name}' takes {tensor.dtype} and was given fractions; give it whole numbers"
        raise ValueError(msg)
    return made


def _external(path: Path) -> tuple[Path, ...]:
    """Return the files beside an ONNX file that hold its large tensors.

    Each such tensor has an entry ``location`` with the name of a file; an entry is two short texts, each with
    a byte of its length before it.
    """
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        named = {content[match.end() : match.end() + match[1][0]] for match in _EXTERNAL.finditer(content)}
    beside = [path.parent / name.decode("utf-8", "replace") for name in named if b"\0" not in name]
    return tuple(sorted(file.resolve() for file in beside if file.is_file()))
