"""What a file is, told from its first bytes; and the loader that a spec leaves out."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from parsl_sa.errors import SpecError
from parsl_sa.spec import parse_spec, resolved, science
from parsl_sa.spec.model_files import kind_of

CONTENT = {
    "empty.pt": (b"", "an empty file", "cut off"),
    "page.onnx": (b"\n<!DOCTYPE html><html>", "a page of HTML", "leads to a page"),
    "pointer.safetensors": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "a pointer of Git LFS",
        "git lfs pull",
    ),
    "net.h5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "tf2onnx"),
    "net.tflite": (b"\x1c\0\0\0TFL3", "a TensorFlow Lite file", "tf2onnx"),
    "net.gguf": (b"GGUF\3\0\0\0", "a GGUF file", "Hugging Face"),
    "code.py": (b"import torch\n", "a Python file", "code.py:load"),
}


@pytest.mark.parametrize("name", CONTENT)
def test_what_no_loader_reads_is_named_with_a_cure(name: str, tmp_path: Path) -> None:
    content, words, cure = CONTENT[name]
    (tmp_path / name).write_bytes(content)
    kind = kind_of(tmp_path / name)
    assert kind is not None
    assert (kind.words.startswith(words), kind.loader, cure in kind.cure) == (True, "", True)


def test_arrays_and_archives_are_no_networks(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("model.weights.h5", b"")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("net/net.onnx", b"")
    for name, words in {
        "a.npy": "a NumPy array",
        "net.keras": "a Keras file",
        "all.zip": "a ZIP archive",
    }.items():
        kind = kind_of(tmp_path / name)
        assert kind is not None
        assert kind.words.startswith(words)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_told_apart_without_running_them(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "net.pkl").write_bytes(pickle.dumps(Path("x"), protocol))
    kind = kind_of(tmp_path / "net.pkl")
    assert kind is not None
    assert (kind.words, kind.loader) == ("a pickled object (pathlib.PosixPath)", "sklearn")
    (tmp_path / "net.pkl").write_bytes(pickle.dumps({"w": 1}, protocol))
    kind = kind_of(tmp_path / "net.pkl")
    assert kind is not None
    assert kind.loader == "state-dict"


def test_what_says_nothing_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(bytes(range(7, 200)))
    assert kind_of(tmp_path / "net.bin") is None


def spec_of(path: str, **model: object) -> dict[str, object]:
    return {
        "spec_version": 1,
        "name": "m",
        "model": {"path": path, **model},
        "inputs": {"parameters": [{"name": "x", "distribution": "uniform", "low": 0, "high": 1}]},
        "design": {"n": 256},
        "outputs": [{"name": "y"}],
    }


def place_and_message(path: str, folder: Path, **model: object) -> tuple[str, str]:
    with pytest.raises(SpecError) as caught:
        resolved(parse_spec(spec_of(path, **model)), folder)
    (only,) = caught.value.faults
    return only.place, only.message


def test_the_frozen_spec_names_the_loader_and_hashes_alike(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x09\x12\x01a")
    told = resolved(parse_spec(spec_of("net.onnx")), tmp_path)
    named = resolved(parse_spec(spec_of("net.onnx", loader="onnx")), tmp_path)
    assert told == named
    assert science(told) == science(named)
    assert resolved(told, Path("/elsewhere")) == told
    code = resolved(parse_spec(spec_of("model.py:load")), tmp_path)
    assert (code.model.loader, code.model.function) == ("python", "load")


def test_a_spec_is_resolved_or_told_why_not(tmp_path: Path) -> None:
    assert place_and_message("net.onnx", tmp_path)[0] == "model.path"
    (tmp_path / "net.bin").write_bytes(b"what?")
    assert place_and_message("net.bin", tmp_path) == (
        "model.loader", "net.bin does not tell which loader reads it; name one",
    )  # fmt: skip
    (tmp_path / "page.onnx").write_bytes(b"<html>")
    assert "a page of HTML" in place_and_message("page.onnx", tmp_path)[1]
    (tmp_path / "net.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    assert place_and_message("net.safetensors", tmp_path)[0] == "model.architecture"
    made = resolved(parse_spec(spec_of("net.safetensors", architecture="net.py:Net")), tmp_path)
    assert (made.model.loader, made.model.architecture) == ("state-dict", f"{tmp_path / 'net.py'}:Net")


def test_the_folders_of_a_model_are_its_own_and_that_of_its_code(tmp_path: Path) -> None:
    (tmp_path / "vit").mkdir()
    (tmp_path / "vit" / "config.json").write_text("{}")
    folder = resolved(parse_spec(spec_of("vit")), tmp_path).model
    assert (folder.loader, folder.folders) == ("huggingface", (tmp_path / "vit",))
    weights = resolved(parse_spec(spec_of("a/net.pt", architecture="b/net.py:Net")), tmp_path).model
    assert weights.folders == (tmp_path / "a", tmp_path / "b")
