"""What every loader promises; a new line in the registry's table must bring a maker to `support.networks`.

A maker writes one small network, with dropout, in the loader's own form.
"""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator, hashes, load
from parsl_sa.models.inputs import Assembler
from parsl_sa.registry import names
from parsl_sa.spec.model import loader_of
from support.networks import MAKERS, WIDTH, Network

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.random.default_rng(0).standard_normal((12, WIDTH))
FROM_FILES = [name for name in names("loader") if name != "live"]
ON_THE_CPU_ALONE = {"sklearn"}
DTYPES = ["float32", "float64"]

# Loads what is described in cases.json, each in its folder, and writes what it gives beside it.
ELSEWHERE = """
import json, sys, traceback
from pathlib import Path
import numpy as np, torch
from parsl_sa.models import Assembler, Evaluator, hashes, load
torch.set_num_threads(1)
folder = Path(sys.argv[1])
rows = np.load(folder / "rows.npy")
for name, (model, outputs) in json.loads((folder / "cases.json").read_text()).items():
    try:
        evaluator = Evaluator(load(model, folder / name), outputs, Assembler(rows.shape[1]))
        evaluator.probe(rows)
        np.save(folder / name / "there.npy", evaluator.evaluate(rows, 4))
        (folder / name / "hashes.json").write_text(json.dumps(hashes(evaluator.model)))
    except Exception:
        (folder / name / "hashes.json").write_text(json.dumps(traceback.format_exc()))
"""


def test_every_loader_has_a_maker() -> None:
    assert set(MAKERS) == set(names("loader"))


@pytest.fixture(params=names("loader"))
def loader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=DTYPES)
def dtype(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ready(network: Network, folder: Path, **model: Any) -> Evaluator:
    evaluator = Evaluator(load({**network.model, **model}, folder), network.outputs, Assembler(WIDTH))
    evaluator.probe(ROWS)
    return evaluator


def test_dtype_is_honoured(loader: str, dtype: str, tmp_path: Path) -> None:
    evaluator = ready(MAKERS[loader](tmp_path, dtype), tmp_path)
    assert evaluator.model.dtype == dtype
    assert evaluator.evaluate(ROWS, 4).dtype == np.dtype(dtype)


def test_device_is_honoured(loader: str, tmp_path: Path) -> None:
    network = MAKERS[loader](tmp_path, "float32")
    assert load({**network.model, "device": "cpu"}, tmp_path).device == "cpu"
    assert load(network.model, tmp_path).device == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match=r"model\.device"):
            load({**network.model, "device": "cuda"}, tmp_path)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_what_the_cpu_gives(loader: str, dtype: str, tmp_path: Path) -> None:
    network = MAKERS[loader](tmp_path, dtype)
    if loader in ON_THE_CPU_ALONE:
        with pytest.raises(ModelError, match=r"model\.device"):
            ready(network, tmp_path, device="cuda")
        return
    on_cpu, on_gpu = ready(network, tmp_path), ready(network, tmp_path, device="cuda")
    assert on_gpu.model.device == "cuda:0"
    np.testing.assert_allclose(on_gpu.evaluate(ROWS, 4), on_cpu.evaluate(ROWS, 4), rtol=1e-3, atol=1e-3)


def test_eval_mode(loader: str, tmp_path: Path) -> None:
    # Dropout at 1/2 would zero some of 96 hidden values; none is zero in eval mode.
    evaluator = ready(MAKERS[loader](tmp_path, "float32"), tmp_path)
    assert evaluator.model.mode == "eval"
    first = evaluator.evaluate(ROWS, 4)
    assert np.all(first != 0)
    np.testing.assert_array_equal(first, evaluator.evaluate(ROWS, 4))


