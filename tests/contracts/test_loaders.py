"""What every loader promises; a new line in the registry's table must bring a maker here.

A maker writes one small network, with dropout, in the loader's own form.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from parsl_sa.errors import ModelError
from parsl_sa.models import Evaluator, hashes, live, load
from parsl_sa.models.inputs import Assembler
from parsl_sa.registry import names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = np.random.default_rng(0).standard_normal((12, 3))
OUTPUTS = [{"name": "y", "select": "y"}, {"name": "h", "select": "h", "dims": {"unit": 8}}]

SOURCE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.hidden = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5))
        self.last = nn.Linear(8, 1)

    def forward(self, x):
        h = self.hidden(x)
        return {"y": self.last(h), "h": h}


def load(dtype="float32"):
    return Net().to(getattr(torch, dtype)).train()
"""


def python(folder: Path, dtype: str) -> dict[str, Any]:
    (folder / "net.py").write_text(SOURCE)
    return {"loader": "python", "path": "net.py:load", "options": {"dtype": dtype}}


def exported(folder: Path, dtype: str) -> dict[str, Any]:
    held: dict[str, Any] = {}
    exec(SOURCE, held)
    net: nn.Module = held["load"](dtype).eval()
    example = torch.zeros(4, 3, dtype=getattr(torch, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(net, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        torch.export.save(program, folder / "net.pt2")
    return {"loader": "exported", "path": "net.pt2"}


def of_this_process(folder: Path, dtype: str) -> dict[str, Any]:
    held: dict[str, Any] = {}
    exec(SOURCE, held)
    return {"loader": "live", "path": live.register(held["load"](dtype))}


MAKERS: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "python": python,
    "exported": exported,
    "live": of_this_process,
}
FROM_FILES = [name for name in names("loader") if name != "live"]


def test_every_loader_has_a_maker() -> None:
    assert set(MAKERS) == set(names("loader"))


@pytest.fixture(params=names("loader"))
def maker(request: pytest.FixtureRequest) -> Callable[[Path, str], dict[str, Any]]:
    return MAKERS[request.param]


@pytest.fixture(params=FROM_FILES)
def filed(request: pytest.FixtureRequest) -> Callable[[Path, str], dict[str, Any]]:
    """Return the maker of a loader whose models are files, which other processes can read."""
    return MAKERS[request.param]


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ready(model: dict[str, Any], folder: Path) -> Evaluator:
    evaluator = Evaluator(load(model, folder), OUTPUTS, Assembler(3))
    evaluator.probe(ROWS)
    return evaluator


Maker = Any


def test_dtype_is_honoured(maker: Maker, dtype: str, tmp_path: Path) -> None:
    model = load(maker(tmp_path, dtype), tmp_path)
    assert model.dtype == dtype
    assert str(model(ROWS)["y"].dtype) == f"torch.{dtype}"
    assert ready(maker(tmp_path, dtype), tmp_path).evaluate(ROWS, 4).dtype == np.dtype(dtype)


def test_device_is_honoured(maker: Maker, tmp_path: Path) -> None:
    plain = maker(tmp_path, "float32")
    model = load({**plain, "device": "cpu"}, tmp_path)
    assert (model.device, model(ROWS)["y"].device.type) == ("cpu", "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match=r"model\.device"):
            load({**plain, "device": "cuda"}, tmp_path)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_what_the_cpu_gives(maker: Maker, dtype: str, tmp_path: Path) -> None:
    plain = maker(tmp_path, dtype)
    on_cpu, on_gpu = ready(plain, tmp_path), ready({**plain, "device": "cuda"}, tmp_path)
    assert on_gpu.model.device == "cuda:0"
    np.testing.assert_allclose(on_gpu.evaluate(ROWS, 4), on_cpu.evaluate(ROWS, 4), rtol=1e-3, atol=1e-3)


def test_eval_mode(maker: Maker, tmp_path: Path) -> None:
    # Dropout at 1/2 would zero some of 96 hidden values; none is zero in eval mode.
    evaluator = ready(maker(tmp_path, "float32"), tmp_path)
    first = evaluator.evaluate(ROWS, 4)
    assert np.all(first != 0)
    np.testing.assert_array_equal(first, evaluator.evaluate(ROWS, 4))


def test_a_batch_of_k_is_k_single_calls(maker: Maker, dtype: str, tmp_path: Path) -> None:
    evaluator = ready(maker(tmp_path, dtype), tmp_path)
    bound = 20 * np.finfo(dtype).eps
    single = evaluator.evaluate(ROWS, 1)
    for batch in (2, 5, 12, 16):
        np.testing.assert_allclose(evaluator.evaluate(ROWS, batch), single, rtol=bound, atol=bound)


def test_a_fresh_process_gives_the_same_bits(filed: Maker, dtype: str, tmp_path: Path) -> None:
    plain = filed(tmp_path, dtype)
    torch.set_num_threads(1)
    here = ready(plain, tmp_path).evaluate(ROWS, 4)
    np.save(tmp_path / "rows.npy", ROWS)
    program = f"""
import numpy as np, torch
from pathlib import Path
from parsl_sa.models import Assembler, Evaluator, hashes, load
torch.set_num_threads(1)
folder = Path({str(tmp_path)!r})
rows = np.load(folder / "rows.npy")
evaluator = Evaluator(load({plain!r}, folder), {OUTPUTS!r}, Assembler(3))
evaluator.probe(rows)
np.save(folder / "there.npy", evaluator.evaluate(rows, 4))
print(hashes(evaluator.model))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "there.npy"), here)
    assert done.stdout.strip() == str(hashes(load(plain, tmp_path)))


def test_files_exist_and_are_named(filed: Maker, tmp_path: Path) -> None:
    plain = filed(tmp_path, "float32")
    files = load(plain, tmp_path).files
    assert files
    assert files[0].name == str(plain["path"]).partition(":")[0]
    assert all(path.is_file() and path.is_absolute() for path in files)


def test_memory_is_freed(maker: Maker, tmp_path: Path) -> None:
    model = load(maker(tmp_path, "float32"), tmp_path)
    model(ROWS)
    alive = weakref.ref(next(model.function.parameters()))  # type: ignore[attr-defined]
    del model
    gc.collect()
    assert alive() is None


def test_a_missing_file_is_named(filed: Maker, tmp_path: Path) -> None:
    plain = filed(tmp_path, "float32")
    with pytest.raises(ModelError, match=r"model\.path: no file .*relative to the spec"):
        load({**plain, "path": str(plain["path"]).replace("net", "absent")}, tmp_path)


def test_inputs_are_left_alone(maker: Maker, dtype: str, tmp_path: Path) -> None:
    rows = ROWS.copy()
    rows.setflags(write=False)
    load(maker(tmp_path, dtype), tmp_path)(rows)
    np.testing.assert_array_equal(rows, ROWS)
