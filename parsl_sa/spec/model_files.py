"""What the file of a model is, told from its first bytes, and which loader reads it."""

from __future__ import annotations

import pickletools
import zipfile
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Opcodes = Iterator[tuple[pickletools.OpcodeInfo, object, int | None]]

_TO_ONNX = "convert it to ONNX (tf2onnx), or load it in a function of a Python file"
_FETCH = "fetch the file itself"
_MOST_OPCODES = 200_000
# What torch.save of before 1.6 begins with: a pickled magic number, its version and the machine's word sizes.
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_COMPRESSED = (b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x04\x22\x4d\x18")
_PICKLED = frozenset({".pkl", ".pickle", ".joblib"})
# Opcodes before the object itself.
_PREAMBLE = frozenset({"PROTO", "FRAME", "MARK", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})


@dataclass(frozen=True)
class FileKind:
    """What a file is.

    Parameters
    ----------
    words : str
        In the user's words, with an article.
    loader : str
        The loader that reads it; empty where none does.
    cure : str
        What to do where no loader reads it.
    """

    words: str
    loader: str = ""
    cure: str = ""


def kind_of(path: Path) -> FileKind | None:
    """Tell what a file or folder is.

    Parameters
    ----------
    path : Path
        It exists.

    Returns
    -------
    FileKind or None
        None where its content says nothing.

    Notes
    -----
    Nothing of the file is run: of pickles only the names of their classes are read.
    """
    if path.is_dir():
        return _folder(path)
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        return (
            _text(head)
            or (_zip(path) if zipfile.is_zipfile(path) else None)
            or _magic(head)
            or (_pickle(file, head) if head[:1] == b"\x80" else None)
            or _by_suffix(path, head)
        )


def made_by_torch(path: Path) -> bool:
    """Tell a file of an old `torch.save` from any other pickle."""
    with path.open("rb") as file:
        return file.read(len(_OLD_TORCH)) == _OLD_TORCH


def _folder(path: Path) -> FileKind:
    if (path / "config.json").is_file():
        return FileKind("a folder of Hugging Face", "huggingface")
    if (path / "saved_model.pb").is_file():
        return FileKind("a SavedModel of TensorFlow", cure=_TO_ONNX)
    return FileKind("a folder without a config.json", cure="name the file in it")


def _text(head: bytes) -> FileKind | None:
    """Recognise what is downloaded in place of weights."""
    start = head.lstrip().lower()
    if not head:
        return FileKind("an empty file", cure=f"{_FETCH}; a download or a copy may have been cut off")
    if start.startswith((b"<!doctype html", b"<html")):
        return FileKind("a page of HTML", cure=f"{_FETCH}: the address of a download often leads to a page")
    if start.startswith(b"version https://git-lfs"):
        return FileKind("a pointer of Git LFS, not the file", cure=f"{_FETCH} with: git lfs pull")
    return None


def _magic(head: bytes) -> FileKind | None:
    if head.startswith(b"\x89HDF"):
        return FileKind("an HDF5 file (of Keras?)", cure=_TO_ONNX)
    if head[4:8] == b"TFL3":
        return FileKind("a TensorFlow Lite file", cure=_TO_ONNX)
    if head.startswith(b"GGUF"):
        return FileKind("a GGUF file", cure="take the model's folder of Hugging Face instead")
    if head.startswith(b"\x93NUMPY"):
        return FileKind("a NumPy array, not a network", cure="read it in a function of a Python file")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 28:
        return FileKind("a safetensors file of weights", "state-dict")
    return None


def _zip(path: Path) -> FileKind:
    with zipfile.ZipFile(path) as archive:
        inside = {name.rpartition("/")[2]: name for name in archive.namelist()}
        if "archive_format" in inside:
            return FileKind("a torch.export file", "exported")
        if "constants.pkl" in inside:
            return FileKind("a TorchScript file", "torchscript")
        if "data.pkl" in inside:
            with archive.open(inside["data.pkl"]) as file:
                return _object(pickletools.genops(file), by_torch=True)
    if "model.weights.h5" in inside:
        return FileKind("a Keras file", cure=_TO_ONNX)
    return FileKind("a ZIP archive", cure="unpack it and name the model's own file")


def _pickle(file: IO[bytes], head: bytes) -> FileKind:
    by_torch = head.startswith(_OLD_TORCH)
    if by_torch:
        for _ in range(3):  # the magic number, the version, the word sizes
            for _opcode in pickletools.genops(file):
                pass
    return _object(pickletools.genops(file), by_torch=by_torch)


def _object(opcodes: Opcodes, *, by_torch: bool) -> FileKind:
    """Tell weights, a pickled module and an estimator apart by the classes that a pickle names."""
    first, classes = _classes(opcodes)
    if first == "EMPTY_DICT" or classes[:1] == ["collections.OrderedDict"]:
        return FileKind("a file of weights or a checkpoint (a pickled dict)", "state-dict")
    name = classes[0] if classes else "a plain value"
    if name.startswith("torch._utils._rebuild"):
        return FileKind("a single tensor", cure="save the state_dict of the whole module")
    if by_torch or any(one.startswith("torch.") for one in classes):
        return FileKind(f"a pickled object ({name})", "pickle")
    return FileKind(f"a pickled object ({name})", "sklearn")


def _classes(opcodes: Opcodes) -> tuple[str, list[str]]:
    """Return the first opcode of a pickle's object, and the classes and functions that it names."""
    first, found = "", []
    memo: dict[object, str] = {}
    texts: list[str] = [""]
    was_text = False
    try:
        for opcode, argument, _ in islice(opcodes, _MOST_OPCODES):
            name = opcode.name
            first = first or ("" if name in _PREAMBLE else name)
            if name == "GLOBAL":
                found.append(str(argument).replace(" ", "."))
            elif name == "STACK_GLOBAL":
                found.append(".".join(texts[-2:]))
            elif name in {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}:
                memo[len(memo) if argument is None else argument] = texts[-1] if was_text else ""
            elif name in {"GET", "BINGET", "LONG_BINGET"}:
                texts.append(memo.get(argument, ""))
            was_text = "UNICODE" in name
            if was_text:
                texts.append(str(argument))
    except ValueError:  # joblib writes arrays between the opcodes; what stood before them is enough
        pass
    return first, found


def _by_suffix(path: Path, head: bytes) -> FileKind | None:
    # ONNX has no magic number: its first field is a small version, its next ones are of few kinds.
    begins_like_onnx = head[:1] == b"\x08" and 0 < head[1] < 32 and head[2:3] in {b"\x12", b"\x3a", b"\x42"}
    if begins_like_onnx or path.suffix == ".onnx":
        return FileKind("an ONNX file", "onnx")
    if path.suffix in _PICKLED and head.startswith(_COMPRESSED):
        return FileKind("a compressed pickle", "sklearn")
    if path.suffix == ".py":
        return FileKind("a Python file", cure=f"name the function in it too: {path.name}:load")
    return None