def test_a_batch_of_k_is_k_single_calls(loader: str, dtype: str, tmp_path: Path) -> None:
    evaluator = ready(MAKERS[loader](tmp_path, dtype), tmp_path)
    bound = 20 * np.finfo(dtype).eps
    single = evaluator.evaluate(ROWS, 1)
    for batch in (2, 5, 12, 16):
        np.testing.assert_allclose(evaluator.evaluate(ROWS, batch), single, rtol=bound, atol=bound)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Load the network of every loader and dtype in one fresh process; return the folder of all of them."""
    folder, cases = tmp_path_factory.mktemp("elsewhere"), {}
    for name in FROM_FILES:
        for dtype in DTYPES:
            place = folder / f"{name}-{dtype}"
            place.mkdir()
            with contextlib.suppress(pytest.skip.Exception):  # the test itself says what is missing
                network = MAKERS[name](place, dtype)
                cases[place.name] = (network.model, network.outputs)
    np.save(folder / "rows.npy", ROWS)
    (folder / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(folder)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", FROM_FILES)
def test_a_fresh_process_gives_the_same_bits(name: str, dtype: str, elsewhere: Path, tmp_path: Path) -> None:
    network = MAKERS[name](tmp_path, dtype)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    place = elsewhere / f"{name}-{dtype}"
    here = ready(network, place)
    there = json.loads((place / "hashes.json").read_text())
    assert there == hashes(here.model)
    np.testing.assert_array_equal(np.load(place / "there.npy"), here.evaluate(ROWS, 4))
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", FROM_FILES)
def test_files_exist_and_are_named(name: str, tmp_path: Path) -> None:
    plain = MAKERS[name](tmp_path, "float32").model
    files = load(plain, tmp_path).files
    named = (tmp_path / str(plain["path"]).partition(":")[0]).resolve()
    assert named in {files[0], files[0].parent}
    assert all(path.is_file() and path.is_absolute() for path in files)


@pytest.mark.parametrize("name", FROM_FILES)
def test_the_file_tells_its_loader(name: str, tmp_path: Path) -> None:
    plain = MAKERS[name](tmp_path, "float32").model
    assert loader_of(plain["path"], plain.get("architecture"), tmp_path) == name
    told = load({key: value for key, value in plain.items() if key != "loader"}, tmp_path)
    assert told.files == load(plain, tmp_path).files


def test_layers_are_watched_or_refused(loader: str, tmp_path: Path) -> None:
    model = load(MAKERS[loader](tmp_path, "float32").model, tmp_path)
    if model.module is None:
        with pytest.raises(ModelError, match=r"outputs\[0\]\.layer: only the layers of a torch module"):
            Evaluator(model, [{"name": "a", "layer": "last"}], Assembler(WIDTH))
        return
    last = [name for name, _ in model.module.named_modules()][-1]
    Evaluator(model, [{"name": "a", "layer": last}], Assembler(WIDTH)).learn(ROWS)


def test_memory_is_freed(loader: str, tmp_path: Path) -> None:
    model = load(MAKERS[loader](tmp_path, "float32").model, tmp_path)
    model(ROWS)
    held = model.function  # type: ignore[attr-defined]
    alive = weakref.ref(next(held.parameters()) if isinstance(held, torch.nn.Module) else held)
    del model, held
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("name", FROM_FILES)
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    plain = MAKERS[name](tmp_path, "float32").model
    with pytest.raises(ModelError, match=r"model\.path: no file .*relative to the spec"):
        load({**plain, "path": str(plain["path"]).replace("net", "absent")}, tmp_path)


def no_files() -> dict[str, bytes]:
    """What is downloaded or left in place of a network."""
    return {
        "an empty file": b"",
        "a page of HTML": b"<!DOCTYPE html><html><body>Not found</body></html>",
        "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    }


@pytest.mark.parametrize("name", [name for name in FROM_FILES if name != "python"])
def test_files_of_others_are_told_apart(name: str, elsewhere: Path, tmp_path: Path) -> None:
    own = MAKERS[name](tmp_path, "float32").model
    for content in no_files().values():
        (tmp_path / "wrong").write_bytes(content)
        with pytest.raises(ModelError, match=rf"model\.path: wrong is ({'|'.join(no_files())})"):
            load({**own, "path": "wrong"}, tmp_path)
    cases = json.loads((elsewhere / "cases.json").read_text())
    for other in set(FROM_FILES) - {"python", name}:
        place = f"{other}-float32"
        if place in cases:
            path = str(elsewhere / place / cases[place][0]["path"])
            with pytest.raises(ModelError, match=rf"model\.path: .* is an? .*set model\.loader to '{other}'"):
                load({**own, "path": path}, tmp_path)


@pytest.mark.parametrize(
    ("name", "package"), [("onnx", "onnxruntime"), ("huggingface", "transformers"), ("sklearn", "sklearn")]
)
def test_a_missing_package_is_named_with_its_extra(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = MAKERS[name](tmp_path, "float32").model
    monkeypatch.setitem(sys.modules, package, None)
    cure = rf"needs {package}, which is not installed: pip install 'parsl-sa\[{name}\]'"
    with pytest.raises(ModelError, match=rf"model\.loader: .*{cure}"):
        load(plain, tmp_path)


def test_inputs_are_left_alone(loader: str, dtype: str, tmp_path: Path) -> None:
    rows = ROWS.copy()
    rows.setflags(write=False)
    load(MAKERS[loader](tmp_path, dtype).model, tmp_path)(rows)
    np.testing.assert_array_equal(rows, ROWS)
